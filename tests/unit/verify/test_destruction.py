"""What the log says was destroyed: what counts, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger, Event, SQLiteStore, verify_log
from biotrail.canonical import encode_value, frame_entry
from biotrail.errors import AlteredError, MissingError
from biotrail.stores import SQLiteReader
from biotrail.testing.tamper import tampering
from biotrail.vault import MemoryKeyProvider, Vault
from biotrail.verify.destruction import Destruction, Rule
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_sealed as sealed

KEY = str(spec.verifier_key("A"))
TIMES = [f"2026-11-{day:02}T00:00:00.000000Z" for day in range(1, 29)]


def entry(index: int, body: dict[str, Any], *, day: int = 20) -> bytes:
    """Return the bytes of an entry."""
    return frame_entry(index, bytes(32), TIMES[day], encode_value(body))


def erasure(index: int, *references: bytes, through: int | None = None) -> bytes:
    """Return the bytes of a tombstone; its fence was written just before unless it is told."""
    content = {
        "id": bytes(16),
        "references": list(references),
        "fingerprints": [],
        "reason": "x",
        "legal_basis": "x",
        "through": index if through is None else through,
        "payloads": 0,
        "requested": TIMES[0],
    }
    return entry(index, {"subject_erased": content})


def retention(index: int, *rules: dict[str, str]) -> bytes:
    """Return the bytes of a retention."""
    content = {"id": bytes(16), "policy": bytes(32), "rules": list(rules), "payloads": 0}
    return entry(index, {"retention_applied": content})


def test_the_last_tombstone_of_a_reference_counts() -> None:
    """A reference is erased for what comes before the last entry that names it."""
    one, other = b"\x01" * 16, b"\x02" * 16
    told = Destruction.told_by([erasure(5, one), erasure(9, one, other)])
    assert told.erased == {one: 9, other: 9}
    assert told.is_erased(one, 8)
    assert not told.is_erased(one, 9)
    assert not told.is_erased(None, 0)
    assert not told.is_erased(b"\x03" * 16, 0)


def test_a_tombstone_reaches_to_its_fence() -> None:
    """What was recorded after the fence, or after the tombstone, is not erased by it."""
    one = b"\x01" * 16
    told = Destruction.told_by([erasure(5, one, through=3)])
    assert [told.is_erased(one, index) for index in range(7)] == [True] * 3 + [False] * 4
    told = Destruction.told_by([erasure(5, one, through=99)])
    assert [told.is_erased(one, index) for index in range(7)] == [True] * 5 + [False] * 2
    told = Destruction.told_by([erasure(5, one, through=4), erasure(9, one, through=2)])
    assert told.erased == {one: 4}


def hold(index: int, name: int, *references: bytes, until: str | None = None) -> bytes:
    """Return the bytes of a hold."""
    content: dict[str, Any] = {"id": bytes([name]) * 16, "reason": "x"}
    content["references"] = list(references)
    if until is not None:
        content["until"] = until
    return entry(index, {"hold_placed": content})


def release(index: int, name: int) -> bytes:
    """Return the bytes of the end of a hold."""
    return entry(index, {"hold_released": {"id": bytes([name]) * 16, "reason": "x"}})


def test_who_is_held_is_not_overdue() -> None:
    """Holds count for a retention until they are released, or over when it was last applied."""
    one, two, three, four = (bytes([number]) * 16 for number in range(1, 5))
    holds = [
        hold(1, 1, one),
        hold(2, 2, two),
        release(3, 2),
        hold(4, 3, three, until=TIMES[19]),
        hold(5, 4, four, until=TIMES[21]),
        hold(6, 1, two),  # the id is taken
    ]
    assert Destruction.told_by(holds).held == frozenset()
    assert Destruction.told_by(holds).excuses_nothing
    told = Destruction.told_by([*holds, retention(7, {"before": TIMES[25]})])
    assert told.held == {one, four}


def test_a_later_retention_takes_the_place_of_those_it_covers() -> None:
    """Of rules with the same choice only those are kept that another does not cover."""
    told = Destruction.told_by(
        [
            retention(5, {"before": TIMES[1]}, {"before": TIMES[9], "action": "a"}),
            retention(6, {"before": TIMES[2]}),
            retention(7, {"before": TIMES[1]}, {"before": TIMES[3], "action": "a"}),
        ]
    )
    indices = {
        selector[0]: [rule.index for rule in rules] for selector, rules in told.retained.items()
    }
    assert indices == {None: [6, 7], "a": [5, 7]}
    assert all(isinstance(rule, Rule) for rules in told.retained.values() for rule in rules)


def test_what_cannot_be_read_says_nothing() -> None:
    """Bytes that are no entry, and entries of other kinds, excuse nothing."""
    told = Destruction.told_by([b"", b"\x85\x01", entry(3, {"log_read": {}})])
    assert told == Destruction()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the sealed log of the vectors."""
    path = tmp_path / "log.db"
    spec.write_rows(path, sealed.sealed_log())
    return path


