"""Which fields are personal: sealed beside the log, or kept in the entry for good."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import attrs
import cbor2

from biotrail.errors import EventError

__all__ = ["CLEAR_BY_DEFAULT", "SEALED_BY_DEFAULT", "PersonalFields"]

SEALED_BY_DEFAULT = frozenset(
    {"ip", "location", "device_id", "session_id", "user_agent", "score", "attributes"}
)
"""Fields that are sealed unless the host says otherwise. The identities of actor and subject are
sealed always: an identity in an entry could never be erased."""

CLEAR_BY_DEFAULT = frozenset(
    {
        "target",
        "labels",
        "factors",
        "os",
        "trace_id",
        "request_id",
        "device_model",
        "reference",
        "quality",
        "threshold",
        "gallery",
        "calibration",
    }
)
"""Fields that are in the entry unless the host says otherwise. Others cannot be moved: id, action,
reason, outcome, decision, modality, time and tenant are what a record is filed under."""


def _movable(field: str, value: Iterable[str], allowed: frozenset[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise EventError(field, value, "must be several names, not one text")
    names = frozenset(value)
    for name in sorted(map(str, names - allowed)):
        raise EventError(field, name, f"{name!r} cannot be moved: it is none of {_list(allowed)}")
    return names


def _to_seal(value: Iterable[str]) -> frozenset[str]:
    return _movable("seal", value, CLEAR_BY_DEFAULT)


def _to_clear(value: Iterable[str]) -> frozenset[str]:
    return _movable("clear", value, SEALED_BY_DEFAULT)


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


@attrs.frozen(kw_only=True)
class PersonalFields:
    """A host's policy of what is personal, where it differs from the default.

    Attributes:
        seal: Fields to seal that are otherwise in the entry, out of `CLEAR_BY_DEFAULT`; for example
            ``{"target"}`` where the target is somebody's flat.
        clear: Fields to keep in the entry that are otherwise sealed, out of `SEALED_BY_DEFAULT`.
            What is in an entry can never be erased.

    Raises:
        EventError: A name that cannot be moved.
    """

    seal: frozenset[str] = attrs.field(default=frozenset(), converter=_to_seal)
    clear: frozenset[str] = attrs.field(default=frozenset(), converter=_to_clear)

    @property
    def is_default(self) -> bool:
        """Whether nothing is moved."""
        return not self.seal and not self.clear

    def digest(self) -> bytes:
        """SHA-256 over the policy's deterministic CBOR, 32 bytes: what the log records."""
        content = {"seal": sorted(self.seal), "clear": sorted(self.clear)}
        return sha256(cbor2.dumps(content)).digest()
