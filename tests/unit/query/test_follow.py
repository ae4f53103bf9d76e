"""Followers: each record once and in order, however they lag, wait, stop and go on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import biotrail
from biotrail import field
from biotrail.errors import (
    AlteredError,
    ClosedError,
    ForkedError,
    KeyProviderError,
    MissingError,
    QueryError,
    RolledBackError,
    SealedError,
    StoreError,
    StoreUnavailableError,
)
from biotrail.query import Follower, LogQuery, RecordReader
from biotrail.query.follow_feed import LARGEST_BLOCK, NEWEST, Feed
from biotrail.stores import MemoryStore, SQLiteReader, SQLiteStore
from biotrail.stores.watching import PolledWatch, WakingStore, watch_store
from biotrail.vault import Vault
from tests.unit.query._logs import event, open_log, sealed_log
from tests.unit.query._questions import KEY
from tests.unit.vault._providers import CountingProvider

PATIENCE = 20.0


@contextmanager
def running(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """An act in a thread of its own; what it returned or raised is there after the block."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(act())
        except Exception as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield came
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def feed_threads() -> int:
    """How many threads look for commits."""
    return sum(one.name == "biotrail-feed" for one in threading.enumerate())


def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline
        sleep(0.002)


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """An open log with ten events, from index 2 on."""
    vault = Vault(CountingProvider())
    with open_log(MemoryStore(), vault) as opened:
        opened.record_many(event(number) for number in range(10))
        yield opened


def test_from_any_index_and_on(log: biotrail.AuditLogger) -> None:
    """A follower is given what is there from its start on, then what comes, proven and opened."""
    with log.follow(start=5) as follower:
        assert [next(follower).index for _ in range(7)] == list(range(5, 12))
        receipt = log.record(event(20))
        found = next(follower)
        assert (found.index, found.event and found.event.subject) == (
            receipt.index,
            biotrail.Subject(id="person-2"),
        )
        biotrail.verify_proof(found.proof().encode(), KEY)
        assert follower.position == receipt.index + 1


def test_from_now_on(log: biotrail.AuditLogger) -> None:
    """Without a start, a follower is given what is recorded after it was made."""
    with log.follow() as follower:
        receipts = log.record_many([event(20), event(21)])
        assert [next(follower).index, next(follower).index] == [one.index for one in receipts]


def test_a_follower_waits(log: biotrail.AuditLogger) -> None:
    """It waits without end for the next record, and gets it when it is acknowledged."""
    with log.follow() as follower, running(lambda: next(follower).index) as came:
        sleep(0.05)
        assert not came
        receipt = log.record(event(20))
    assert came == [receipt.index]


def test_time_out_ends_an_iteration_which_goes_on_later(log: biotrail.AuditLogger) -> None:
    """With a time-out the iteration ends when nothing comes, and can be begun again."""
    with log.follow(start=0, timeout=0.05) as follower:
        assert [one.index for one in follower] == list(range(12))
        assert list(follower) == []
        receipt = log.record(event(20))
        assert [one.index for one in follower] == [receipt.index]


def test_taken_many_at_once(log: biotrail.AuditLogger) -> None:
    """As many as are there, up to a limit; none when none comes in time."""
    with log.follow(start=0) as follower:
        assert [one.index for one in follower.take(5)] == [0, 1, 2, 3, 4]
        assert [one.index for one in follower.take(50)] == [5, 6, 7, 8, 9, 10, 11]
        assert follower.take(5, timeout=0.02) == []


def test_conditions_decide_by_the_opened_record(log: biotrail.AuditLogger) -> None:
    """Only records that fit are given, be they asked by what is sealed; the position passes all."""
    asked = (field("subject") == "person-1") & field("ip").within("192.0.0.0/16")
    with log.follow(start=0, where=asked, timeout=0.02) as follower:
        assert [one.index for one in follower] == [3, 6, 9]
        assert follower.position == 12
    with log.follow(start=0, where="subject = person-1", timeout=0) as follower:
        assert [one.index for one in follower] == [3, 6, 9]


