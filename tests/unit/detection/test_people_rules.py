"""Rules about one person and about many: what they find, what not, and where the border runs."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

import biotrail
from biotrail.detection import (
    AfterHours,
    ImpossibleTravel,
    ManySubjects,
    PresentationAttacks,
    Seen,
    Severity,
)
from biotrail.errors import DetectionError
from tests.unit.detection._seen import BERLIN, MADRID, at, compared, found, indices, seen

_DENIED: dict[str, Any] = {"decision": "denied", "reason": "non_match"}


def _trip(minutes: float, rule: ImpossibleTravel, **changes: Any) -> list[tuple[int, ...]]:
    there = {"context": at(MADRID), **changes}
    return indices(rule, [seen(3, context=at(BERLIN)), seen(7, minutes, **there)])


def test_travel_faster_than_anybody() -> None:
    """Berlin and Madrid within an hour is a finding that names both records, and no place."""
    rule = ImpossibleTravel()
    found_ones = found(rule, [seen(3, context=at(BERLIN)), seen(7, 60, context=at(MADRID))])
    (one,) = found_ones
    assert one.indices == (3, 7)
    assert one.severity is Severity.HIGH
    assert one.subject == "anna"
    assert one.details == {"at_least_km": pytest.approx(1_850, abs=15), "minutes": 60}
    assert not any(digit in one.reason for digit in "0123456789")


def test_travel_at_the_border_of_speed() -> None:
    """The speed that is allowed decides, with both uncertainties taken off the distance."""
    (one,) = found(
        ImpossibleTravel(), [seen(0, context=at(BERLIN)), seen(1, 1, context=at(MADRID))]
    )
    minutes = one.details["at_least_km"] / 1_000 * 60
    assert _trip(minutes - 0.2, ImpossibleTravel())
    assert not _trip(minutes + 0.2, ImpossibleTravel())
    assert _trip(minutes + 0.2, ImpossibleTravel(speed_km_h=900))


def test_travel_respects_uncertainty() -> None:
    """What is too uncertain or unknown is passed over, and a wide radius makes the way short."""
    far: dict[str, Any] = {"latitude": 40.4168, "longitude": -3.7038}
    rule = ImpossibleTravel()
    assert not _trip(1, rule, context=at(biotrail.Location(**far, accuracy_m=501_000)))
    assert not _trip(1, rule, context=at())
    assert _trip(1, rule, context=at(biotrail.Location(**far)))
    unknown = ImpossibleTravel(unknown_accuracy_km=500, least_km=1_400)
    assert not _trip(1, unknown, context=at(biotrail.Location(**far)))
    # An uncertain place in between does not hide the trip either.
    vague = at(biotrail.Location(latitude=0, longitude=0, accuracy_m=3_000_000))
    way = [seen(0, context=at(BERLIN)), seen(1, 1, context=vague), seen(2, 2, context=at(MADRID))]
    assert indices(rule, way) == [(0, 2)]


def test_travel_is_one_persons() -> None:
    """Two people, two tenants, short ways and long times are nobody's travel."""
    rule = ImpossibleTravel()
    assert not _trip(1, rule, subject="bert")
    assert not _trip(1, rule, tenant="acme")
    near = at(biotrail.Location(latitude=52.4, longitude=13.0, accuracy_m=1_000))
    assert not _trip(0, rule, context=near)
    assert not _trip(25 * 60, ImpossibleTravel(speed_km_h=1))  # not remembered for so long
    assert not _trip(1, rule, action="log.read")
    assert not _trip(1, ImpossibleTravel(granted_only=True), **_DENIED)


def test_travel_by_time_of_occurrence() -> None:
    """Records that were held back and come together are judged by when they occurred."""
    rule = ImpossibleTravel()
    early = seen(5, 0, recorded=600, context=at(BERLIN))
    assert not indices(rule, [early, seen(6, 300, recorded=600, context=at(MADRID))])
    assert indices(rule, [early, seen(6, 20, recorded=600, context=at(MADRID))]) == [(5, 6)]


def _sprayed(count: int, *, every: float = 1.0, **changes: Any) -> list[Seen]:
    fields = {**_DENIED, "context": at(ip="192.0.2.7"), **changes}
    return [seen(one, one * every, subject=f"person-{one}", **fields) for one in range(count)]


def test_many_subjects_at_the_border() -> None:
    """The tenth person within the hour is a finding, the ninth is none, and so each doubling."""
    rule = ManySubjects()
    assert indices(rule, _sprayed(9)) == []
    (one,) = found(rule, _sprayed(10))
    assert (one.indices, one.count) == (tuple(range(10)), 10)
    assert [one.count for one in found(rule, _sprayed(200, every=0.1))] == [10, 20, 40, 80]
    assert one.subject is None
    assert "192.0.2.7" not in str(one)


def test_many_subjects_within_the_window() -> None:
    """Ten people in ten windows, one person ten times, and those who got in are none."""
    rule = ManySubjects()
    assert not indices(rule, _sprayed(30, every=7))
    assert not indices(
        rule, [seen(one, one, **_DENIED, context=at(ip="192.0.2.7")) for one in range(20)]
    )
    assert not indices(rule, _sprayed(20, decision="granted", reason="match"))
    assert indices(ManySubjects(failures_only=False), _sprayed(10, decision="granted"))
    assert not indices(rule, _sprayed(20, action="log.read"))


