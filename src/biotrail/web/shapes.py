"""What a reader is shown: records as JSON, with the personal fields that it may see and no others.

The words and units are those of the entry's specification, as in ``biotrail show --json``: whole
millionths stay whole, bytes are in hexadecimal, addresses and event ids in their own form.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from biotrail.canonical import PERSONAL_FIELDS, format_time, split_entry
from biotrail.canonical.owners import owners_of
from biotrail.errors import ErasedError, MissingError, QueryError, SealedError
from biotrail.query import Gone, Record, VerifiedEntry
from biotrail.query.record import OWNERS
from biotrail.signing import SignedCheckpoint

__all__ = ["REVEALABLE", "REVEALABLE_WORDS", "Shown", "ShownPage", "encoded", "revealed_names"]

_OTHER_WORDS: Final[Mapping[str, str]] = {
    "score": "score_micro",
    "device": "device_id",
    "session": "session_id",
    "quality": "quality_micro",
    "threshold": "threshold_micro",
}
_MAY_BE_SEALED = (
    "target",
    "labels",
    "factors",
    "os",
    "trace_id",
    "request_id",
    "device_model",
    "gallery",
    "reference",
    "calibration",
    "quality_micro",
    "threshold_micro",
)
REVEALABLE: Final = (*PERSONAL_FIELDS, *_MAY_BE_SEALED)
"""Names of the fields that can be revealed: those of the payload, and what a host may move there.

``score``, ``device``, ``session``, ``quality`` and ``threshold`` stand for their longer names.
"""

REVEALABLE_WORDS: Final = (*REVEALABLE, *_OTHER_WORDS)
"""The same, and the shorter words."""


def revealed_names(names: Sequence[str]) -> tuple[str, ...]:
    """The payload's names of fields that a reader wants to see, each once.

    Raises:
        QueryError: One is the name of no field that may be personal.
    """
    found = tuple(dict.fromkeys(_OTHER_WORDS.get(one, one) for one in names))
    for one in found:
        if one not in REVEALABLE:
            known = ", ".join(REVEALABLE)
            raise QueryError(f"{one[:64]!r} is no personal field; they are {known}")
    return found


@attrs.frozen(eq=False)
class Shown:
    """A proven entry, and which of its personal fields its reader may see.

    Attributes:
        found: The entry. Hand nothing of its event or personal fields out but what is revealed.
        revealed: The payload's names of the fields that the reader may see.
    """

    found: VerifiedEntry
    revealed: tuple[str, ...] = ()

    @property
    def index(self) -> int:
        """Its index in the log."""
        return self.found.index

    @property
    def kind(self) -> str:
        """Kind of the entry."""
        return self.found.record.kind

    @property
    def content(self) -> Mapping[str, Any]:
        """What the entry says, as JSON would have it but for bytes in maps inside it."""
        return _content(self.found.record)

    def payload(self) -> dict[str, Any]:
        """By owner (``subject``, ``actor``, ``nobody``), what became of the personal fields.

        ``state`` is ``"sealed"`` (they are there; what is revealed of them is in `personal`),
        ``"erased"`` (an entry says why, or will) or ``"missing"`` (nothing says why).
        """
        return _payload(self.found.record)

    def personal(self) -> dict[str, Any]:
        """Each field that is revealed: its ``state``, and its value where that is ``"shown"``.

        Other states are ``"none"`` (the record has no such field), ``"sealed"`` (it was not opened:
        the application has no vault), ``"erased"`` and ``"missing"``.
        """
        return {name: _personal(self.found.record, name) for name in self.revealed}

    def document(self) -> dict[str, Any]:
        """The record as a JSON object, but for bytes, which `encoded` writes in hexadecimal."""
        record = self.found.record
        head = split_entry(record.data)
        return {
            "index": record.index,
            "kind": record.kind,
            "recorded": head.recorded,
            "leaf_hash": record.leaf_hash,
            "prev": head.prev,
            "content": _content(record),
            "payload": _payload(record),
            "personal": self.personal() if self.revealed else {},
        }


@attrs.frozen(eq=False)
class ShownPage:
    """A page of answers, as its reader may see it.

    Attributes:
        records: The records.
        next: The cursor of the page that follows; None where there is nothing more.
        checkpoint: The signed checkpoint that each of them was proven against.
        misleading: To how many entries columns beside the log led that are no answer. If there are
            any, somebody has changed the store.
        revealed: The personal fields that are shown.
    """

    records: tuple[Shown, ...]
    next: str | None
    checkpoint: SignedCheckpoint
    misleading: int = 0
    revealed: tuple[str, ...] = ()


def encoded(document: object) -> bytes:
    """A document as JSON in ASCII, on one line; bytes in it in hexadecimal."""
    text = json.dumps(document, default=_hexadecimal, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii")


def _hexadecimal(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _content(record: Record) -> Mapping[str, Any]:
    content: Mapping[str, Any] = record.content
    if record.kind != "event":
        return content
    digits = content["id"].hex()
    words = {
        **content,
        "id": f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
    }
    if type(words.get("ip")) is bytes:  # left in the clear by the host
        words["ip"] = str(ipaddress.ip_address(words["ip"]))
    return words


def _payload(record: Record) -> dict[str, Any]:
    content: Any = record.content
    if record.kind != "event" or "payload" not in content:
        return {}
    gone = {one.owner: one for one in record.gone}
    names = [OWNERS[one] for one in owners_of(content.get("subject"), content.get("actor"))]
    return {name: _state(gone.get(name)) for name in names}


def _state(gone: Gone | None) -> dict[str, Any]:
    if gone is None:
        return {"state": "sealed"}
    if gone.how == "missing":
        return {"state": "missing"}
    told = {
        "how": gone.how,
        "index": gone.index,
        "recorded": None if gone.recorded is None else format_time(gone.recorded),
        "reason": gone.reason,
        "legal_basis": gone.legal_basis,
    }
    return {"state": "erased", **{name: one for name, one in told.items() if one is not None}}


def _personal(record: Record, name: str) -> dict[str, Any]:
    if record.kind != "event":
        return {"state": "none"}
    try:
        value = record.field(name)
        value = _in_entry(record, name) if value is None else value
    except SealedError:
        return {"state": "sealed"}
    except ErasedError as error:
        return {"state": "erased", "reason": str(error)}
    except MissingError as error:
        return {"state": "missing", "reason": str(error)}
    if value is None:
        return {"state": "none"}
    if name == "ip" and isinstance(value, bytes):
        value = str(ipaddress.ip_address(value))
    return {"state": "shown", "value": value}


def _in_entry(record: Record, name: str) -> Any:
    """A field that stands in the entry unless a host seals it."""
    content: Any = record.content
    if name not in _MAY_BE_SEALED:
        return None
    for place in (content, content.get("context", {}), content.get("comparison", {})):
        if name in place:
            return place[name]
    return None