def test_a_condition_on_what_is_sealed_needs_the_vault(log: biotrail.AuditLogger) -> None:
    """Without the vault such a condition is refused at the door, and others are answered."""
    with LogQuery(log._store, trusted=KEY) as reader:
        with pytest.raises(SealedError, match="subject"):
            reader.follow(start=0, where="subject = person-1")
        with reader.follow(start=0, where="action = door.open", timeout=0) as follower:
            assert len(list(follower)) == 10
    until(lambda: feed_threads() == 0)


@pytest.mark.parametrize("start", [-1, True, "0", 1.0])
def test_a_start_that_is_no_index_is_refused(log: biotrail.AuditLogger, start: Any) -> None:
    """Nothing but an index, or None, is a start."""
    with pytest.raises(QueryError, match="from an index"):
        log.follow(start=start)
    with pytest.raises(QueryError, match="from an index"):
        log.afollow(start=start)


def test_a_start_beyond_the_end_is_a_rollback(log: biotrail.AuditLogger) -> None:
    """The end itself is a start; an index beyond was never given out by this log."""
    log.follow(start=12).close()
    with pytest.raises(RolledBackError, match="12 entries") as caught:
        log.follow(start=13)
    assert (caught.value.index, caught.value.expected, caught.value.found) == (12, 13, 12)
    assert feed_threads() == 0


def test_one_thread_serves_all_and_ends_with_the_last(log: biotrail.AuditLogger) -> None:
    """However many follow, one thread looks; it ends when they are closed or forgotten."""
    followers = [log.follow(start=number % 13) for number in range(50)]
    assert feed_threads() == 1
    for one in followers[1:]:
        one.close()
    assert feed_threads() == 1
    followers.clear()
    del one
    gc.collect()
    until(lambda: feed_threads() == 0)
    with log.follow(start=11, timeout=1) as again:
        assert next(again).index == 11


def test_close_ends_a_wait_in_another_thread(log: biotrail.AuditLogger) -> None:
    """A follower that waits is ended by a close from elsewhere, and stays ended."""
    follower = log.follow()
    with running(lambda: list(follower)) as came:
        sleep(0.02)
        follower.close()
    assert came == [[]]
    follower.close()
    assert list(follower) == []


def test_a_closed_log_says_where_to_go_on() -> None:
    """Who waits when the log is closed is told so, with the index to go on from."""
    vault = Vault(CountingProvider())
    log = open_log(MemoryStore(), vault)
    follower = log.follow(start=2)
    with running(lambda: next(follower)) as came:
        sleep(0.02)
        log.close()
    assert isinstance(came[0], ClosedError)
    assert "from index 2" in str(came[0])
    with pytest.raises(ClosedError):
        log.follow()


def test_those_who_lag_read_again(log: biotrail.AuditLogger) -> None:
    """Who falls behind what is kept still gets every record, while another keeps up."""
    total = 3 * NEWEST
    with log.follow() as prompt, log.follow() as slow:
        first = slow.position
        log.record(event(50))
        got = [next(prompt).index]
        for start in range(0, total, 500):
            log.record_many(event(100 + start + number) for number in range(500))
            while prompt.position < log.checkpoint().checkpoint.size:
                got.append(next(prompt).index)
        stop = log.checkpoint().checkpoint.size
        assert got == list(range(first, stop))
        assert [next(slow).index for _ in range(first, stop)] == got


def test_memory_is_bounded_by_what_is_kept_not_by_followers() -> None:
    """Ten thousand followers, each at another place, keep no more records than one would."""
    store, vault = sealed_log()
    with open_log(store, vault) as log:
        log.record_many(event(number) for number in range(2_000))
        engine_feed = LogQuery(store, trusted=KEY, vault=vault)
        feed = engine_feed._feed_now()
        feed._kept = 2_048
        followers = [Follower(feed, (number * 7) % 2_000) for number in range(10_000)]
        assert feed_threads() == 1
        began = monotonic()
        receipt = log.record(event(5_000))
        assert monotonic() - began < 1.0  # nobody is waited for
        for number, one in enumerate(followers):
            assert next(one).index == (number * 7) % 2_000
        held = sum(len(one._block.records) for one in followers)
        assert held + sum(map(len, feed._blocks.values())) <= 2 * 10_000
        assert len(feed.newest.records) <= 2 * NEWEST
        assert receipt.index == 2_002
        engine_feed.close()


