"""Every error that biotrail raises, on one page.

All derive from `BiotrailError`. A message says what happened, where, and what to do; the evidence
(index, expected and found, paths, raw checkpoints) is kept in attributes, so that a program can act
on it and an auditor can keep it. Names end in ``Error``.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.errors._audit import (
    ClosedError,
    EventConflictError,
    ForkedProcessError,
    NotRecordedError,
    OverloadedError,
    SpoolError,
    UnknownOutcomeError,
)
from biotrail.errors._events import (
    CanonicalError,
    EventError,
)
from biotrail.errors._keys import (
    KeyFileError,
    NotCosignedError,
    ProofError,
    SignatureError,
    SigningError,
)
from biotrail.errors._logins import (
    AttemptRefusedError,
    LimitError,
    MiddlewareError,
)
from biotrail.errors._root import BiotrailError, MissingDependencyError
from biotrail.errors._root import _restore as _restore  # a pickled error names it
from biotrail.errors._stores import (
    EventIdTakenError,
    FenceMovedError,
    HeadMovedError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from biotrail.errors._verdicts import (
    AlteredError,
    ForkedError,
    InsertedError,
    MalformedError,
    MissingError,
    ReorderedError,
    RolledBackError,
    TruncatedError,
    VerificationError,
    WrongKeyError,
)

if TYPE_CHECKING:
    from biotrail.errors._detection import DetectionError
    from biotrail.errors._forwarding import (
        ForwardingError,
        PositionError,
        SinkRefusedError,
        SinkUnavailableError,
    )
    from biotrail.errors._matchers import (
        AlteredReferenceError,
        CalibrationError,
        DeletionIncompleteError,
        DuplicateReferenceError,
        ExpiredReferenceError,
        GalleryFileError,
        ImageError,
        MatcherError,
        ModelError,
        NetworkSealError,
        ReferenceKeyError,
        ReferenceStoreError,
        ReferenceStoreRollbackError,
        ReferenceUnavailableError,
        RevokedReferenceError,
        UnknownReferenceError,
    )
    from biotrail.errors._query import (
        NoSuchFieldError,
        QueryError,
        QuerySyntaxError,
    )
    from biotrail.errors._vault import (
        DestroyedKeyError,
        ErasedError,
        ErasureIncompleteError,
        KeyProviderError,
        LegalHoldError,
        SealedError,
        UnknownPersonError,
        VaultError,
        WrappedKeyError,
    )
    from biotrail.errors._web import (
        AccessError,
        ForbiddenError,
        NoSuchRecordError,
        ServingError,
        TokenFileError,
        TooManyRequestsError,
        UnauthorizedError,
    )

__all__ = [
    "AccessError",
    "AlteredError",
    "AlteredReferenceError",
    "AttemptRefusedError",
    "BiotrailError",
    "CalibrationError",
    "CanonicalError",
    "ClosedError",
    "DeletionIncompleteError",
    "DestroyedKeyError",
    "DetectionError",
    "DuplicateReferenceError",
    "ErasedError",
    "ErasureIncompleteError",
    "EventConflictError",
    "EventError",
    "EventIdTakenError",
    "ExpiredReferenceError",
    "FenceMovedError",
    "ForbiddenError",
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
    "NoSuchRecordError",
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
    "ServingError",
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
    "TokenFileError",
    "TooManyRequestsError",
    "TruncatedError",
    "UnauthorizedError",
    "UnknownOutcomeError",
    "UnknownPersonError",
    "UnknownReferenceError",
    "VaultError",
    "VerificationError",
    "WrappedKeyError",
    "WrongKeyError",
]

# A program that only records attempts needs none of these.
__getattr__ = load_when_used(
    __name__,
    {
        "AccessError": "biotrail.errors._web",
        "AlteredReferenceError": "biotrail.errors._matchers",
        "CalibrationError": "biotrail.errors._matchers",
        "DeletionIncompleteError": "biotrail.errors._matchers",
        "DestroyedKeyError": "biotrail.errors._vault",
        "DetectionError": "biotrail.errors._detection",
        "DuplicateReferenceError": "biotrail.errors._matchers",
        "ErasedError": "biotrail.errors._vault",
        "ErasureIncompleteError": "biotrail.errors._vault",
        "ExpiredReferenceError": "biotrail.errors._matchers",
        "ForbiddenError": "biotrail.errors._web",
        "ForwardingError": "biotrail.errors._forwarding",
        "GalleryFileError": "biotrail.errors._matchers",
        "ImageError": "biotrail.errors._matchers",
        "KeyProviderError": "biotrail.errors._vault",
        "LegalHoldError": "biotrail.errors._vault",
        "MatcherError": "biotrail.errors._matchers",
        "ModelError": "biotrail.errors._matchers",
        "NetworkSealError": "biotrail.errors._matchers",
        "NoSuchFieldError": "biotrail.errors._query",
        "NoSuchRecordError": "biotrail.errors._web",
        "PositionError": "biotrail.errors._forwarding",
        "QueryError": "biotrail.errors._query",
        "QuerySyntaxError": "biotrail.errors._query",
        "ReferenceKeyError": "biotrail.errors._matchers",
        "ReferenceStoreError": "biotrail.errors._matchers",
        "ReferenceStoreRollbackError": "biotrail.errors._matchers",
        "ReferenceUnavailableError": "biotrail.errors._matchers",
        "RevokedReferenceError": "biotrail.errors._matchers",
        "SealedError": "biotrail.errors._vault",
        "ServingError": "biotrail.errors._web",
        "SinkRefusedError": "biotrail.errors._forwarding",
        "SinkUnavailableError": "biotrail.errors._forwarding",
        "TokenFileError": "biotrail.errors._web",
        "TooManyRequestsError": "biotrail.errors._web",
        "UnauthorizedError": "biotrail.errors._web",
        "UnknownPersonError": "biotrail.errors._vault",
        "UnknownReferenceError": "biotrail.errors._matchers",
        "VaultError": "biotrail.errors._vault",
        "WrappedKeyError": "biotrail.errors._vault",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
