"""A detector killed with SIGKILL between a finding's record and its progress, again and again."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from biotrail import Context, Event
from biotrail.detection import find
from biotrail.query import open_records
from tests.faults._child import start
from tests.faults._detect_worker import RULES
from tests.unit.audit._logs import opened, verified

_SCRIPT = Path(__file__).with_name("_detect_worker.py")
_WHEN = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _attempts() -> list[Event]:
    return [
        Event(
            action="door.open",
            decision="denied",
            subject=f"person-{number}",
            context=Context(ip=f"192.0.2.{number % 7}"),
            occurred=_WHEN + timedelta(seconds=5 * number),
        )
        for number in range(160)
    ]


def test_every_finding_is_recorded_once(tmp_path: Path) -> None:
    """However often it dies, each finding of an undisturbed run is in the log, and once."""
    path, state = tmp_path / "log.db", tmp_path / "state"
    statuses = []
    for attempts, lives in ((_attempts()[:90], (1, 2, 7)), (_attempts()[90:], (1, 10_000))):
        with opened(path) as log:
            log.record_many(attempts)
        for life in lives:
            child = start(_SCRIPT, str(path), str(state), str(life))
            statuses.append(child.wait(timeout=60))
    assert statuses == [-signal.SIGKILL] * 4 + [0]
    with closing(open_records(path)) as reader:
        records = list(reader.records(0, reader.size))
    expected = Counter((one.rule, one.indices) for one in find(records, RULES))
    recorded = Counter(
        (
            one.event.action.removeprefix("detection."),
            tuple(map(int, str(one.event.labels["indices"]).split(","))),
        )
        for one in records
        if one.event is not None and one.event.action.startswith("detection.")
    )
    assert recorded == expected
    assert set(recorded.values()) == {1}
    assert len(recorded) > 12
    verified(path)