class _Counting:
    """A source of numbers that counts how often it is read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads: list[tuple[int, int]] = []
        self.bad: dict[int, Exception] = {}

    def advance(self) -> int:
        return self.size

    def read(self, start: int, stop: int) -> Any:
        self.reads.append((start, stop))
        for index in range(start, stop):
            if index in self.bad:
                return list(range(start, index)), self.bad[index]
        return list(range(start, stop)), None


def _feed(source: _Counting) -> Feed[int]:
    return Feed(source, lambda: PolledWatch(lambda: source.size, every=0.001))


def test_who_is_at_the_same_place_shares_what_was_read() -> None:
    """A hundred followers from the beginning read each block once."""
    source = _Counting(1_000)
    feed = _feed(source)
    followers = [Follower(feed, 0, timeout=0) for _ in range(50)]
    for one in followers:
        assert list(one) == list(range(1_000))
    assert len(source.reads) <= -(-1_000 // LARGEST_BLOCK) + 50  # the last block is not full
    for one in followers:
        one.close()


def test_what_is_before_a_bad_record_is_given_first_and_what_is_behind_it_too() -> None:
    """The error comes at its own place, each time; who begins behind it does not meet it."""
    source = _Counting(300)
    source.bad[20] = AlteredError("entry 20 was altered", index=20)
    feed = _feed(source)
    with Follower(feed, 0, timeout=0) as follower, Follower(feed, 21, timeout=0) as behind:
        assert [next(follower) for _ in range(20)] == list(range(20))
        for _ in range(2):
            with pytest.raises(AlteredError, match="entry 20"):
                next(follower)
        assert follower.position == 20
        assert list(behind) == list(range(21, 300))
        del source.bad[20]
        assert list(follower) == list(range(20, 300))


def test_a_failure_is_told_once_a_try_and_got_over() -> None:
    """Who waits is told what stands in the way, and given the record once that is gone."""
    source = _Counting(3)
    feed = _feed(source)
    with Follower(feed, 3, timeout=PATIENCE) as follower:
        source.bad[3] = KeyProviderError("out of reach")
        source.size = 4
        with pytest.raises(KeyProviderError):
            next(follower)
        source.bad.clear()
        found = None
        while found is None:
            with suppress(KeyProviderError):
                found = next(follower)
        assert found == 3


def test_what_a_host_s_store_raises_is_a_store_error() -> None:
    """An error that is none of ours reaches the follower as one of ours."""
    source = _Counting(3)
    with Follower(_feed(source), 3, timeout=PATIENCE) as follower:
        source.advance = lambda: 1 // 0  # type: ignore[method-assign]
        source.size = 4
        with pytest.raises(StoreError, match="ZeroDivisionError"):
            next(follower)


def test_a_burst_larger_than_what_is_kept_is_given_whole() -> None:
    """More than is kept comes at once, while followers wait: each gets all of it, in order."""
    source = _Counting(0)
    feed = _feed(source)
    with Follower(feed, 0, timeout=0.3) as follower, running(lambda: list(follower)) as came:
        sleep(0.02)
        source.size = 10 * NEWEST
    assert came == [list(range(10 * NEWEST))]


def _rolled_back(store: MemoryStore) -> None:
    del store._entries[-2:]


def _emptied(store: MemoryStore) -> None:
    store._entries.clear()


@pytest.mark.parametrize("change", [_rolled_back, _emptied])
def test_a_log_that_becomes_shorter_is_found(change: Callable[[MemoryStore], None]) -> None:
    """A rollback under a follower is told to it, by a query and by a reader."""
    store, vault = sealed_log([event(number) for number in range(5)])
    for log in (LogQuery(store, trusted=KEY), RecordReader(store, vault=vault)):
        saved = list(store._entries)
        with log.follow() as follower:
            change(store)
            with pytest.raises((RolledBackError, MissingError)):
                next(follower)
        store._entries[:] = saved
        log.close()


def test_another_history_is_found() -> None:
    """A log that was replaced by another of the same key is no continuation."""
    events = [event(number) for number in range(6)]
    store, vault = sealed_log(events[:3])
    other, _ = sealed_log(reversed(events), vault=vault)
    for log in (LogQuery(store, trusted=KEY), RecordReader(store)):
        saved = list(store._entries)
        with log.follow() as follower:
            store._entries[:] = other._entries
            with pytest.raises((ForkedError, AlteredError, MissingError, biotrail.BiotrailError)):
                next(follower)
        store._entries[:] = saved
        log.close()


def test_an_altered_entry_is_not_given(log: biotrail.AuditLogger) -> None:
    """What was changed in the store is refused at its place, and what is before it is given."""
    store: Any = log._store
    with LogQuery(store, trusted=KEY) as reader, reader.follow(start=0) as follower:
        store._entries[5] = store._entries[5]._replace(entry=store._entries[6].entry)
        assert [next(follower).index for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(biotrail.VerificationError) as caught:
            next(follower)
        assert getattr(caught.value, "index", None) == 5


def test_a_key_provider_out_of_reach_stops_and_resumes() -> None:
    """While the vault's keys cannot be had, the follower says so; then it goes on where it was."""
    provider = CountingProvider()
    store, _ = sealed_log([event(number) for number in range(3)], vault=Vault(provider))
    reader = LogQuery(store, trusted=KEY, vault=Vault(provider))
    with reader, reader.follow(start=0) as follower:
        unwrap = provider.unwrap
        provider.unwrap = _unreachable  # type: ignore[method-assign]
        with pytest.raises(KeyProviderError):
            follower_to_the_end(follower)
        provider.unwrap = unwrap  # type: ignore[method-assign]
        left = [next(follower).index for _ in range(follower.position, 5)]
        assert left == list(range(5 - len(left), 5))


