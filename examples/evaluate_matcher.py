"""From comparison scores to a threshold, a policy and an event, on scores that are made up here."""

# needs: numpy

from __future__ import annotations

import random
from datetime import UTC, datetime

from biotrail.errors import CalibrationError
from biotrail.matchers import (
    AttemptHistory,
    AttemptLimits,
    DecisionPolicy,
    EmbeddingMatcher,
    ScoreTable,
    calibrate,
    evaluate,
)

PEOPLE, SAMPLES, DIMENSION = 40, 4, 16


def captured(person: random.Random) -> list[list[float]]:
    """Embeddings of one person: a direction of their own, and some noise in each sample."""
    own = [person.gauss(0, 1) for _ in range(DIMENSION)]
    return [[value + person.gauss(0, 0.45) for value in own] for _ in range(SAMPLES)]


def main() -> None:
    matcher = EmbeddingMatcher(model="made-up", version="1", dimension=DIMENSION)
    people = {f"p{number}": captured(random.Random(number)) for number in range(PEOPLE)}
    samples = [(name, matcher.features(one)) for name, every in people.items() for one in every]

    # Every sample against every other, never against itself.
    scores = ScoreTable.from_rows(
        (
            (left, right, matcher.compare(reference, probe).value)
            for place, (left, reference) in enumerate(samples)
            for right, probe in samples[place + 1 :]
        ),
        metric=matcher.card.metric,
    )

    overall = evaluate(scores).overall
    print(f"EER {overall.eer:.2%} of {overall.size.people} people")
    for point in overall.points:
        word = "" if point.supported else f" (needs {point.people_needed:,} people)"
        print(f"FNMR {point.point.fnmr:.2%} at FMR {point.target_fmr:g}{word}")

    cohort = "forty made-up people, all alike"
    try:
        calibrate(scores, 1e-4, card=matcher.card, cohort=cohort)
    except CalibrationError as error:
        print(f"Refused: {error}")

    calibration = calibrate(scores, 1e-2, card=matcher.card, cohort=cohort)
    print(f"{calibration.id}: threshold {calibration.threshold}, FMR {calibration.fmr:.2%} seen,")
    print(f"  at most {calibration.fmr_upper:.2%} among {calibration.others} other people")

    policy = DecisionPolicy(calibration=calibration, limits=AttemptLimits.nist(pad=False))
    history, now = AttemptHistory(), datetime.now(UTC)
    for visitor in ("p1", "p2"):
        probe = matcher.features(captured(random.Random(int(visitor[1:])))[0])
        decided = policy.decide(
            matcher.compare(matcher.features(people["p1"][1]), probe), history=history, now=now
        )
        history = decided.history
        print(f"{visitor} as p1: {decided.decision}, {decided.reason}")
    assert history.failures == 1


if __name__ == "__main__":
    main()
