"""A reference: the features that a person was enrolled with, and how a host keeps them.

A reference holds one sample or several, and may end at a given time. Its bytes are specified in
docs/spec/references.md. They are biometric data: whoever reads them can look for the person
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers._reference_bytes import Parts, read_reference, write_reference
from biotrail.matchers.backend import Features, require_features

__all__ = ["Reference", "aware", "checked_reference_id"]

_IDENTIFIER_LIMIT = 128
_SAMPLE_LIMIT = 65_535


def checked_reference_id(id: object) -> str:
    """The id, if a reference can have it: the one rule for all that names references.

    Raises:
        MatcherError: It is no text of 1 to 128 bytes in UTF-8.
    """
    try:
        if isinstance(id, str) and 1 <= len(id.encode()) <= _IDENTIFIER_LIMIT:
            return id
    except UnicodeEncodeError:  # half of a surrogate pair is no character
        pass
    raise MatcherError("the id of a reference must be a text of 1 to 128 bytes in UTF-8")


def _identifier(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None:
        checked_reference_id(value)


def aware(moment: object, what: str) -> datetime:
    """The moment in UTC.

    Raises:
        MatcherError: It has no time zone, or is none.
    """
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise MatcherError(f"{what} must be aware of its time zone, e.g. datetime.now(UTC)")
    return moment.astimezone(UTC)


def _time(value: datetime | None) -> datetime | None:
    return None if value is None else aware(value, "a reference's time")


@attrs.frozen(eq=False, kw_only=True)
class Reference(Features):
    """Features that were enrolled for later comparisons.

    Attributes:
        values: float64; of the shape (dimension,) where there is one sample, and (samples,
            dimension) where there are several. A backend compares one sample; several are
            compared with `compare_reference`. Biometric data.
        id: Random identifier of the reference, or None. It is written into log entries and stays
            there, so it must not be a person's name.
        created: When it was enrolled, aware, or None where that was not said.
        expires: From when on it must not be compared with any more, aware; None for no end.
    """

    id: str | None = attrs.field(default=None, validator=_identifier)
    created: datetime | None = attrs.field(default=None, converter=_time)
    expires: datetime | None = attrs.field(default=None, converter=_time)

    def __attrs_post_init__(self) -> None:
        if None not in (self.created, self.expires) and self.expires <= self.created:  # type: ignore[operator]
            raise MatcherError("a reference must expire later than it was created")

    @property
    def reference_id(self) -> str | None:
        """The same as `id`."""
        return self.id

    @property
    def samples(self) -> tuple[Reference, ...]:
        """Each sample as a reference with one sample, under the same id.

        Raises:
            MatcherError: The values are no array of real numbers.
        """
        require_features(self)
        if self.values.ndim == 1:
            return (self,)
        return tuple(attrs.evolve(self, values=row) for row in self.values)

    def expired(self, at: datetime) -> bool:
        """Whether its time is over; at the very moment it ends, it is.

        Raises:
            MatcherError: The moment has no time zone.
        """
        return self.expires is not None and aware(at, "the present time") >= self.expires

    @classmethod
    def from_features(
        cls,
        features: Features,
        *,
        id: str | None = None,
        created: datetime | None = None,
        expires: datetime | None = None,
    ) -> Reference:
        """Enrol these features, under an identifier if one is given; raises as `from_samples`."""
        return cls.from_samples([features], id=id, created=created, expires=expires)

    @classmethod
    def from_samples(
        cls,
        samples: Sequence[Features],
        *,
        id: str | None = None,
        created: datetime | None = None,
        expires: datetime | None = None,
    ) -> Reference:
        """Enrol the features of several samples of one person as one reference.

        Whether they agree with each other is not asked here; `enrol` does.

        Raises:
            MatcherError: No sample, more than 65,535, or samples of different models; or one is no
                features, or holds no array of real numbers.
        """
        import numpy

        require_features(*samples)
        if not 1 <= len(samples) <= _SAMPLE_LIMIT:
            raise MatcherError(f"a reference has 1 to {_SAMPLE_LIMIT} samples")
        digest, shape = samples[0].card_digest, samples[0].values.shape
        if any(one.card_digest != digest or one.values.shape != shape for one in samples):
            raise MatcherError("the samples of a reference must be of one model")
        one = len(samples) == 1
        rows = [sample.values.astype(numpy.float64, copy=False) for sample in samples]
        values = rows[0] if one else numpy.stack(rows)
        if values is not samples[0].values:
            values.setflags(write=False)
        return cls(card_digest=digest, values=values, id=id, created=created, expires=expires)

    def to_bytes(self) -> bytes:
        """The reference as bytes, to be encrypted and kept: by the host, or a `ReferenceStore`.

        Raises:
            MatcherError: The values are no array of real numbers.
        """
        require_features(self)
        rows = self.values.reshape(-1, self.values.shape[-1])
        return write_reference(Parts(self.card_digest, self.id, rows, self.created, self.expires))

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """Read what `to_bytes` wrote, now or in an earlier version.

        Raises:
            MatcherError: These are not the bytes of a reference.
        """
        try:
            parts = read_reference(data)
            return cls(
                card_digest=parts.digest,
                values=parts.rows[0] if len(parts.rows) == 1 else parts.rows,
                id=parts.id,
                created=parts.created,
                expires=parts.expires,
            )
        except (ValueError, MatcherError) as error:
            raise MatcherError("these bytes are not a reference") from error
