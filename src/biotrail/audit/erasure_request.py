"""What is asked when somebody's data is to be erased: checked before anything is done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import attrs

from biotrail.errors import EventError
from biotrail.events import Subject
from biotrail.events._rules import normal_text

__all__ = [
    "ErasureReason",
    "ErasureRequest",
    "checked_reason",
    "checked_tenant",
    "person_of",
]

_LONGEST = 128
_HOSTS_OWN = re.compile(r"host\.[a-z0-9_]+(\.[a-z0-9_]+)*")
_SHORTEST_NAME = 3


class ErasureReason(StrEnum):
    """Why data is erased. Hosts add their own as ``host.<word>``."""

    SUBJECT_REQUEST = "subject_request"
    """The person asked for it (GDPR Art. 17(1))."""
    CONSENT_WITHDRAWN = "consent_withdrawn"
    RETENTION_ENDED = "retention_ended"
    UNLAWFUL_PROCESSING = "unlawful_processing"
    LEGAL_OBLIGATION = "legal_obligation"


@attrs.frozen(kw_only=True)
class ErasureRequest:
    """A request that was checked.

    Attributes:
        tenant: The person's tenant; empty for none.
        identity: The host's identifier of the person.
        reason: A word of `ErasureReason`, or one of the host's own.
        legal_basis: On which ground, e.g. ``"GDPR Art. 17(1)(b)"``.
        requested: When it was asked for, in UTC.
        beyond: Places that the erasure cannot reach.
    """

    tenant: str
    identity: str
    reason: str
    legal_basis: str
    requested: datetime
    beyond: tuple[str, ...]

    @classmethod
    def check(
        cls,
        subject: Subject | str,
        *,
        tenant: str | None,
        reason: str,
        legal_basis: str,
        requested: datetime,
        beyond: Iterable[str],
    ) -> ErasureRequest:
        """Check a request.

        Raises:
            EventError: Something of it is not as it must be, or names the person: it stays in the
                log for ever.
        """
        person = person_of(subject)
        if requested.tzinfo is None:
            raise EventError("requested", requested, "must be an aware time")
        if isinstance(beyond, str):
            raise EventError("beyond", beyond, "must be several texts, not one")
        return cls(
            tenant=checked_tenant(tenant),
            identity=person.id,
            reason=checked_reason(reason, person, ErasureReason),
            legal_basis=_checked_text("legal_basis", legal_basis, person),
            requested=requested.astimezone(UTC),
            beyond=tuple(_checked_text("beyond", one, person) for one in beyond),
        )


def person_of(subject: Subject | str) -> Subject:
    """The person, also where only their identifier is given."""
    if isinstance(subject, Subject):
        return subject
    return Subject(id=subject)


def checked_reason(reason: object, person: Subject, words: type[StrEnum]) -> str:
    """A word of a vocabulary, or one of the host's own, that does not name the person."""
    word = _checked_text("reason", reason, person)
    if word not in set(words) and not _HOSTS_OWN.fullmatch(word):
        known = ", ".join(words)
        raise EventError("reason", reason, f"must be one of {known}, or host.<word>")
    return word


def _checked_text(name: str, value: object, person: Subject) -> str:
    """A text for an entry, which does not name the person.

    Raises:
        EventError: It is too long or no plain text, or names them.
    """
    text = normal_text(name, value, maximum=_LONGEST)
    if any(_is_named(one, text) for one in _names(person)):
        raise EventError(name, value, "must not name the person: it stays in the log for ever")
    return text


def _names(person: Subject) -> list[str]:
    name = person.name or ""
    parts = [one for one in re.split(r"\W+", name) if len(one) >= _SHORTEST_NAME]
    return [one for one in (person.id, name, *parts) if one]


def _is_named(name: str, text: str) -> bool:
    pattern = rf"(?<!\w){re.escape(name.casefold())}(?!\w)"
    return re.search(pattern, text.casefold()) is not None


def checked_tenant(tenant: str | None) -> str:
    """A tenant as rows have it: empty for none."""
    return "" if tenant is None else normal_text("tenant", tenant, maximum=256)
