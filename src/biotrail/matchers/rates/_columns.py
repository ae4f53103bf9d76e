"""The columns of a table of scores: checked at the door, numbered, digested."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biotrail.errors import MatcherError, MissingDependencyError

if TYPE_CHECKING:
    from biotrail.matchers.rates.scores import Flags, Integers, Reals

__all__ = ["MICRO", "codes", "digest", "mated", "micro", "people", "require_numpy"]

MICRO = 1_000_000
_LARGEST = 1e12
_DOMAIN = b"biotrail/scores/1\n"


def require_numpy() -> None:
    """Say which extra is missing, where NumPy is.

    Raises:
        MissingDependencyError: NumPy is not installed.
    """
    if importlib.util.find_spec("numpy") is None:
        raise MissingDependencyError("error rates need NumPy: pip install 'biotrail[evaluate]'")


def micro(scores: Sequence[float] | Reals) -> Integers:
    import numpy

    try:
        values = numpy.asarray(scores)
    except (TypeError, ValueError) as error:
        raise MatcherError("scores must be a list of numbers") from error
    if values.ndim != 1 or values.size == 0:
        raise MatcherError("there must be at least one comparison score, in a list")
    if values.dtype.kind not in "fiu":
        raise MatcherError(f"scores must be real numbers, not {values.dtype}")
    values = values.astype(numpy.float64)
    if not numpy.isfinite(values).all():
        first = int(numpy.flatnonzero(~numpy.isfinite(values))[0])
        raise MatcherError(f"score {first} (counted from 0) is not finite")
    if numpy.abs(values).max() > _LARGEST:
        raise MatcherError("scores must lie within ±1e12")
    micro: Integers = numpy.rint(values * MICRO).astype(numpy.int64)
    return micro


def codes(names: Sequence[str], size: int) -> tuple[list[str], Integers]:
    """The distinct names in the order of their code points, and the number of each name."""
    import numpy

    if len(names) != size:
        raise MatcherError("columns must be of one length")
    if not all(isinstance(name, str) for name in names):
        raise MatcherError("people and cohorts are named by text")
    distinct = sorted(set(names))
    number = {name: place for place, name in enumerate(distinct)}
    return distinct, numpy.fromiter((number[name] for name in names), numpy.int64, size)


def people(
    references: Sequence[Any] | None, probes: Sequence[Any] | None, size: int
) -> tuple[Integers, Integers, list[str]]:
    import numpy

    if references is None and probes is None:
        unknown = numpy.full(size, -1, numpy.int64)
        return unknown, unknown.copy(), []
    if references is None or probes is None or {len(references), len(probes)} != {size}:
        raise MatcherError("each score needs the person of its reference and of its probe")
    everybody = [*references, *probes]
    names, numbers = codes(everybody, 2 * size)
    if not all(name.strip() for name in names):
        raise MatcherError("a person is named by a pseudonym: text, not empty")
    return numbers[:size].copy(), numbers[size:].copy(), names


def mated(
    mated: Sequence[bool] | Flags | None, left: Integers, right: Integers, size: int
) -> Flags:
    import numpy

    same: Flags = left == right
    if mated is None:
        if left[0] < 0:
            raise MatcherError("give the people of each comparison, or whether it is mated")
        return same
    flags = numpy.asarray(mated)
    if flags.dtype != numpy.bool_ or flags.shape != (size,):
        raise MatcherError("mated must say true or false for each score")
    if left[0] >= 0 and not numpy.array_equal(flags, same):
        first = int(numpy.flatnonzero(flags != same)[0])
        raise MatcherError(f"comparison {first} (from 0): its people contradict its kind")
    return flags.copy()


def digest(head: dict[str, Any], columns: Integers) -> bytes:
    """SHA-256 of a first line, the head as JSON, and the sorted rows as little-endian int64."""
    import numpy

    ordered = columns[:, numpy.lexsort(columns[::-1])]
    text = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    hashed = hashlib.sha256(_DOMAIN + text.encode("utf-8", "surrogatepass") + b"\n")
    hashed.update(numpy.ascontiguousarray(ordered.T).astype("<i8").tobytes())
    return hashed.digest()
