"""Rules about scores, settings and silence: what they find, what not, and where the border runs."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from biotrail.detection import ConfigurationChanged, HeartbeatGap, ScoreClimbing, Seen, Severity
from biotrail.detection.memory import Watch
from biotrail.detection.score_climbing import chance_of_bests
from biotrail.errors import DetectionError
from tests.unit.detection._seen import START, compared, found, indices, seen


def _failures(scores: list[float], **changes: Any) -> list[Seen]:
    fields: dict[str, Any] = {"decision": "denied", "reason": "non_match"}
    return [
        seen(n, n, comparison=compared(one, **changes), **fields) for n, one in enumerate(scores)
    ]


def test_chance_of_bests_is_that_of_all_orders() -> None:
    """The probability is the share of all orders of so many scores with so many bests."""
    for count in range(1, 7):
        orders = list(permutations(range(count)))
        bests = [sum(one == max(order[: n + 1]) for n, one in enumerate(order)) for order in orders]
        for least in range(count + 2):
            share = sum(one >= least for one in bests) / len(orders)
            assert chance_of_bests(least, count) == pytest.approx(share)


def test_climbing_at_the_border() -> None:
    """Seven failures each nearer than the last are found; six are within chance."""
    rising = [0.1 + 0.05 * n for n in range(7)]
    assert not indices(ScoreClimbing(), _failures(rising[:6]))
    (one,) = found(ScoreClimbing(), _failures(rising))
    assert one.indices == tuple(range(7))
    assert one.subject == "anna"
    assert "0.4" not in one.reason  # no score in the clear


def test_climbing_is_found_once() -> None:
    """A climb that goes on is one finding, and one among failures that fall back too."""
    assert len(found(ScoreClimbing(), _failures([0.01 * n for n in range(30)]))) == 1
    mixed = [0.1, 0.05, 0.2, 0.25, 0.1, 0.3, 0.35, 0.2, 0.4, 0.45, 0.5, 0.52, 0.55]
    assert len(found(ScoreClimbing(), _failures(mixed))) == 1


def test_distances_climb_downwards() -> None:
    """Of a distance falling scores are the climb, as the decision or the metric tells."""
    falling = [1.4 - 0.1 * n for n in range(8)]
    assert indices(ScoreClimbing(), _failures(falling, threshold=0.5, metric="euclidean"))
    assert not indices(ScoreClimbing(), _failures(falling[::-1], threshold=0.5))
    assert indices(ScoreClimbing(), _failures(falling, threshold=None, metric="Euclidean distance"))
    assert not indices(ScoreClimbing(), _failures(falling, threshold=None, metric="cosine"))


def test_climbing_ends_and_begins_anew() -> None:
    """A match, another matcher and a day without failures each begin the run anew."""
    rising = _failures([0.1 + 0.05 * n for n in range(7)])
    match = compared(0.7, decision="match")
    rule = ScoreClimbing()
    assert not indices(rule, [*rising[:5], seen(20, 5, comparison=match), *rising[5:]])
    other = compared(0.3, version="2")
    assert not indices(rule, [*rising[:5], seen(20, 5, comparison=other), *rising[5:]])
    late = [seen(n, 1_441 + n, comparison=compared(0.4 + 0.01 * n)) for n in range(3)]
    assert not indices(rule, [*rising[:5], *late])
    vague = compared(None, decision="undetermined")
    assert indices(rule, [*rising[:5], seen(20, 5, comparison=vague), *rising[5:]])


def test_creeping_noise_is_no_climb() -> None:
    """Bests that hardly come nearer to the threshold are none."""
    noise = [0.2 + 0.0001 * n for n in range(20)]
    assert not indices(ScoreClimbing(), _failures(noise))
    assert indices(ScoreClimbing(closing=0.001), _failures(noise))


def test_climbing_against_a_reference() -> None:
    """Where no person is named, the reference that was compared is what is climbed against."""
    scores = [0.1 + 0.05 * n for n in range(7)]
    nobody = [
        seen(n, n, subject=None, comparison=compared(one, reference="r-1"))
        for n, one in enumerate(scores)
    ]
    assert indices(ScoreClimbing(), nobody)
    unknown = [seen(n, n, subject=None, comparison=compared(one)) for n, one in enumerate(scores)]
    assert not indices(ScoreClimbing(), unknown)


def test_honest_failures_seldom_climb() -> None:
    """Failures in random order are found about as seldom as the chance says."""
    draw = random.Random(11)
    runs = 3_000
    rule = ScoreClimbing(chance=0.01)
    hits = sum(
        bool(indices(rule, _failures([draw.uniform(0, 0.59) for _ in range(6)])))
        for _ in range(runs)
    )
    assert hits <= 0.02 * runs  # at n = 5 and n = 6 together at most 1/120 + 1/100


def test_configuration_changes_between_attempts() -> None:
    """Another threshold, version or matcher is a finding that says which; the same is none."""
    rule = ConfigurationChanged()
    first = seen(0, comparison=compared(0.7))
    assert not indices(rule, [first, seen(1, 1, comparison=compared(0.1))])
    for changes, word in (
        ({"threshold": 0.4}, "threshold"),
        ({"version": "2"}, "version"),
        ({"matcher": "other"}, "matcher"),
        ({"digest": bytes(32)}, "model"),
        ({"metric": "cosine"}, "metric"),
    ):
        (one,) = found(rule, [first, seen(1, 1, comparison=compared(0.7, **changes))])
        assert one.indices == (0, 1)
        assert one.reason == f"another {word} decides than in the attempt before"
        assert one.severity is Severity.MEDIUM


def test_configurations_side_by_side() -> None:
    """Two in use at once are one finding; the return of an old one after a day is another."""
    rule = ConfigurationChanged()

    def attempt(index: int, minutes: float, version: str) -> Seen:
        return seen(index, minutes, comparison=compared(0.7, version=version))

    both = [attempt(n, n, str(n % 2)) for n in range(20)]
    assert indices(rule, both) == [(0, 1)]
    back = [attempt(20, 100, "1"), attempt(21, 20 + 24 * 60, "0")]
    assert indices(rule, [*both, *back]) == [(0, 1), (20, 21)]
    quiet = [attempt(0, 0, "1"), attempt(1, 60 * 24 * 60, "1")]
    assert not indices(rule, quiet)


def test_configurations_of_several_kinds() -> None:
    """Another door, tenant or modality has a configuration of its own."""
    rule = ConfigurationChanged()
    first, strict = seen(0, comparison=compared(0.7)), compared(0.9, threshold=0.8)
    kinds: list[dict[str, Any]] = [
        {"target": "vault"},
        {"tenant": "acme"},
        {"modality": "iris"},
        {"action": "x"},
    ]
    for changes in kinds:
        assert not indices(rule, [first, seen(1, 1, comparison=strict, **changes)])


def test_announced_changes() -> None:
    """What says itself that a setting changed is a finding of low severity, or none if so asked."""
    entry = Seen(
        index=4,
        kind="configuration_changed",
        recorded=START,
        content={"setting": "x", "before": b"y"},
    )
    threshold = seen(5, action="threshold.change", subject=None)
    matcher = seen(6, action="matcher.change", subject=None)
    made = Seen(index=3, kind="configuration_changed", recorded=START, content={"setting": "x"})
    assert not found(ConfigurationChanged(), [made])
    for one in (entry, threshold, matcher):
        (finding,) = found(ConfigurationChanged(), [one])
        assert (finding.indices, finding.severity) == ((one.index,), Severity.LOW)
        assert not found(ConfigurationChanged(announced=False), [one])


def test_gap_at_the_border() -> None:
    """Silence as long as expected is none, longer is a gap after the last record."""
    rule = HeartbeatGap(expected=timedelta(minutes=10))
    assert not indices(rule, [seen(0), seen(1, 10)])
    (one,) = found(rule, [seen(0), seen(1, 10.1)])
    assert (one.indices, one.when) == ((0,), START + timedelta(minutes=10))


def test_gap_by_the_clock_is_the_same_finding() -> None:
    """By the clock and by the record that ends it a silence is one and the same finding."""
    watch = Watch([HeartbeatGap(expected=timedelta(minutes=10))])
    assert watch.silence(START) == []
    watch.see(seen(0))
    assert watch.silence(START + timedelta(minutes=10)) == []
    by_clock = watch.silence(START + timedelta(minutes=11))
    assert by_clock == watch.see(seen(1, 30)) != []


def test_what_is_no_heartbeat() -> None:
    """Reads, detections and locks are no signs of life, and of given actions only those are."""
    rule = HeartbeatGap(expected=timedelta(minutes=10))
    own = [seen(n, n, action="log.read") for n in range(1, 9)]
    assert indices(rule, [seen(0), *own, seen(20, 20)]) == [(0,)]
    named = HeartbeatGap(expected=timedelta(minutes=10), actions=["alive"])
    assert indices(named, [seen(0, action="alive"), seen(1, 5), seen(2, 11, action="alive")]) == [
        (0,)
    ]
    with pytest.raises(DetectionError):
        HeartbeatGap(actions="alive")


def test_own_records_feed_no_rule() -> None:
    """Detections are put before no rule at all, whatever they bear."""
    watch = Watch([ConfigurationChanged(), HeartbeatGap()])
    for n, threshold in enumerate((0.1, 0.2, 0.3)):
        record = seen(
            n, 100 * n, action="detection.x", comparison=compared(0.5, threshold=threshold)
        )
        assert watch.see(record) == []
    assert [len(one) for one in watch.memories] == [0, 0]


def test_rules_tell_that_they_are_blind() -> None:
    """Attempts whose personal fields are sealed are counted for the rules that need them."""
    watch = Watch([ScoreClimbing(), HeartbeatGap()])
    watch.see(seen(0, hidden=True))
    watch.see(seen(1, 1))
    assert watch.blind == {"score_climbing": 1}


def test_detector_wants_rules_with_names_of_their_own() -> None:
    """No rule, and two with one name, are refused."""
    for rules in ([], [HeartbeatGap(), HeartbeatGap()]):
        with pytest.raises(DetectionError, match="name of its own"):
            Watch(rules)
    watch = Watch([HeartbeatGap(), HeartbeatGap(name="terminal")])
    assert len(watch.memories) == 2