@pytest.mark.parametrize("lookups", [True, False])
def test_a_column_cannot_hide_a_tombstone(path: Path, *, lookups: bool) -> None:
    """A tombstone counts though its column calls it an event; the column is named if looked at."""
    with tampering(path) as connection:
        connection.execute("UPDATE entries SET kind = 'event' WHERE idx = ?", (sealed.ERASED,))
    if lookups:
        with pytest.raises(AlteredError) as caught:
            verify_log(path, KEY)
        assert caught.value.index == sealed.ERASED
    else:
        assert verify_log(path, KEY, lookups=False).erased == 3


class Lying(SQLiteReader):
    """A store that shows a tombstone to whoever reads one row, and another entry otherwise."""

    at = sealed.ERASED + 1

    def raw_entries(self, start: int, stop: int) -> Iterator[tuple[Any, ...]]:
        """Rows, one of them false when it is asked for alone."""
        if (start, stop) == (self.at, self.at + 1):
            return iter([(self.at, erasure(self.at, sealed.reference("ben")), None)])
        return super().raw_entries(start, stop)


def test_a_claim_that_is_not_in_the_log_excuses_nothing(path: Path) -> None:
    """A store that shows a tombstone which the log does not hold is not believed."""
    with tampering(path) as connection:
        connection.execute("DELETE FROM sealed WHERE idx = ?", (sealed.BEN_ALONE,))
    with closing(Lying(path)) as store:
        with pytest.raises(MissingError) as caught:
            verify_log(store, KEY, workers=1)
        assert caught.value.index == sealed.BEN_ALONE


class Erasing(SQLiteReader):
    """A reader before which somebody is erased, once it has begun to read payloads."""

    act: Callable[[], object] | None = None

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Payloads, after the erasure."""
        if self.act is not None:
            act, self.act = self.act, None
            act()
        return super().payloads(start, stop)


def test_an_erasure_while_a_log_is_verified_is_no_fault(tmp_path: Path) -> None:
    """The verdict is for the greater size, at which the log accounts for what is gone."""
    path = tmp_path / "log.db"
    opened = Vault(MemoryKeyProvider())
    with AuditLogger(SQLiteStore(path), spec.signer("A"), vault=opened) as log:
        for person in ("anna", "ben", "anna"):
            log.record(Event(action="door.open", decision="denied", subject=person))
        before = log.checkpoint().size
        with closing(Erasing(path)) as store:
            store.act = lambda: log.erase(
                "anna", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)"
            )
            found = verify_log(store, KEY, workers=1)
    assert found.size > before
    assert (found.sealed, found.erased) == (1, 2)


def test_the_message_says_what_to_do(path: Path) -> None:
    """A remnant without tombstone may be an unfinished erasure, and the message says so."""
    log = sealed.write()
    log.destroy(sealed.BEN_ALONE, 2)
    (path.parent / "other").mkdir()
    other = path.parent / "other" / "log.db"
    spec.write_rows(other, log.hand.export())
    with pytest.raises(MissingError, match=r"unfinished: run 'biotrail doctor'"):
        verify_log(other, KEY)
