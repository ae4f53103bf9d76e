"""Any choice of fields of any payload is disclosed with proof, and nothing of the others."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from biotrail.canonical import decode_value, encode_payload, encode_value
from biotrail.canonical.disclosure import Disclosed, disclose, disclosed_root
from biotrail.canonical.disclosure_codec import decode_disclosure, encode_disclosure
from biotrail.canonical.payload import Payload
from biotrail.canonical.sealed import Part, SealedPart, sealed_root
from biotrail.errors import CanonicalError

EVENT_ID = bytes(range(16))
_NAMES = st.text(alphabet="abcdefghij_", min_size=1, max_size=23)
_VALUES = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(alphabet="xyz", max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6)


def payload(fields: dict[str, Any], salt: bytes) -> Payload:
    """Return a payload as it is decoded: everything in canonical order."""
    in_order: Any = decode_value(encode_value(fields))
    return Payload(salt, in_order)


@st.composite
def choices(draw: st.DrawFn) -> tuple[dict[int, Payload], list[str]]:
    """Payloads of one or two people, and some names of their fields."""
    first = draw(_FIELDS)
    second = draw(st.none() | _FIELDS)
    payloads = {1: payload(first, draw(st.binary(min_size=32, max_size=32)))}
    names = list(first)
    if second is not None:
        rest = {name: value for name, value in second.items() if name not in first}
        if rest:
            payloads[2] = payload(rest, draw(st.binary(min_size=32, max_size=32)))
            names += rest
    return payloads, draw(st.lists(st.sampled_from(names), min_size=1, unique=True))


def part(owner: int, one: Payload) -> Part:
    """Return a sealed part of a payload; what its ciphertext is does not matter here."""
    _, root = encode_payload(EVENT_ID, list(one.fields.items()), one.salt)
    return SealedPart(owner, bytes([owner]) * 16, bytes(12), root, bytes(272))


@given(choices())
def test_what_is_sealed_is_disclosed(chosen: tuple[dict[int, Payload], list[str]]) -> None:
    """The root is that of the parts, the fields are the chosen ones, and the bytes come back."""
    payloads, names = chosen
    parts = [part(owner, one) for owner, one in payloads.items()]
    shown = disclose(EVENT_ID, names, payloads, parts)
    assert disclosed_root(EVENT_ID, shown) == sealed_root(parts)
    disclosed = Disclosed(b"entry", shown)
    every = {name: value for one in payloads.values() for name, value in one.fields.items()}
    assert disclosed.fields == {name: every[name] for name in names}
    extra = encode_disclosure(disclosed)
    assert decode_disclosure(extra) == disclosed
    assert not any(one.salt in extra for one in payloads.values())


@given(choices())
def test_what_is_in_the_clear_is_disclosed(chosen: tuple[dict[int, Payload], list[str]]) -> None:
    """The same of a payload in the clear."""
    payloads, names = chosen
    one = payloads[1]
    names = [name for name in names if name in one.fields] or list(one.fields)
    _, root = encode_payload(EVENT_ID, list(one.fields.items()), one.salt)
    shown = disclose(EVENT_ID, names, {1: one})
    assert disclosed_root(EVENT_ID, shown) == root
    disclosed = Disclosed(b"entry", shown)
    assert disclosed.fields == {name: one.fields[name] for name in names}
    assert decode_disclosure(encode_disclosure(disclosed)) == disclosed


@given(
    choices(),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), min_size=1, max_size=2),
)
def test_an_edit_is_refused_or_leads_elsewhere(
    chosen: tuple[dict[int, Payload], list[str]], edits: list[tuple[int, int]]
) -> None:
    """A disclosure with bytes changed is malformed, or leads to another root or entry."""
    payloads, names = chosen
    parts = [part(owner, one) for owner, one in payloads.items()]
    extra = encode_disclosure(Disclosed(b"entry", disclose(EVENT_ID, names, payloads, parts)))
    changed = bytearray(extra)
    for place, mask in edits:
        changed[place % len(changed)] ^= mask
    if bytes(changed) == extra:
        return
    try:
        found = decode_disclosure(bytes(changed))
    except CanonicalError:
        return
    owners = [one.owner for one in found.parts]
    same = found.entry == b"entry" and owners == list(payloads)
    assert not same or disclosed_root(EVENT_ID, found.parts) != sealed_root(parts)
