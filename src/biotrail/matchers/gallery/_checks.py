"""What a gallery takes: rows that float32 can hold, probes of its own model, sensible questions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from biotrail.errors import DuplicateReferenceError, MatcherError
from biotrail.matchers.backend import Features, require_features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import finite
from biotrail.matchers.enrolment import new_reference_id
from biotrail.matchers.reference import checked_reference_id
from biotrail.matchers.search.probe import Probe
from biotrail.matchers.search.scores import SCORES

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.gallery.candidates import Candidate
    from biotrail.matchers.search.kernels import Rows

__all__ = [
    "checked_card",
    "checked_id",
    "checked_probe",
    "checked_question",
    "checked_row",
    "checked_rows",
    "id_for",
    "refuse_others",
]

_LARGEST = 1e18
_LARGEST_OF_PROBE = 1e100
_SMALL_ENOUGH, _LARGE_ENOUGH = 1e-20, 1e35
"""A row's squared length between these needs no closer look: nothing is NaN, large or zero."""
_USUAL = 1e6
"""A threshold within this needs no closer look."""
_LONGEST_NAME = 96


def checked_card(card: ModelCard, name: str) -> None:
    """Refuse cards whose scores a gallery cannot compute, and names that an event cannot hold.

    Raises:
        MatcherError: The metric is none of ours, or its direction is another; or the name is.
    """
    if card.metric not in SCORES:
        raise MatcherError(f"a gallery compares by {', '.join(SCORES)}, not {card.metric}")
    if card.higher_is_better == (card.metric == "euclidean"):
        raise MatcherError(f"the card has the direction of {card.metric} the wrong way round")
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise MatcherError(f"the name of a gallery must have 1 to {_LONGEST_NAME} characters")


def _require_digest(card: ModelCard, features: Features) -> None:
    require_features(features)
    if features.card_digest != card.digest:
        raise MatcherError(
            f"{type(features).__name__} of another model (card "
            f"{features.card_digest.hex()[:16]}, not {card.digest.hex()[:16]} of {card.id} "
            f"{card.version}); enrol again with this one"
        )


def checked_id(features: Features, given: str | None = None) -> str:
    """The id under which to enrol features: the given one, else their own, else a new random one.

    Raises:
        MatcherError: These are no features, or no reference can have the given id.
    """
    require_features(features)
    return id_for(features, given)


def id_for(features: Features, given: str | None) -> str:
    """The same for what is known to be features."""
    if given is not None:
        return checked_reference_id(given)
    return features.reference_id or new_reference_id()


def checked_rows(card: ModelCard, features: Features) -> Rows:
    """The samples of a reference as float32 rows, shape (samples, dimension).

    Raises:
        MatcherError: Another model made them, they hold NaN, infinity or values beyond ±1e18, or a
            row is zero under cosine.
    """
    import numpy

    _require_digest(card, features)
    values = features.values
    rows = values if values.ndim == 2 else values[None]
    if rows.ndim != 2 or rows.shape[1] != card.dimension or not len(rows):
        raise MatcherError(f"features of {card.id} must hold {card.dimension} values")
    largest = numpy.abs(rows).max()
    if not largest <= _LARGEST:
        raise MatcherError("a gallery holds finite values within ±1e18")
    stored: Rows = rows.astype(numpy.float32)
    if card.metric == "cosine" and not stored.any(axis=1).all():
        raise MatcherError("a zero vector has no direction, so no cosine")
    return stored


def checked_row(card: ModelCard, features: Features) -> Vector | None:
    """The one sample of a reference, as float64 that float32 can hold.

    It is None for whatever needs a closer look: several samples, or values that are rare. Those are
    for `checked_rows`.

    Raises:
        MatcherError: Another model made it.
    """
    import numpy

    _require_digest(card, features)
    values = features.values
    if values.shape != (card.dimension,):
        return None
    if not _SMALL_ENOUGH < values.dot(values) < _LARGE_ENOUGH:
        return None
    return values.astype(numpy.float32).astype(numpy.float64)


def checked_probe(card: ModelCard, features: Features) -> Probe:
    """A probe.

    Raises:
        MatcherError: Another model made it, its shape is wrong, it holds NaN, infinity or values
            beyond ±1e100, or it is zero under cosine.
    """
    import numpy

    _require_digest(card, features)
    values = features.values
    if values.shape != (card.dimension,):
        raise MatcherError(f"a probe of {card.id} must hold {card.dimension} values")
    vector = values.astype(numpy.float64)
    probe = Probe(vector, card.metric)
    if not probe.length <= _LARGEST_OF_PROBE:
        raise MatcherError("a probe holds finite values, and is no longer than 1e100")
    return probe


def checked_question(threshold: float | None, top: int | None) -> float | None:
    """Refuse questions without an end, and numbers that are none; answers the threshold as float.

    Raises:
        MatcherError: Neither threshold nor top is given, or one of them is out of range.
    """
    if top is None and type(threshold) is float and -_USUAL < threshold < _USUAL:
        return threshold
    if threshold is None and top is None:
        raise MatcherError("say which candidates are wanted: a threshold, a number, or both")
    whole: object = top
    if whole is not None and (type(whole) is not int or whole < 1):
        raise MatcherError("the number of candidates must be a whole number from 1")
    return None if threshold is None else finite("threshold", threshold)


def refuse_others(found: Iterable[Candidate], identifier: str) -> None:
    """Refuse to enrol under an id where references of other ids match.

    Raises:
        DuplicateReferenceError: There are such; it names them.
    """
    others = tuple(one for one in found if one.reference != identifier)
    if others:
        raise DuplicateReferenceError(
            f"{len(others)} reference(s) of the gallery reach the threshold", others
        )
