"""Every error that biotrail raises, on one page.

All derive from `BiotrailError`. A message says what happened, where, and what to do; the evidence
(index, expected and found, paths, raw checkpoints) is kept in attributes, so that a program can act
on it and an auditor can keep it. Names end in ``Error``.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AlteredError",
    "AlteredReferenceError",
    "AttemptRefusedError",
    "BiotrailError",
    "CalibrationError",
    "CanonicalError",
    "ClosedError",
    "DeletionIncompleteError",
    "DestroyedKeyError",
    "DuplicateReferenceError",
    "ErasedError",
    "ErasureIncompleteError",
    "EventConflictError",
    "EventError",
    "EventIdTakenError",
    "ExpiredReferenceError",
    "FenceMovedError",
    "ForkedError",
    "ForkedProcessError",
    "ForwardingError",
    "GalleryFileError",
    "HeadMovedError",
    "ImageError",
    "InsertedError",
    "KeyFileError",
    "KeyProviderError",
    "LegalHoldError",
    "LimitError",
    "MalformedError",
    "MatcherError",
    "MiddlewareError",
    "MissingDependencyError",
    "MissingError",
    "ModelError",
    "NetworkSealError",
    "NoSuchFieldError",
    "NotCosignedError",
    "NotRecordedError",
    "OverloadedError",
    "PositionError",
    "ProofError",
    "QueryError",
    "QuerySyntaxError",
    "ReferenceKeyError",
    "ReferenceStoreError",
    "ReferenceStoreRollbackError",
    "ReferenceUnavailableError",
    "ReorderedError",
    "RevokedReferenceError",
    "RolledBackError",
    "SealedError",
    "SignatureError",
    "SigningError",
    "SinkRefusedError",
    "SinkUnavailableError",
    "SpoolError",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnavailableError",
    "TruncatedError",
    "UnknownOutcomeError",
    "UnknownPersonError",
    "UnknownReferenceError",
    "VaultError",
    "VerificationError",
    "WrappedKeyError",
    "WrongKeyError",
]


class BiotrailError(Exception):
    """Root of every error that biotrail raises on purpose. Any of them can be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[BiotrailError], args: tuple[Any, ...], evidence: Any) -> BiotrailError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(evidence)
    return error


# --- at the door -----------------------------------------------------------------------------


