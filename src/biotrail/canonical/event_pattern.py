"""The form of an event's body as one regular expression over its bytes.

Canonical CBOR of short texts and small maps is a regular language: there is one form for every
length, and keys come in one order. So one pass of the expression says of most events what decoding,
re-encoding and checking the form would say. Only how many keys a map says it has is counted after.

It never accepts what `decode_entry` would refuse. It does not accept everything: labels, texts of
more than 64 bytes or not in ASCII, and other rare things are left to the general decoder.

Where it accepts, it has also passed the few values that are needed to open an event's payload, so
that a reader of many records need not decode what nobody asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple

__all__ = ["EventMarks", "body_of_plain_event", "marks_of_entry", "matches_event"]

_LONGEST = 64
_MAP = 0xA0
_MAXIMUM_ENTRY = 65_535
# After the body's and the content's own heads comes the id, before all else: 62 "id" 50.
_ID_AFTER = len(b"\xa1\x65event") + 1 + len(b"\x62id\x50")


def matches_event(entry: bytes, start: int) -> bool:
    """Whether the bytes from `start` on are an event's body in canonical form.

    False means only that the general decoder must be asked.
    """
    match, counts, _ = _compiled()
    return _counted(match(entry, start), counts) is not None


def _counted(
    found: re.Match[bytes] | None, counts: tuple[_Count, ...]
) -> tuple[bytes | None, ...] | None:
    """The groups of what was found, if every map has as many keys as it says."""
    if found is None:
        return None
    groups = found.groups()
    for at, keys, optional in counts:
        header = groups[at]
        if header is not None and header[0] - _MAP != keys - optional(groups).count(None):
            return None
    return groups


class EventMarks(NamedTuple):
    """What an event's entry says of its payload.

    Attributes:
        index: Index that the entry says it has.
        event_id: The event's id, 16 bytes.
        subject: Reference of the subject, 16 bytes.
        actor: Reference of the actor, 16 bytes.
        root: The payload root, 32 bytes.
        tenant: The tenant.
    """

    index: int  # type: ignore[assignment] # shadows tuple.index
    event_id: bytes
    subject: bytes | None
    actor: bytes | None
    root: bytes | None
    tenant: str | None = None


def body_of_plain_event(entry: bytes) -> int:
    """Where the body begins in an event's entry that is in canonical form, its head too.

    Returns:
        The place, after the fixed head with its time of recording; 0 means only that the general
        decoder must be asked.
    """
    match_head, match, counts, _ = _for_marks()
    head = match_head(entry)
    if head is None or len(entry) > _MAXIMUM_ENTRY:
        return 0
    start = head.end()
    return 0 if _counted(match(entry, start), counts) is None else start


def marks_of_entry(entry: bytes) -> EventMarks | None:
    """What an entry says of its payload, if it is an event's in canonical form.

    None means only that the general decoder must be asked. What it accepts, `decode_entry` accepts.
    """
    match_head, match, counts, (subject_at, actor_at, root_at, tenant_at) = _for_marks()
    head = match_head(entry)
    if head is None or len(entry) > _MAXIMUM_ENTRY:
        return None
    start = head.end()
    groups = _counted(match(entry, start), counts)
    if groups is None:
        return None
    subject, actor, root = groups[subject_at], groups[actor_at], groups[root_at]
    written = head[1]
    at = start + _ID_AFTER
    return EventMarks(
        written[0] if len(written) == 1 else int.from_bytes(written[1:], "big"),
        entry[at : at + 16],
        # The values stand at the ends of what was matched.
        None if subject is None else subject[-16:],
        None if actor is None else actor[-16:],
        None if root is None else root[-32:],
        None if groups[tenant_at] is None else _text_of(groups[tenant_at]),
    )


def _text_of(pair: bytes | None) -> str:
    """The text in a pair of name and value, each of fewer than 256 bytes in ASCII."""
    assert pair is not None
    value = pair[1 + pair[0] - 0x60 :]
    return value[2 if value[0] == 0x78 else 1 :].decode("ascii")


class _Count(NamedTuple):
    """How to count the keys of a map: its header's group, all its keys, the optional ones."""

    header: int
    keys: int
    optional: Callable[[tuple[bytes | None, ...]], tuple[bytes | None, ...]]


class _Map(NamedTuple):
    """The form of a map."""

    required: Mapping[str, bytes]
    optional: Mapping[str, bytes | _Map]


def _head(major: int, length: int) -> bytes:
    """The first bytes of a string of fewer than 256 bytes (RFC 8949 section 3)."""
    return bytes((major + length,)) if length < 24 else bytes((major + 24, length))


def encoded_word(word: str) -> bytes:
    """An expression for one text of fewer than 256 ASCII letters."""
    return re.escape(_head(0x60, len(word)) + word.encode())


def one_of(forms: Sequence[bytes]) -> bytes:
    """An expression for one of several."""
    return b"(?:" + b"|".join(forms) + b")"


def _words(*words: str) -> bytes:
    return one_of([encoded_word(word) for word in words])


def _bytes(size: int) -> bytes:
    return re.escape(_head(0x40, size)) + b".{%d}" % size


def ascii_text(longest: int) -> bytes:
    """An expression for texts in ASCII of up to so many letters, fewer than 256; none is empty."""
    return one_of(
        [re.escape(_head(0x60, n)) + b"[\x00-\x7f]{%d}" % n for n in range(1, longest + 1)]
    )


