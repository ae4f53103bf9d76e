"""What entries about keys say: admission of a writer, retirement, rotation."""

from __future__ import annotations

from typing import Any

from biotrail.audit.prepare import Prepared, prepare_other
from biotrail.errors import EventError, WrongKeyError
from biotrail.signing import VerifierKey
from biotrail.trust import KeyHistory

__all__ = ["admission", "retirement", "rotation"]


def admission(key: VerifierKey | str, origin: str) -> list[Prepared]:
    """Admit another writer's key.

    Raises:
        MalformedError: Not a verifier key.
        EventError: The key of another log.
    """
    admitted = VerifierKey.parse(key) if isinstance(key, str) else key
    _check_name(admitted, origin)
    return [prepare_other("key_added", {"key": str(admitted), "purpose": "writer"})]


def retirement(key: VerifierKey | str, reason: str) -> list[Prepared]:
    """Retire a key."""
    return [prepare_other("key_retired", {"key": str(key), "reason": reason})]


def rotation(
    keys: KeyHistory,
    present: VerifierKey,
    following: VerifierKey,
    next_key_digest: bytes | None,
) -> list[Prepared]:
    """Add the key that follows, and retire the present one.

    Raises:
        EventError: The key of another log.
        WrongKeyError: The log committed to another next key.
    """
    _check_name(following, present.name)
    _check_commitment(keys, following)
    added: dict[str, Any] = {"key": str(following), "purpose": "rotation"}
    if next_key_digest is not None:
        added["next"] = next_key_digest
    return [prepare_other("key_added", added), *retirement(present, "rotation")]


def _check_commitment(keys: KeyHistory, following: VerifierKey) -> None:
    if keys.find(following) is None and keys.next_digest not in (None, following.digest()):
        raise WrongKeyError(
            "the log committed to another next key: rotate to that one",
            expected=(keys.next_digest or b"").hex(),
            found=following.digest().hex(),
        )


def _check_name(key: VerifierKey, origin: str) -> None:
    if key.name != origin:
        raise EventError("key", key, f"must bear the name of the log, {origin}")