class EventError(BiotrailError, ValueError):
    """A value was refused at the door: names the field, the value's type and the rule.

    The value itself is not repeated, since it may be personal.
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field}: {rule} (got {type(value).__name__})")
        self.field = field
        self.value_type = type(value).__name__
        self.rule = rule


class CanonicalError(BiotrailError, ValueError):
    """Bytes or values that are not in the one canonical form."""


class QueryError(BiotrailError, ValueError):
    """A question to a log that cannot be answered as it was asked: the message says what to change.

    The cursor is of another question or another log, a field does not exist, a page is too large.
    """


class QuerySyntaxError(QueryError):
    """The text of a condition cannot be read.

    Attributes:
        text: The text.
        position: Where in it, in characters from 0; its length where something is missing.
        hint: What may have been meant, or what may stand there; None where that is not known.
    """

    def __init__(self, what: str, text: str, position: int, hint: str | None = None) -> None:
        more = "" if hint is None else f"; {hint}"
        super().__init__(f"{what} (character {position + 1}){more}")
        self.what = what
        self.text = text
        self.position = position
        self.hint = hint

    def marked(self) -> str:
        """The line of the text that is meant, and below it a caret under the position."""
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].partition("\n")[0]
        return f"{line}\n{' ' * (self.position - start)}^"


class EventConflictError(BiotrailError):
    """An event id was used again for an event with different content."""


class MissingDependencyError(BiotrailError, ImportError):
    """A feature needs an optional package that is not installed; the message names the extra."""


# --- login handlers --------------------------------------------------------------------------


class LimitError(BiotrailError, ValueError):
    """A policy of attempt limits is not as it must be, or there is no lock to lift."""


class MiddlewareError(BiotrailError, ValueError):
    """The middleware for login handlers is not set up as it must be; names the setting."""


class AttemptRefusedError(BiotrailError):
    """A function that guards access answered without having granted or denied, or was overruled.

    What it answered is withheld: the attempt is recorded as denied.
    """


# --- keys and proofs -------------------------------------------------------------------------


class SigningError(BiotrailError):
    """A signing key could not be used, or is not admitted in this log."""


class KeyFileError(SigningError):
    """A key file is missing, unreadable, too open, or its passphrase is wrong."""


class SignatureError(BiotrailError):
    """A signed note is malformed, or no trusted key signed it, or a signature is wrong."""

    kind, exit_code = "not signed", 21


class NotCosignedError(SignatureError):
    """A checkpoint bears no valid post-quantum cosignature of a key that was asked for."""

    kind, exit_code = "not cosigned", 22


class ProofError(BiotrailError):
    """An inclusion or consistency proof does not lead to the expected root.

    Attributes:
        expected: The root hash that was to be reached, if known.
        calculated: The root hash that the proof leads to, if it leads anywhere.
    """

    kind, exit_code = "not proven", 20

    def __init__(
        self, message: str, *, expected: bytes | None = None, calculated: bytes | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.calculated = calculated


# --- the vault -------------------------------------------------------------------------------


class VaultError(BiotrailError):
    """Personal data could not be sealed, opened or destroyed. Base of the errors below."""


class KeyProviderError(VaultError):
    """A provider of key-encryption keys is out of reach, refuses, or does not know the key.

    Attributes:
        provider: What the provider calls the key-encryption key, where that is known.
    """

    def __init__(self, message: str, *, provider: str | None = None) -> None:
        super().__init__(message)
        self.provider = provider


class WrappedKeyError(VaultError):
    """A wrapped data key is damaged, was exchanged, or is of another log: trying again is no use.

    What lies in the store is not what was kept there; or the provider holds another key under the
    same name. Not an outage: that is `KeyProviderError`.

    Attributes:
        provider: What the provider calls the key-encryption key, where that is known.
    """

    def __init__(self, message: str, *, provider: str | None = None) -> None:
        super().__init__(message)
        self.provider = provider


class NoSuchFieldError(BiotrailError):
    """A record has no field of the name that was asked for."""


class SealedError(VaultError):
    """Personal fields were asked for without the key that opens them."""


class ErasedError(VaultError):
    """What was asked for was destroyed by an erasure or a retention that the log records.

    Attributes:
        index: Index of the entry that records it, if it is recorded yet.
    """

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class DestroyedKeyError(VaultError):
    """A data key that an erasure destroyed is back, as after the restore of a backup: refused."""


class LegalHoldError(VaultError):
    """The person's records are under a legal hold, so they are not erased.

    Attributes:
        holds: Indices of the entries that place the holds.
    """

    def __init__(self, message: str, holds: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.holds = holds


class UnknownPersonError(VaultError):
    """Nothing leads to records of this person: never recorded here, or erased already.

    Which of the two cannot be told: an erasure destroys what leads from a person to their records.
    """


class ErasureIncompleteError(VaultError):
    """An erasure was begun and could not be ended; run it again, it goes on where it stopped.

    Attributes:
        erasure: The erasure's id, 16 bytes.
    """

    def __init__(self, message: str, erasure: bytes = b"") -> None:
        super().__init__(message)
        self.erasure = erasure


# --- matchers --------------------------------------------------------------------------------


class MatcherError(BiotrailError):
    """A matcher backend cannot be used, or was given something that it cannot compare."""


class ImageError(MatcherError):
    """What was to be captured from is no image, or a broken, too large or unknown one."""


class ModelError(MatcherError):
    """A model file is missing or is not the file that its SHA-256 says."""


class NetworkSealError(MatcherError):
    """A matcher that must run without network could not be sealed from it."""


class CalibrationError(MatcherError):
    """A calibration is not what it must be, or the scores cannot support what was asked of them.

    Attributes:
        people: How many people the scores are of, where that is why.
        people_needed: How many people would do at the least, where that is why.
    """

    def __init__(
        self, message: str, *, people: int | None = None, people_needed: int | None = None
    ) -> None:
        super().__init__(message)
        self.people = people
        self.people_needed = people_needed


class ReferenceUnavailableError(MatcherError):
    """A reference cannot be compared with; `reason` is the word that an event carries."""

    reason = "not_enrolled"


class UnknownReferenceError(ReferenceUnavailableError):
    """No reference is kept under this id."""


class ExpiredReferenceError(ReferenceUnavailableError):
    """The reference's time is over: the person has to be enrolled again."""

    reason = "reference_expired"


class RevokedReferenceError(ReferenceUnavailableError):
    """The reference was revoked."""

    reason = "reference_revoked"


class ReferenceStoreError(MatcherError):
    """A reference store cannot be opened, read or written."""


class ReferenceKeyError(ReferenceStoreError):
    """The key is not the one that this reference store was made with."""


class ReferenceStoreRollbackError(ReferenceStoreError):
    """The file of a reference store is older than the host remembers: an earlier copy."""


class AlteredReferenceError(ReferenceStoreError):
    """A row of a reference store is not as it was written: changed, swapped or damaged."""


