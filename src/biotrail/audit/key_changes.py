"""What entries about keys say: admission of a writer, retirement, rotation, theft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from biotrail.audit.prepare import Prepared, prepare_other
from biotrail.errors import EventError, SigningError, WrongKeyError
from biotrail.signing import VerifierKey
from biotrail.trust import KeyHistory

__all__ = ["KeyChange", "admission", "compromise", "not_admitted", "retirement", "rotation"]


class KeyChange(NamedTuple):
    """Entries of one batch that hand a log over to another key.

    Attributes:
        entries: The entries.
        done: Index of the first of them if the log has them already: an earlier call ended without
            an answer.
    """

    entries: Sequence[Prepared]
    done: int | None


def admission(key: VerifierKey | str, origin: str) -> list[Prepared]:
    """Admit another writer's key.

    Raises:
        MalformedError: Not a verifier key.
        EventError: The key of another log.
    """
    admitted = _parsed(key)
    _check_name(admitted, origin)
    return [prepare_other("key_added", {"key": str(admitted), "purpose": "writer"})]


def retirement(key: VerifierKey | str, reason: str) -> list[Prepared]:
    """Retire a key."""
    return [prepare_other("key_retired", {"key": str(key), "reason": reason})]


def rotation(
    keys: KeyHistory, present: VerifierKey, following: VerifierKey, then: bytes | None
) -> KeyChange:
    """Add the key that follows, and retire the present one.

    Args:
        keys: The log's keys.
        present: The key of this writer; the following one itself if it takes the log over.
        following: The key that follows.
        then: Digest of the key after that, to commit to it.

    Raises:
        EventError: The key of another log.
        WrongKeyError: The log committed to another next key.
    """
    _check_name(following, present.name)
    known = keys.find(following)
    if known is not None and known.purpose == "rotation":
        return KeyChange((), known.added)
    if known is None and keys.next_digest not in (None, following.digest()):
        raise WrongKeyError(
            "the log committed to another next key: rotate to that one",
            expected=(keys.next_digest or b"").hex(),
            found=following.digest().hex(),
        )
    ended = present if present != following else _last_in_line(keys, besides=following)
    gone = [] if ended is None else retirement(ended, "rotation")
    return KeyChange([_added(following, then), *gone], None)


def compromise(
    keys: KeyHistory,
    stolen: VerifierKey | str,
    since: int,
    reason: str,
    *,
    size: int,
    by: VerifierKey,
    then: bytes | None,
) -> KeyChange:
    """Report a stolen key; if the key that signs is the next one, add it, and end its predecessor.

    Args:
        keys: The log's keys.
        stolen: The stolen key.
        since: Index of the first entry that is not to be believed if that key signed for it.
        reason: Why, for readers of the log.
        size: Size of the log.
        by: The key that signs the report.
        then: Digest of the key after that, to commit to it.

    Raises:
        MalformedError: Not a verifier key.
        WrongKeyError: The log never had the key, or `by` may not report it.
        EventError: `since` is no index of the log.
    """
    key = _parsed(stolen)
    known, reporter = keys.find(key), keys.find(by)
    if known is None:
        raise WrongKeyError("the log never had the key that is reported", found=str(key))
    if type(since) is not int or not 0 <= since <= size:
        raise EventError("since", since, f"must be the index of an entry, at most {size}")
    report = prepare_other("key_compromised", {"key": str(key), "since": since, "reason": reason})
    if reporter is None:
        _check_promised(keys, by)
        ended = _last_in_line(keys, besides=key)
        gone = [] if ended is None else retirement(ended, "rotation")
        return KeyChange([report, _added(by, then), *gone], None)
    if not reporter.precommitted or reporter.added <= known.added:
        raise WrongKeyError(
            f"key {by.key_id.hex()} may not report key {key.key_id.hex()}: only a key may that was "
            "added later and that the log had committed to beforehand. Report it with the next "
            "key (following=)",
            found=str(by),
        )
    return KeyChange([report], keys.reported(key, since, by))


def not_admitted(keys: KeyHistory, key: VerifierKey) -> SigningError:
    """Why a key that the log does not have cannot sign."""
    if keys.is_promised(key):
        return SigningError(
            f"key {key.key_id.hex()} is the one that the log has committed to, and not added yet: "
            "take the log over with it first, by report_compromise or rotate_key"
        )
    return SigningError(
        f"key {key.key_id.hex()} is not admitted in this log: have a writer whose key is "
        f"in force admit it, 'biotrail keys admit ... {key}'"
    )


def _check_promised(keys: KeyHistory, by: VerifierKey) -> None:
    if keys.is_promised(by):
        return
    if keys.next_digest is None:
        why = "the log has committed to no next key, so there is none that a thief cannot have made"
    elif keys.next_digest != by.digest():
        why = "the log committed to another next key"
    else:
        why = "the log's commitment to it was signed by the key before, which a thief could do"
    raise WrongKeyError(
        f"key {by.key_id.hex()} cannot take the log over: {why}",
        expected=None if keys.next_digest is None else keys.next_digest.hex(),
        found=by.digest().hex(),
    )


def _last_in_line(keys: KeyHistory, *, besides: VerifierKey) -> VerifierKey | None:
    """The key that a rotation is to end: the last that was no further writer's, if in force."""
    line = [one for one in keys.admissions if one.purpose != "writer"]
    last = line[-1] if line else None
    return None if last is None or last.retired is not None or last.key == besides else last.key


def _added(key: VerifierKey, then: bytes | None) -> Prepared:
    added: dict[str, Any] = {"key": str(key), "purpose": "rotation"}
    if then is not None:
        added["next"] = then
    return prepare_other("key_added", added)


def _parsed(key: VerifierKey | str) -> VerifierKey:
    return VerifierKey.parse(key) if isinstance(key, str) else key


def _check_name(key: VerifierKey, origin: str) -> None:
    if key.name != origin:
        raise EventError("key", key, f"must bear the name of the log, {origin}")