def test_many_subjects_by_network_and_device() -> None:
    """An IPv6 network counts as one place, a device as one; different IPv4 addresses do not."""
    rule = ManySubjects(people=3)

    def from_addresses(addresses: list[str]) -> list[Seen]:
        return [
            seen(n, n, subject=f"p{n}", **_DENIED, context=at(ip=one))
            for n, one in enumerate(addresses)
        ]

    assert indices(rule, from_addresses([f"2001:db8::{n}" for n in range(3)])) == [(0, 1, 2)]
    assert not indices(rule, from_addresses([f"192.0.2.{n}" for n in range(3)]))
    mapped = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"]
    assert indices(rule, from_addresses(mapped)) == [(0, 1, 2)]
    assert indices(rule, _sprayed(3, context=at(device_id="kiosk"))) == [(0, 1, 2)]


def _alarms(count: int, **changes: Any) -> list[Seen]:
    attack = compared(0.9, decision="match", presentation_attack="attack")
    fields = {
        "decision": "denied",
        "reason": "presentation_attack",
        "comparison": attack,
        **changes,
    }
    return [seen(one, one, **fields) for one in range(count)]


def test_presentation_attacks_counted() -> None:
    """The third alarm within the hour is a finding; two are none, nor are three in three hours."""
    rule = PresentationAttacks()
    assert not indices(rule, _alarms(2))
    (one,) = found(rule, _alarms(3))
    assert (one.indices, one.subject) == ((0, 1, 2), "anna")
    assert [one.count for one in found(PresentationAttacks(share=1, least=1_000), _alarms(12))] == [
        3,
        6,
        12,
    ]
    late = [seen(n, 60 * n, comparison=_alarms(1)[0].comparison) for n in range(9)]
    assert not indices(rule, late)
    by_device = [
        seen(n, n, subject=f"p{n}", comparison=_alarms(1)[0].comparison, context=at(device_id="x"))
        for n in range(3)
    ]
    assert indices(rule, by_device) == [(0, 1, 2)]


def test_presentation_attacks_rate() -> None:
    """A share of alarms that grows too large is one finding, at the alarm that reaches it."""
    rule = PresentationAttacks(share=0.2, sample=50, least=10)
    attack = compared(0.9, presentation_attack="attack")
    live = compared(0.9, decision="match", presentation_attack="bona_fide")

    def stream(each: int, count: int) -> list[Seen]:
        return [
            seen(n, n, subject=f"p{n}", comparison=live if n % each else attack)
            for n in range(count)
        ]

    assert not indices(rule, stream(6, 300))
    (one,) = found(rule, stream(4, 300))
    assert (one.count, one.indices[-1], one.severity) == (10, 36, Severity.MEDIUM)
    undetermined = compared(0.1, presentation_attack="undetermined")
    assert not indices(rule, [seen(n, comparison=undetermined) for n in range(100)])


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-5 * 60 - 1, True),  # Monday 06:59 UTC is 07:59 in Zurich
        (-5 * 60, False),  # 08:00: open
        (6 * 60 - 1, False),  # 18:59
        (6 * 60, True),  # 19:00: closed
        (5 * 24 * 60, True),  # Saturday noon
        (24 * 60, True),  # Tuesday, a holiday
        (2 * 24 * 60, False),  # Wednesday
    ],
)
def test_after_hours_by_the_wall_clock(minutes: float, expected: bool) -> None:
    """Hours are those of the place, up to the closing time and not at it, without weekends."""
    rule = AfterHours(
        zone="Europe/Zurich", opens=time(8), closes=time(19), holidays=[date(2026, 11, 24)]
    )
    assert bool(indices(rule, [seen(4, minutes)])) is expected


def test_after_hours_past_midnight() -> None:
    """A night shift that began on a working day is open until it ends."""
    rule = AfterHours(zone="UTC", opens=time(22), closes=time(6))
    assert not indices(rule, [seen(0, 13 * 60)])  # Tuesday 01:00
    assert indices(rule, [seen(0, 18 * 60)])  # Tuesday 06:00
    assert indices(rule, [seen(0, 5 * 24 * 60 + 10 * 60)])  # Saturday 22:00
    assert not indices(rule, [seen(0, 4 * 24 * 60 + 13 * 60)])  # Saturday 01:00, of Friday's shift


def test_after_hours_once_a_day() -> None:
    """One finding a person and day; another person and another day are found again."""
    rule = AfterHours(zone="UTC")
    night = [seen(n, 8 * 60 + n) for n in range(5)]
    assert indices(rule, night) == [(0,)]
    assert indices(rule, [*night, seen(9, 8 * 60 + 9, subject="bert")]) == [(0,), (9,)]
    assert indices(rule, [*night, seen(9, 32 * 60)]) == [(0,), (9,)]
    nobody = seen(1, 8 * 60, subject=None, decision="denied")
    assert indices(rule, [nobody]) == [(1,)]
    assert not indices(rule, [seen(1, 8 * 60, subject=None, modality="none", action="heartbeat")])
    assert not indices(AfterHours(zone="UTC", granted_only=True), [nobody])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ImpossibleTravel(speed_km_h=0),
        lambda: ImpossibleTravel(least_km=float("nan")),
        lambda: ImpossibleTravel(memory=timedelta(0)),
        lambda: ImpossibleTravel(name="Not a word"),
        lambda: ManySubjects(people=1),
        lambda: ManySubjects(window=timedelta(seconds=-1)),
        lambda: PresentationAttacks(share=1.5),
        lambda: AfterHours(zone="Nowhere/At_all"),
        lambda: AfterHours(zone="UTC", days=[7]),
        lambda: AfterHours(zone="UTC", opens=time(8), closes=time(8)),
        lambda: AfterHours(zone="UTC", holidays=["2026-12-25"]),  # type: ignore[list-item]
    ],
)
def test_settings_are_checked_at_the_door(make: Any) -> None:
    """What is no number, time or zone is refused with the attribute's name."""
    with pytest.raises(DetectionError, match=r"\w+\.\w+"):
        make()