class DuplicateReferenceError(MatcherError):
    """Features that were to be enrolled reach a threshold with references that are there already.

    Attributes:
        candidates: The `biotrail.matchers.Candidate` of each, best first.
    """

    def __init__(self, message: str, candidates: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class GalleryFileError(MatcherError):
    """A file cannot be read as the gallery that was asked for.

    Attributes:
        reason: ``"absent"``, ``"unreadable"``, ``"not a gallery"``, ``"truncated"``,
            ``"corrupted"``, ``"wrong key"``, ``"key needed"`` or ``"other model"``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class DeletionIncompleteError(MatcherError):
    """Something of a deleted reference is still there.

    Attributes:
        report: The `biotrail.matchers.DeletionReport`: which place holds how much of what.
    """

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


# --- storing ---------------------------------------------------------------------------------


class StoreError(BiotrailError):
    """A store could not do what was asked. Base of the errors below."""


class HeadMovedError(StoreError):
    """The head was not as expected: another writer appended first. Nothing was written."""


class FenceMovedError(StoreError):
    """An erasure was begun since the batch was made. Nothing of the batch was written."""


class EventIdTakenError(StoreError):
    """Some events of a batch are in the log already. Nothing of the batch was written.

    Attributes:
        taken: Indices of the entries that bear the ids, by id (16 bytes each).
    """

    def __init__(self, taken: dict[bytes, int]) -> None:
        super().__init__(f"{len(taken)} event(s) of the batch are recorded already")
        self.taken = taken


class StoreBusyError(StoreError):
    """Another program holds the store locked for longer than the configured wait."""


class StoreFullError(StoreError):
    """No space is left. Nothing of this batch was written."""


class StoreReadOnlyError(StoreError):
    """The store, or the file system below it, does not allow writing."""


class StoreUnavailableError(StoreError):
    """The store cannot be opened or read: absent, not a biotrail log, or a failing disk."""


class NotRecordedError(BiotrailError):
    """The attempt was not recorded; by default it must not be granted. The cause is chained."""


class UnknownOutcomeError(NotRecordedError):
    """The store failed while committing: the record may or may not be durable.

    Recording the same event (same id) again is safe and settles it.
    """


class SpoolError(BiotrailError):
    """The spool cannot be used, or has no room; what it holds already is untouched."""


class OverloadedError(NotRecordedError):
    """The bounded queue stayed full for longer than the configured wait; nothing was written."""


class ClosedError(BiotrailError):
    """The logger is closed."""


class ForkedProcessError(BiotrailError):
    """The logger was opened in another process (before a fork) and cannot be used in this one."""


# --- forwarding ------------------------------------------------------------------------------


class ForwardingError(BiotrailError):
    """Records could not be sent to another system, or were asked to be sent in a wrong way."""


class PositionError(ForwardingError):
    """A forwarder's position is of another log than this one, or cannot be read or written.

    Nothing was sent: find out whether the log was replaced, or rolled back to an older state.
    """


class SinkUnavailableError(ForwardingError):
    """The receiver could not be reached, or did not say that it took the records: try again.

    Attributes:
        after: Seconds that the receiver asked to wait, or None.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class SinkRefusedError(ForwardingError):
    """The receiver refuses these records for good: sending them again would change nothing."""


# --- verdicts --------------------------------------------------------------------------------


class VerificationError(BiotrailError):
    """Base of all negative verdicts on a log.

    Attributes:
        kind: The verdict in one word or two, e.g. ``"altered"``.
        exit_code: The exit code of the command line for this verdict.
        index: First bad index (zero-based), or None where no single index can be named.
        expected: What should have been there, if known (often a hash).
        found: What was there, if anything.
    """

    kind = "failed"
    exit_code = 10

    def __init__(
        self,
        message: str,
        *,
        index: int | None = None,
        expected: object = None,
        found: object = None,
    ) -> None:
        super().__init__(message)
        self.index = index
        self.expected = expected
        self.found = found


class AlteredError(VerificationError):
    """Bytes that were recorded have been changed."""

    kind, exit_code = "altered", 11


class MissingError(VerificationError):
    """An entry, payload or checkpoint that must be there is not."""

    kind, exit_code = "missing", 12


class InsertedError(VerificationError):
    """An entry stands where it was never recorded."""

    kind, exit_code = "inserted", 13


class ReorderedError(VerificationError):
    """Entries are there, but not in the order in which they were recorded."""

    kind, exit_code = "reordered", 14


class TruncatedError(VerificationError):
    """The tail of the log has been cut off."""

    kind, exit_code = "truncated", 15


class RolledBackError(VerificationError):
    """The log is an older state of itself than a checkpoint that was kept."""

    kind, exit_code = "rolled back", 16


class ForkedError(VerificationError):
    """The log's history differs from one that the same log signed before: a split view."""

    kind, exit_code = "forked", 17


class WrongKeyError(VerificationError):
    """The log is not signed by the key that was given, or by a key that it never admitted."""

    kind, exit_code = "wrong key", 18


class MalformedError(VerificationError):
    """Bytes cannot be read as what they should be."""

    kind, exit_code = "malformed", 19
