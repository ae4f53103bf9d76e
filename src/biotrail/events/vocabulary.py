"""The words that an event may use: closed vocabularies, each value a short text.

Sources: ISO/IEC 2382-37 (comparison decision), ISO/IEC 30107-1 (presentation attack detection),
ECS ``event.outcome``, RFC 8176 ``amr`` and FIDO for factors that are not biometric.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "Action",
    "ApplicationDecision",
    "ComparisonDecision",
    "ComparisonType",
    "Factor",
    "FactorRole",
    "Modality",
    "Outcome",
    "PresentationAttackDecision",
    "Provenance",
    "Reason",
]


class Action(StrEnum):
    """Actions that biotrail records by itself. An event's action may be any other text too."""

    ENROL = "reference.enrol"
    """A person was enrolled, or was not (failure to enrol)."""
    RE_ENROL = "reference.re_enrol"
    """A new reference takes the place of another, which is revoked."""
    REVOKE = "reference.revoke"
    """A reference, or all that one model card made, is not to be compared with any more."""
    DELETE = "reference.delete"
    """References were deleted from every place that holds them."""
    CHANGE_THRESHOLD = "threshold.change"
    """Another threshold holds from here on."""
    CHANGE_MATCHER = "matcher.change"
    """Another matcher, version, model file or projection key compares from here on."""
    LOCK = "attempt.lock"
    """Too many failures: attempts of a person, a device or an address are turned away."""
    UNLOCK = "attempt.unlock"
    """A lock was lifted before its end."""
    LOCK_EXPIRED = "attempt.lock_expired"
    """A lock's end had come."""


class Modality(StrEnum):
    """What was captured: a biometric modality, or a factor that is not biometric."""

    FACE = "face"
    FINGERPRINT = "fingerprint"
    IRIS = "iris"
    VOICE = "voice"
    PALM = "palm"
    VEIN = "vein"
    GAIT = "gait"
    KEYSTROKE = "keystroke"
    OTHER = "other"
    """A biometric modality that has no word of its own here."""
    NONE = "none"
    """No biometric: the attempt rested on other factors alone (see `Factor`)."""


class Factor(StrEnum):
    """A factor that is not biometric, used beside or instead of one."""

    PASSWORD = "password"  # noqa: S105
    PIN = "pin"
    PASSKEY = "passkey"
    HARDWARE_TOKEN = "hardware_token"  # noqa: S105
    SMART_CARD = "smart_card"
    ONE_TIME_PASSWORD = "one_time_password"  # noqa: S105
    PUSH = "push"
    SMS = "sms"
    EMAIL = "email"
    PHONE_CALL = "phone_call"
    BADGE = "badge"
    KNOWLEDGE = "knowledge"
    LOCATION = "location"
    OTHER = "other"


class FactorRole(StrEnum):
    """Why a factor that is not biometric was used."""

    STEP_UP = "step_up"
    """Asked for on top of what was proven already, since more was at stake."""
    FALLBACK = "fallback"
    """Taken in place of the biometric, which could not be used."""


class ComparisonDecision(StrEnum):
    """What the matcher's score says against the threshold (ISO/IEC 2382-37, 37.03.26)."""

    MATCH = "match"
    NON_MATCH = "non_match"
    UNDETERMINED = "undetermined"


class ComparisonType(StrEnum):
    """One reference (verification, 1:1) or many (identification, 1:N)."""

    VERIFICATION = "verification"
    IDENTIFICATION = "identification"


class PresentationAttackDecision(StrEnum):
    """What presentation attack detection said (ISO/IEC 30107-1)."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    UNDETERMINED = "undetermined"


class ApplicationDecision(StrEnum):
    """What the host's policy decided; it may weigh more than the comparison."""

    GRANTED = "granted"
    DENIED = "denied"


class Outcome(StrEnum):
    """Whether the action succeeded, as in ECS ``event.outcome``."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class Provenance(StrEnum):
    """Who vouches for a field of the context, from most to least trusted."""

    ATTESTED = "attested"
    """Signed by hardware or by a service that the host verified."""
    OBSERVED = "observed"
    """Seen by the recording host itself, e.g. the peer address of a socket."""
    PROXY_ASSERTED = "proxy_asserted"
    """Said by a proxy that the host chose to believe, e.g. ``Forwarded``."""
    CLIENT_CLAIMED = "client_claimed"
    """Said by the client, e.g. a user agent. The default: nobody vouches for it."""


class Reason(StrEnum):
    """Why the application decision fell as it did. Hosts add their own as ``host.<word>``."""

    MATCH = "match"
    NON_MATCH = "non_match"
    UNDETERMINED = "undetermined"
    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    NOTHING_CAPTURED = "nothing_captured"
    TOO_SMALL = "too_small"
    POSE = "pose"
    BLUR = "blur"
    TOO_DARK = "too_dark"
    LOW_QUALITY = "low_quality"
    BAD_IMAGE = "bad_image"
    PRESENTATION_ATTACK = "presentation_attack"
    SUBJECT_UNKNOWN = "subject_unknown"
    NOT_ENROLLED = "not_enrolled"
    REFERENCE_EXPIRED = "reference_expired"
    REFERENCE_REVOKED = "reference_revoked"
    INCONSISTENT_SAMPLES = "inconsistent_samples"
    """At enrolment: the samples do not agree with each other."""
    ALREADY_ENROLLED = "already_enrolled"
    """At enrolment: another reference matches the samples."""
    RE_ENROLLED = "re_enrolled"
    """A newer reference took this one's place."""
    SUBJECT_REQUEST = "subject_request"
    """The person asked for it."""
    MODEL_CHANGED = "model_changed"
    KEY_COMPROMISED = "key_compromised"
    OTHER_FACTOR = "other_factor"
    STEP_UP_REQUIRED = "step_up_required"
    POLICY = "policy"
    PAD_UNDETERMINED = "pad_undetermined"
    """Presentation attack detection was required, and could not tell or was not there."""
    ATTEMPT_LIMIT = "attempt_limit"
    """Too many failures: this attempt came before the delay after the last one was over."""
    LOCKED_OUT = "locked_out"
    """Too many failures altogether: biometrics are switched off until somebody resets them."""
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    ERROR = "error"
    """The host's code raised while the attempt was under way."""
    NO_DECISION = "no_decision"
    """The attempt ended before the host decided; recorded as denied."""
    UNSPECIFIED = "unspecified"

    @property
    def is_failure_to_acquire(self) -> bool:
        """Whether nothing usable was captured (failure to acquire, ISO/IEC 19795-1)."""
        return self in _FAILURES_TO_ACQUIRE


_FAILURES_TO_ACQUIRE = frozenset(
    {
        Reason.NO_FACE,
        Reason.MULTIPLE_FACES,
        Reason.NOTHING_CAPTURED,
        Reason.TOO_SMALL,
        Reason.POSE,
        Reason.BLUR,
        Reason.TOO_DARK,
        Reason.LOW_QUALITY,
        Reason.BAD_IMAGE,
    }
)
