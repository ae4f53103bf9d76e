"""A population whose error rates are known exactly, to see whether stated bounds hold in it.

A non-mated score is normal with mean 0 and variance 1 in the whole population. Parts of the
variance belong to each of the two people (some are taken for anybody), to the two together (some
look alike) and to each sample; a share of people may be easily mistaken by a whole deviation. So
the FMR of a threshold in the population is a sum of normal tails, and needs no estimate.

The table of docs/explanation/error-rates.md: ``python -m tests.integration.rates_population``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import attrs

from biotrail.errors import CalibrationError
from biotrail.matchers.rates import ScoreTable, calibrate, error_curve
from biotrail.matchers.rates.intervals import PeopleSample, upper_quantile

CARD = bytes(32)


@attrs.frozen(kw_only=True)
class Population:
    """Shares of the variance of a non-mated score, and the share of easily mistaken people."""

    name: str
    person: float = 0.0
    two: float = 0.3
    sample: float = 0.1
    easily_mistaken: float = 0.0

    def fmr(self, threshold: float) -> float:
        """The false match rate of the whole population at a threshold."""
        share = self.easily_mistaken
        return sum(
            weight * 0.5 * math.erfc((threshold - count) / math.sqrt(2))
            for count, weight in enumerate(((1 - share) ** 2, 2 * share * (1 - share), share**2))
        )

    def measured(self, people: int, samples: int, random: Any) -> ScoreTable:
        """Scores of people drawn from the population, every sample against every other."""
        import numpy

        person = random.normal(0, math.sqrt(self.person), people)
        person += random.random_sample(people) < self.easily_mistaken
        sample = random.normal(0, math.sqrt(self.sample), (people, samples))
        left, right = numpy.triu_indices(people, 1)
        two = random.normal(0, math.sqrt(self.two), len(left))
        rest = math.sqrt(1 - 2 * self.person - 2 * self.sample - self.two)
        noise = random.normal(0, rest, (len(left), samples, samples))
        whose = person[left] + person[right] + two
        scores = whose[:, None, None] + sample[left][:, :, None] + sample[right][:, None, :] + noise
        mated = 4 + random.normal(0, 0.7, people * samples)
        names = numpy.array([f"p{number}" for number in range(people)])
        each = samples * samples
        return ScoreTable.from_arrays(
            numpy.concatenate([scores.ravel(), mated]),
            references=[*names[left].repeat(each), *names.repeat(samples)],
            probes=[*names[right].repeat(each), *names.repeat(samples)],
            metric="made",
        )


POPULATIONS = (
    Population(name="people alike"),
    Population(name="some taken for others", person=0.05),
    Population(name="many taken for others", person=0.15, two=0.2),
    Population(name="5 % taken for anybody", person=0.05, two=0.2, easily_mistaken=0.05),
)


@attrs.define
class Held:
    """In how many of all repetitions a bound held."""

    tried: int = 0
    bound: int = 0
    others: int = 0
    placed: int = 0
    placed_tried: int = 0
    percentile: int = 0
    comparisons: int = 0
    bounds: list[float] = attrs.Factory(list)


def try_bounds(
    population: Population,
    *,
    people: int,
    repetitions: int,
    seed: int,
    samples: int = 3,
    target: float = 0.01,
    resamples: int = 300,
    others: int | None = None,
    rivals: bool = False,
) -> Held:
    """Calibrate on people of the population again and again, and count which bounds hold.

    ``bound``: the population's FMR lies under the stated bound; ``others``: that of other
    people does; ``placed``: with the threshold at the bound, the population's FMR is at most the
    target, of the repetitions in which that was not refused. The rivals: the percentile of
    resampled people at a fixed threshold, and the binomial bound over comparisons.
    """
    import numpy

    random = numpy.random.RandomState(seed)
    held = Held()
    options: dict[str, Any] = {"card": CARD, "cohort": "made", "resamples": resamples}
    for repetition in range(repetitions):
        scores = population.measured(people, samples, random)
        found = calibrate(scores, target, seed=repetition, others=others, **options)
        true = population.fmr(found.threshold)
        met = population.measured(found.others, samples, random)
        held.tried += 1
        held.bound += true <= found.fmr_upper
        held.others += error_curve(met).at(found.threshold).fmr <= found.fmr_upper
        held.bounds.append(found.fmr_upper)
        if rivals:
            try:
                strict = calibrate(scores, target, place="bound", seed=repetition, **options)
            except CalibrationError:
                pass  # too few people for a bound at the target: refused, as it has to be
            else:
                held.placed_tried += 1
                held.placed += population.fmr(strict.threshold) <= target
            held.percentile += true <= _percentile(scores, found.fmr, resamples)
            spread = math.sqrt(found.fmr * (1 - found.fmr) / found.non_mated)
            held.comparisons += true <= found.fmr + 1.645 * spread
    return held


def _percentile(scores: ScoreTable, seen: float, resamples: int) -> float:
    import numpy

    sample = PeopleSample.of(scores, resamples=resamples, seed=0)
    count = round(seen * len(sample.non_mated.micro))
    rates = [
        sample.non_mated.matches(count, one) / sample.non_mated.total(one)
        for one, _ in sample.draws
    ]
    return upper_quantile(numpy.sort(rates), 0.95)


def main(people: Sequence[int] = (25, 40, 100), repetitions: int = 1000) -> None:
    """Print in how many per cent of repetitions each bound held, stated at 95 %."""
    print("people | population | ten: bound, others, median | as many: bound, others, median | ...")
    for population in POPULATIONS:
        for number in people:
            given: dict[str, Any] = {"people": number, "repetitions": repetitions, "seed": number}
            few = try_bounds(population, others=10, **given)
            held = try_bounds(population, others=number, rivals=True, **given)
            rest = [100 * one / held.tried for one in (held.percentile, held.comparisons)]
            placed = 100 * held.placed / max(1, held.placed_tried)
            print(
                f"{number} | {population.name} | {_shares(few)} | {_shares(held)}",
                f"placed {placed:.1f} of {held.placed_tried}",
                f"percentile {rest[0]:.1f} | comparisons {rest[1]:.1f}",
                sep=" | ",
                flush=True,
            )


def _shares(held: Held) -> str:
    """How often the bound held for the population, and for the other people; its median."""
    median = sorted(held.bounds)[held.tried // 2]
    shares = (100 * one / held.tried for one in (held.bound, held.others))
    return ", ".join(f"{one:.1f}" for one in (*shares, 100 * median))


if __name__ == "__main__":
    main(repetitions=int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
