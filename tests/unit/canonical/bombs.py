"""Small data that would cost much to decode carelessly."""

from __future__ import annotations

from tests.reference.cbor import encode

_LARGE = b"\x00" * 60_000

BOMBS: dict[str, bytes] = {
    "arrays in arrays": b"\x81" * 65_000 + b"\x00",
    "maps in maps": b"\xa1\x61a" * 20_000 + b"\x00",
    "maps as keys": b"\xa1" * 65_000 + b"\x00",
    "tags in tags": b"\xc1" * 65_000 + b"\x00",
    "endless arrays": b"\x9f" * 65_000,
    "endless maps": b"\xbf\x61a" * 20_000,
    "endless bytes": b"\x5f" * 65_000,
    "bytes of 2**63": b"\x5b\x7f" + b"\xff" * 7 + _LARGE,
    "bytes of 2**64": b"\x5b" + b"\xff" * 8 + _LARGE,
    "bytes of 2**32": b"\x5a" + b"\xff" * 4 + _LARGE,
    "text of 2**63": b"\x7b\x7f" + b"\xff" * 7,
    "text of 2**32": b"\x7a" + b"\xff" * 4 + _LARGE,
    "array of 2**64": b"\x9b" + b"\xff" * 8,
    "array of 2**32": b"\x9a" + b"\xff" * 4 + _LARGE,
    "array of 2**28": b"\x9a\x0f" + b"\xff" * 3,
    "map of 2**64": b"\xbb" + b"\xff" * 8,
    "map of 2**32": b"\xba" + b"\xff" * 4,
    "arrays of 2**32 in each other": (b"\x9a" + b"\xff" * 4) * 300,
    "reference to itself": bytes.fromhex("d81c81d81d00"),
    "reference to itself as a key": bytes.fromhex("d81ca1d81d0000"),
    "decimal with a huge exponent": bytes.fromhex("c4821a3b9aca0001"),
    "decimal with a huge negative exponent": bytes.fromhex("c4823a3b9aca0001"),
    "large float with a huge exponent": bytes.fromhex("c5821b00ffffffffffffff03"),
    "large float with a large exponent": bytes.fromhex("c5821a0098968001"),
    "fraction over zero": bytes.fromhex("d81e820100"),
    "number of 60,000 bytes": b"\xc2" + encode(b"\xff" * 60_000),
    "regular expression that nests": b"\xd8\x23" + encode("(" * 5_000 + ")" * 5_000),
    "regular expression that repeats": b"\xd8\x23" + encode("(?:a{65000}){65000}"),
    "date beyond the calendar": b"\xc1\x1b" + b"\x7f" + b"\xff" * 7,
    "date that is no number": b"\xc1\xfb\x7f\xf8" + bytes(6),
    "mail of 50,000 parts": b"\xd8\x24" + encode("A: b\n" * 10_000),
    "set of sets": b"\xd9\x01\x02\x81" * 10_000 + b"\x00",
    "references to strings": b"\xd9\x01\x00" * 10_000 + b"\xd8\x19\x00",
    "network address of no version": b"\xd9\x01\x04" + encode(b"\xff" * 5),
    "nothing after a tag": b"\xdb" + b"\xff" * 8,
    "60,000 zeros": _LARGE,
}
