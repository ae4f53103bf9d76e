"""Erasure certificates: a text for people, and the proof file that the text is made from.

The text says nothing that the proven entry does not say: it is written anew from the entry and
compared, so that nobody can put other words before a true proof. Specified in
``docs/spec/erasure.md``.
"""

from __future__ import annotations

from typing import Any

from biotrail.canonical.entry import Entry
from biotrail.canonical.times import format_time
from biotrail.errors import MalformedError

__all__ = ["certificate_text", "encode_certificate", "split_certificate"]

_TITLE = "biotrail/erasure-certificate/1"
_PROOF = "c2sp.org/tlog-proof@v1\n"
_LABEL = 22
_MEANING = """\
One person's data keys were destroyed, with the rows that led from the person to their records,
the sealed personal fields named above, and the tags by which they could be found. The entries
themselves stay and hold no name. What is encrypted and lies elsewhere, as in a backup, can no
longer be opened with the keys of this log.

This does not show that copies elsewhere were deleted: backups, exports, other systems.
The proof that follows shows that the log records this erasure, under the key that signed it.
"""


def certificate_text(origin: str, entry: Entry) -> str:
    """The text of a certificate, as it follows from the log's name and the tombstone.

    Args:
        origin: The log's origin.
        entry: The entry; its kind is ``subject_erased``.
    """
    content: dict[str, Any] = entry.content
    rows = [
        ("log", origin),
        ("erasure", content["id"].hex()),
        ("entry", str(entry.index)),
        ("requested", content["requested"]),
        ("recorded", format_time(entry.recorded)),
        ("reason", content["reason"]),
        ("legal basis", content["legal_basis"]),
        ("records before index", str(content["through"])),
        ("payload parts", str(content["payloads"])),
        *(("reference", one.hex()) for one in content["references"]),
        *(("destroyed key", one.hex()) for one in content["fingerprints"]),
        *(("not reached", one) for one in content.get("beyond", ())),
    ]
    lines = [f"{label:<{_LABEL}}{_printable(value)}\n" for label, value in rows]
    return f"{_TITLE}\n\n{''.join(lines)}\n{_MEANING}\n"


def encode_certificate(origin: str, entry: Entry, proof: bytes) -> bytes:
    """A certificate: the text, then the proof file as it is."""
    return certificate_text(origin, entry).encode() + proof


def split_certificate(data: bytes) -> tuple[bytes, bytes]:
    """Take a certificate apart into text and proof file; nothing of either is checked yet.

    Raises:
        MalformedError: It is not a certificate.
    """
    text, found, proof = data.partition(b"\n" + _PROOF.encode())
    if not found or not text.startswith(f"{_TITLE}\n".encode()):
        raise MalformedError(f"not an erasure certificate: it must begin with {_TITLE!r}")
    return text + b"\n", _PROOF.encode() + proof


def _printable(value: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in value
    )
