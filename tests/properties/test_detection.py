"""What holds of rules for any stream of records: bounds, order, restarts, deafness to oneself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.detection import (
    AfterHours,
    ConfigurationChanged,
    HeartbeatGap,
    ImpossibleTravel,
    ManySubjects,
    PresentationAttacks,
    ScoreClimbing,
    Seen,
)
from biotrail.detection.memory import Watch
from tests.unit.detection._seen import BERLIN, MADRID, at, compared, seen

_PLACES = [None, BERLIN, MADRID]
_ATTACKS = [None, "attack", "bona_fide"]


def _rules(most_keys: int = 10_000) -> list[Any]:
    """Rules that find much, with little memory."""
    return [
        ImpossibleTravel(least_km=1, memory=timedelta(minutes=20), most_keys=most_keys),
        ManySubjects(people=2, window=timedelta(minutes=10), most_keys=most_keys),
        ScoreClimbing(chance=0.2, window=timedelta(minutes=15), most_scores=6, most_keys=most_keys),
        PresentationAttacks(alarms=2, sample=10, least=2, window=timedelta(minutes=9)),
        AfterHours(zone="Asia/Tokyo", most_keys=most_keys),
        ConfigurationChanged(window=timedelta(minutes=10), configurations=2),
        HeartbeatGap(expected=timedelta(minutes=3)),
    ]


_STEP = st.tuples(
    st.integers(0, 6),  # minutes since the record before
    st.integers(0, 4),  # how long it was held back
    st.integers(0, 4),  # whose
    st.integers(0, 2),  # where
    st.integers(0, 59),  # score
    st.integers(0, 2),  # presentation attack detection
    st.sampled_from(["door.open", "log.read", "detection.x", "attempt.lock", "threshold.change"]),
)
_STREAMS = st.lists(_STEP, max_size=60)


def _records(stream: list[tuple[Any, ...]]) -> list[Seen]:
    found, minutes = [], 0
    for index, (later, held, who, where, score, attack, action) in enumerate(stream):
        minutes += later
        found.append(
            seen(
                index,
                minutes - held,
                recorded=minutes,
                action=action,
                decision="denied",
                subject=f"person-{who}",
                context=at(_PLACES[where], ip=f"192.0.2.{who % 2}"),
                comparison=compared(
                    score / 100, presentation_attack=_ATTACKS[attack], version=str(where)
                ),
            )
        )
    return found


@settings(max_examples=120, deadline=None)
@given(_STREAMS, st.integers(0, 60), st.sampled_from([2, 10_000]))
def test_memory_made_again_finds_the_same(
    stream: list[tuple[Any, ...]], cut: int, most_keys: int
) -> None:
    """Stopped anywhere and begun again from what is kept, rules find what they would have found."""
    records = _records(stream)
    whole = Watch(_rules(most_keys))
    expected = [whole.see(one) for one in records]

    before = Watch(_rules(most_keys))
    for one in records[:cut]:
        before.see(one)
    kept = {one.rule.name: one.dump() for one in before.memories if one.rule.kept}
    since = before.since if before.since is not None else cut

    after = Watch(_rules(most_keys))
    for memory in after.memories:
        if memory.rule.kept:
            memory.load(json.loads(json.dumps(kept[memory.rule.name])))
    for one in records[since:cut]:
        after.see(one, kept=False)
    assert [after.see(one) for one in records[cut:]] == expected[cut:]


@settings(max_examples=60, deadline=None)
@given(_STREAMS)
def test_memory_is_bounded(stream: list[tuple[Any, ...]]) -> None:
    """Keys and marks stay within the bounds of each rule, whatever comes."""
    watch = Watch(_rules(most_keys=2))
    for one in _records(stream):
        watch.see(one)
        for memory in watch.memories:
            assert len(memory) <= memory.rule.most_keys
    for memory, most in zip(watch.memories, (1, 16, 6, 16, 1, 2, 1), strict=True):
        assert all(len(past) <= most for past in memory._kept.values())


@settings(max_examples=60, deadline=None)
@given(_STREAMS)
def test_indices_are_in_order_and_of_the_past(stream: list[tuple[Any, ...]]) -> None:
    """A finding names records that were seen, in order, at most the one that brought it."""
    watch = Watch(_rules())
    for one in _records(stream):
        for finding in watch.see(one):
            assert list(finding.indices) == sorted(set(finding.indices))
            assert finding.indices[-1] <= one.index
            assert one.event is not None
            assert one.event.action not in ("log.read", "detection.x", "attempt.lock")


@settings(max_examples=60, deadline=None)
@given(_STREAMS, st.integers(0, 60))
def test_detections_in_between_change_nothing(stream: list[tuple[Any, ...]], where: int) -> None:
    """Records of findings among the others lead to no finding and prevent none."""
    records = _records(stream)
    quiet, loud = Watch(_rules()), Watch(_rules())
    own = seen(10_000, 0, recorded=0, action="detection.many_subjects", comparison=compared(0.3))
    found = [loud.see(one) for one in (*records[:where], own, *records[where:])]
    assert [one for some in found for one in some] == [
        one for record in records for one in quiet.see(record)
    ]