def follower_to_the_end(follower: Iterator[Any]) -> None:
    """Ask for more records than there are."""
    for _ in range(10):
        next(follower)


def _unreachable(*_: object, **__: object) -> bytes:
    raise KeyProviderError("out of reach")


def test_a_file_that_goes_or_is_replaced_is_found(tmp_path: Path) -> None:
    """A file that was deleted, or exchanged for another, is not followed on."""
    path, other = tmp_path / "log.db", tmp_path / "other.db"
    for one in (path, other):
        sealed_log([event(1)], store=SQLiteStore(one))
    for replace in (True, False):
        reader = SQLiteReader(path)
        with LogQuery(reader, trusted=KEY) as log, log.follow() as follower:
            other.replace(path) if replace else path.unlink()
            with pytest.raises(StoreUnavailableError, match=r"another file|no longer there"):
                next(follower)
        reader.close()


def test_sqlite_tells_of_commits_by_other_connections(tmp_path: Path) -> None:
    """A watch over a file tells of a commit by anybody, and is silent without one."""
    store = SQLiteStore(tmp_path / "log.db")
    reader = SQLiteReader(tmp_path / "log.db")
    assert isinstance(reader, WakingStore)
    watch = watch_store(reader)
    watch.wait(0)
    assert not watch.wait(0.05)
    with open_log(store, None) as log:
        assert watch.wait(PATIENCE)
        log.record(event(1))
        until(lambda: watch.wait(0.01))
        assert not watch.wait(0.05)
    watch.wake()
    assert watch.wait(PATIENCE)
    watch.close()
    reader.close()


def test_any_other_store_is_looked_at() -> None:
    """Where a store cannot tell, its head is read again and again."""
    store = MemoryStore()
    assert not isinstance(store, WakingStore)
    watch = watch_store(store)
    watch.wait(0)
    assert not watch.wait(0.01)
    sealed_log(store=store)
    assert watch.wait(PATIENCE)