def integer() -> bytes:
    """An expression for an integer in its shortest form."""
    return _INTEGER


def unsigned() -> bytes:
    """An expression for a whole number of 0 or more in its shortest form."""
    return _UNSIGNED


_TEXT = ascii_text(_LONGEST)
_UNSIGNED = one_of(
    [
        rb"[\x00-\x17]",
        rb"\x18[\x18-\xff]",
        rb"\x19(?!\x00).{2}",
        rb"\x1a(?!\x00\x00).{4}",
        rb"\x1b(?!\x00{4}).{8}",
    ]
)
_NEGATIVE = one_of(
    [
        rb"[\x20-\x37]",
        rb"\x38[\x18-\xff]",
        rb"\x39(?!\x00).{2}",
        rb"\x3a(?!\x00\x00).{4}",
        rb"\x3b(?!\x00{4}).{8}",
    ]
)
_INTEGER = one_of([_UNSIGNED, _NEGATIVE])
# The 29th of February is left to the general decoder.
_DATE = one_of(
    [
        rb"(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])",
        rb"(?:0[13-9]|1[0-2])-(?:29|30)",
        rb"(?:0[13578]|1[02])-31",
    ]
)
_TIME = (
    rb"\x78\x1b[12][0-9]{3}-" + _DATE + rb"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
)
_FACTORS = one_of([re.escape(bytes((0x80 + n,))) + _TEXT * n for n in (1, 2, 3)])
_COMPARISON = _Map(
    {
        "matcher": _TEXT,
        "version": _TEXT,
        "decision": _words("match", "non_match", "undetermined"),
    },
    {
        "pad": _words("bona_fide", "attack", "undetermined"),
        "type": _words("verification", "identification"),
        "digest": _bytes(32),
        "metric": _TEXT,
        "gallery": _TEXT,
        "reference": _TEXT,
        "calibration": _TEXT,
        "gallery_size": _UNSIGNED,
        "quality_micro": _INTEGER,
        "threshold_micro": _INTEGER,
    },
)
_CONTEXT = _Map({}, dict.fromkeys(("os", "trace_id", "request_id", "device_model"), _TEXT))
_PROVENANCE = _Map(
    {},
    dict.fromkeys(
        (
            "ip",
            "os",
            "location",
            "trace_id",
            "device_id",
            "request_id",
            "session_id",
            "user_agent",
            "device_model",
        ),
        _words("attested", "observed", "proxy_asserted", "client_claimed"),
    ),
)
_EVENT = _Map(
    {
        "id": _bytes(16),
        "action": _TEXT,
        "reason": _TEXT,
        "outcome": _words("success", "failure", "unknown"),
        "decision": _words("granted", "denied"),
        "modality": _TEXT,
        "occurred": _TIME,
    },
    {
        "target": _TEXT,
        "tenant": _TEXT,
        "context": _CONTEXT,
        "factors": _FACTORS,
        "payload": _bytes(32),
        "subject": _bytes(16),
        "comparison": _COMPARISON,
        "provenance": _PROVENANCE,
        "actor": _bytes(16),
    },
)


class _Writer:
    """Writes a map's form as an expression, and notes which groups are to be counted."""

    def __init__(self) -> None:
        self.groups = 0
        self.counts: list[_Count] = []
        self.places: dict[str, int] = {}

    def write(self, form: _Map) -> bytes:
        header, optional, parts = self._group(), [], []
        fields: dict[str, bytes | _Map] = {**form.required, **form.optional}
        for name in sorted(fields, key=lambda name: (len(name), name)):
            value = fields[name]
            if name in form.optional:
                optional.append(self._group())
                if form is _EVENT:
                    self.places[name] = optional[-1]
            written = self.write(value) if isinstance(value, _Map) else value
            field = encoded_word(name) + written
            parts.append(b"(" + field + b")?" if name in form.optional else field)
        self.counts.append(_Count(header, len(fields), itemgetter(*optional)))
        return rb"([\xa1-\xb7])" + b"".join(parts)

    def _group(self) -> int:
        self.groups += 1
        return self.groups - 1


@cache
def _compiled() -> tuple[
    Callable[[bytes, int], re.Match[bytes] | None], tuple[_Count, ...], tuple[int, int, int, int]
]:
    """The expression, compiled when it is first needed: that takes a moment.

    Also how to count keys, and the groups of subject, actor, payload and tenant.
    """
    writer = _Writer()
    pattern = re.escape(b"\xa1\x65event") + writer.write(_EVENT)
    places = writer.places
    marks = places["subject"], places["actor"], places["payload"], places["tenant"]
    return re.compile(pattern, re.DOTALL).fullmatch, tuple(writer.counts), marks


@cache
def _for_marks() -> tuple[
    Callable[[bytes], re.Match[bytes] | None],
    Callable[[bytes, int], re.Match[bytes] | None],
    tuple[_Count, ...],
    tuple[int, int, int, int],
]:
    """The same, after an expression for the head of an entry: see `biotrail.canonical.entry`."""
    pattern = rb"\x85\x01(" + _UNSIGNED + rb")\x58\x20.{32}" + _TIME
    return re.compile(pattern, re.DOTALL).match, *_compiled()
