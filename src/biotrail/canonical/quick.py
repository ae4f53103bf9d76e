"""The strict check of an event's body at speed: the same verdict as `decode_entry`, less work.

Re-encoding a decoded body in the order in which its keys came shows every leniency of the decoder
except the order of keys, floats, tags (large integers are one) and text that is not in form C; the
form of an event rules out floats and the other tags, and the rest is checked here. Whatever is not
plainly right is left to the general decoder, whose word is final.
"""

from __future__ import annotations

import cbor2

from biotrail.canonical.schema import is_event_shape

__all__ = ["is_plainly_canonical_event"]

_seen_orders: set[tuple[str, ...]] = set()
_MAXIMUM_ORDERS = 4_096
_LEAST, _MOST = -(2**64), 2**64 - 1


def is_plainly_canonical_event(body: bytes) -> bool:
    """Whether a body is an event in canonical form, beyond doubt.

    False means only that the general decoder must be asked.
    """
    try:
        value = cbor2.loads(body)
    except Exception:
        return False
    if type(value) is not dict or len(value) != 1:
        return False
    content = value.get("event")
    if type(content) is not dict or not is_event_shape(content) or not _ordered_ascii(content):
        return False
    return cbor2.dumps(value) == body


def _ordered_ascii(content: dict[str, object]) -> bool:
    if not _in_order(content):
        return False
    for item in content.values():
        kind = type(item)
        if kind is str:
            if not item.isascii():  # type: ignore[attr-defined] # its type was just read
                return False
        elif kind is int:
            if not _LEAST <= item <= _MOST:  # type: ignore[operator] # likewise
                return False
        elif kind is dict:
            if not _ordered_ascii(item):  # type: ignore[arg-type] # likewise
                return False
        elif kind is list and not all(word.isascii() for word in item):  # type: ignore[attr-defined]
            return False
    return True


def _in_order(content: dict[str, object]) -> bool:
    keys = tuple(content)
    if keys in _seen_orders:
        return True
    ordered = all(
        type(key) is str and key.isascii() and 1 <= len(key) <= 23 for key in keys
    ) and list(keys) == sorted(keys, key=lambda key: (len(key), key))
    if ordered and len(_seen_orders) < _MAXIMUM_ORDERS:
        _seen_orders.add(keys)
    return ordered
