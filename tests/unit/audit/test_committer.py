"""Group commit: who leads, who is answered, and by what."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from biotrail.audit.committer import MAXIMUM_BATCH, Committer
from biotrail.errors import (
    ClosedError,
    OverloadedError,
    StoreFullError,
    UnknownOutcomeError,
)
from tests.unit.audit._committing import LIMIT, FakeCommit, ended, number, queued, record, running


@pytest.fixture
def commit() -> FakeCommit:
    """A commit function that answers at once."""
    return FakeCommit()


@pytest.fixture
def committer(commit: FakeCommit) -> Iterator[Committer]:
    """A committer over it, closed in the end."""
    made = Committer(commit)
    yield made
    commit.go.set()
    assert ended([running(made.close)])


def _submit(committer: Committer, *numbers: int) -> list[int]:
    return [number(one) for one in committer.submit([record(one) for one in numbers])]


def _collector(committer: Committer, one: int, into: dict[int, Any]) -> threading.Thread:
    def act() -> None:
        try:
            into[one] = _submit(committer, one)
        except BaseException as error:
            into[one] = error

    return running(act)


def _held(committer: Committer, commit: FakeCommit) -> threading.Thread:
    """A caller whose commit is under way and held."""
    commit.go.clear()
    leader = running(lambda: _submit(committer, 0))
    assert commit.entered.acquire(timeout=LIMIT)
    return leader


def test_a_lone_caller_commits_in_its_own_thread(committer: Committer, commit: FakeCommit) -> None:
    """Without others, the caller's thread runs the commit, and no other thread is started."""
    before = threading.active_count()
    assert _submit(committer, 7) == [7]
    assert commit.threads == [threading.current_thread().name]
    assert threading.active_count() == before


def test_those_who_come_meanwhile_share_one_commit(
    committer: Committer, commit: FakeCommit
) -> None:
    """While one commit is under way, all who come form the next batch, in order of arrival."""
    leader, got = _held(committer, commit), dict[int, Any]()
    threads = []
    for one in range(1, 20):
        threads.append(_collector(committer, one, got))
        queued(committer, one)
    commit.go.set()
    assert ended([leader, *threads])
    assert commit.batches == [[0], list(range(1, 20))]
    assert got == {one: [one] for one in range(1, 20)}


def test_a_caller_gets_its_own_answers(committer: Committer, commit: FakeCommit) -> None:
    """Callers with several records, or none, are each given the answers to their own."""
    leader = _held(committer, commit)
    got: dict[int, list[int]] = {}
    wanted = {1: (1, 2, 3), 4: (), 5: (5,), 6: (6, 7)}

    def act(key: int) -> None:
        got[key] = _submit(committer, *wanted[key])

    threads = [running(lambda key=key: act(key)) for key in wanted]  # type: ignore[misc]
    queued(committer, len(wanted))
    commit.go.set()
    assert ended([leader, *threads])
    assert got == {key: list(numbers) for key, numbers in wanted.items()}


def test_a_batch_is_bounded(committer: Committer, commit: FakeCommit) -> None:
    """No batch holds more records than its bound, save that of one caller who brings more."""
    leader = _held(committer, commit)
    sizes = [MAXIMUM_BATCH - 1, 1, 1, MAXIMUM_BATCH + 500, 2]
    threads = []
    for place, size in enumerate(sizes, 1):
        threads.append(running(lambda size=size: _submit(committer, *range(size))))  # type: ignore[misc]
        queued(committer, place)
    commit.go.set()
    assert ended([leader, *threads])
    assert [len(batch) for batch in commit.batches] == [1, MAXIMUM_BATCH, 1, MAXIMUM_BATCH + 500, 2]


async def _tasks(committer: Committer, numbers: range) -> list[asyncio.Task[list[Any]]]:
    made = [asyncio.create_task(committer.submit_async([record(one)])) for one in numbers]
    await asyncio.sleep(0)
    return made


def test_a_thread_behind_more_tasks_than_a_batch_holds(
    committer: Committer, commit: FakeCommit
) -> None:
    """A thread made leader while its own record is far back in the queue gets its own answer."""
    leader, got = _held(committer, commit), dict[int, Any]()

    async def main() -> list[list[Any]]:
        tasks = await _tasks(committer, range(1, 2 * MAXIMUM_BATCH + 100))
        queued(committer, len(tasks))
        threads = [_collector(committer, one, got) for one in (9_001, 9_002)]
        queued(committer, len(tasks) + 2)
        commit.go.set()
        answers = await asyncio.wait_for(asyncio.gather(*tasks), LIMIT)
        assert ended([leader, *threads])
        return answers

    answers = asyncio.run(main())
    assert [number(one) for (one,) in answers] == list(range(1, 2 * MAXIMUM_BATCH + 100))
    assert got == {9_001: [9_001], 9_002: [9_002]}


def test_tasks_are_served_without_blocking_their_loop(
    committer: Committer, commit: FakeCommit
) -> None:
    """While tasks wait for a commit, their event loop goes on."""
    commit.go.clear()

    async def main() -> list[Any]:
        tasks = await _tasks(committer, range(3))
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not any(task.done() for task in tasks)
        commit.go.set()
        return await asyncio.wait_for(asyncio.gather(*tasks), LIMIT)

    assert [number(one) for (one,) in asyncio.run(main())] == [0, 1, 2]
    assert set(commit.threads) == {"biotrail-committer"}


def test_a_cancelled_task_harms_nobody(committer: Committer, commit: FakeCommit) -> None:
    """A task that is cancelled while it waits is recorded all the same, and others are answered."""
    leader = _held(committer, commit)

    async def main() -> None:
        tasks = await _tasks(committer, range(1, 6))
        tasks[2].cancel()
        await asyncio.sleep(0)
        commit.go.set()
        got = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LIMIT)
        assert isinstance(got[2], asyncio.CancelledError)
        assert [number(one[0]) for place, one in enumerate(got) if place != 2] == [1, 2, 4, 5]  # type: ignore[index]

    asyncio.run(main())
    assert ended([leader])
    assert [one for batch in commit.batches for one in batch] == list(range(6))


def test_a_closed_loop_harms_nobody(committer: Committer, commit: FakeCommit) -> None:
    """An event loop that ended while its task waited does not stop the answers to others."""
    leader, got = _held(committer, commit), dict[int, Any]()

    async def main() -> None:
        await _tasks(committer, range(1, 2))

    asyncio.run(main())
    thread = _collector(committer, 2, got)
    queued(committer, 2)
    commit.go.set()
    assert ended([leader, thread])
    assert got == {2: [2]}


def test_an_error_reaches_all_of_its_batch_and_nobody_else(
    committer: Committer, commit: FakeCommit
) -> None:
    """Every caller of a batch that failed gets its error; batches before and after do not."""
    commit.fail = lambda batch: StoreFullError("no space") if 2 in batch else None
    leader, got = _held(committer, commit), dict[int, Any]()

    async def main() -> None:
        tasks = await _tasks(committer, range(10, 12))
        threads = [_collector(committer, one, got) for one in (1, 2, 3)]
        queued(committer, 5)
        commit.go.set()
        failed = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LIMIT)
        assert all(isinstance(one, StoreFullError) for one in failed)
        assert ended([leader, *threads])

    asyncio.run(main())
    assert {type(one) for one in got.values()} == {StoreFullError}
    assert _submit(committer, 4) == [4]
    assert commit.batches == [[0], [4]]


@pytest.mark.parametrize("error", [ValueError("of the host's signer"), OSError("no network")])
def test_an_error_of_the_hosts_own_is_named(
    committer: Committer, commit: FakeCommit, error: Exception
) -> None:
    """An exception of the host's signer or clock comes as UnknownOutcomeError, with its cause."""
    commit.fail = lambda batch: error if batch == [1] else None
    with pytest.raises(UnknownOutcomeError) as caught:
        _submit(committer, 1)
    assert caught.value.__cause__ is error
    assert _submit(committer, 2) == [2]


def test_tasks_are_served_after_an_error_of_the_hosts_own(
    committer: Committer, commit: FakeCommit
) -> None:
    """The background thread outlives whatever a commit raises."""
    errors: list[BaseException] = [ValueError("of the signer"), SystemExit(1), MemoryError()]
    commit.fail = lambda batch: errors[batch[0]] if batch[0] < len(errors) else None

    async def main() -> None:
        for one in range(len(errors)):
            with pytest.raises(UnknownOutcomeError):
                await asyncio.wait_for(committer.submit_async([record(one)]), LIMIT)
        (answer,) = await asyncio.wait_for(committer.submit_async([record(9)]), LIMIT)
        assert number(answer) == 9

    asyncio.run(main())


def test_exclusive_acts_run_between_batches(committer: Committer, commit: FakeCommit) -> None:
    """An act never runs while a commit does, and returns its value to its caller."""
    leader = _held(committer, commit)
    got: list[bool] = []

    def act() -> bool:
        free = commit._inside.acquire(blocking=False)
        if free:
            commit._inside.release()
        return free

    thread = running(lambda: got.append(committer.exclusively(act)))
    queued(committer, 1)
    assert got == []
    commit.go.set()
    assert ended([leader, thread])
    assert got == [True]


def test_an_exclusive_act_fails_alone(committer: Committer, commit: FakeCommit) -> None:
    """What an act raises goes to its caller, and the records beside it are answered."""
    leader, got = _held(committer, commit), dict[int, Any]()
    caught: list[BaseException] = []

    def act() -> None:
        try:
            committer.exclusively(lambda: 1 // 0)
        except ZeroDivisionError as error:
            caught.append(error)

    threads = [_collector(committer, 1, got), running(act), _collector(committer, 2, got)]
    queued(committer, 3)
    commit.go.set()
    assert ended([leader, *threads])
    assert len(caught) == 1
    assert got == {1: [1], 2: [2]}


def test_an_exclusive_act_survives_the_error_of_others(
    committer: Committer, commit: FakeCommit
) -> None:
    """An act that waits beside records which cannot be written still runs, and succeeds."""
    commit.fail = lambda batch: StoreFullError("no space") if 1 in batch else None
    leader, got = _held(committer, commit), dict[int, Any]()
    values: list[str] = []
    threads = [
        _collector(committer, 1, got),
        running(lambda: values.append(committer.exclusively(lambda: "ran"))),
    ]
    queued(committer, 2)
    commit.go.set()
    assert ended([leader, *threads])
    assert isinstance(got[1], StoreFullError)
    assert values == ["ran"]


def test_a_full_queue_refuses_threads_after_their_patience(commit: FakeCommit) -> None:
    """A thread that finds no room waits for its patience, then is told that nothing was written."""
    committer, got = Committer(commit, maximum_waiting=3, patience=0.05), dict[int, Any]()
    leader = _held(committer, commit)
    threads = [_collector(committer, one, got) for one in (1, 2, 3)]
    queued(committer, 3)
    began = time.monotonic()
    with pytest.raises(OverloadedError):
        _submit(committer, 4)
    assert time.monotonic() - began >= 0.05
    commit.go.set()
    assert ended([leader, *threads])
    assert _submit(committer, 5) == [5]
    assert sorted(one for batch in commit.batches for one in batch) == [0, 1, 2, 3, 5]
    committer.close()


def test_a_full_queue_lets_in_when_room_comes(commit: FakeCommit) -> None:
    """A thread that waits for room is served once there is some."""
    committer, got = Committer(commit, maximum_waiting=1, patience=LIMIT), dict[int, Any]()
    leader = _held(committer, commit)
    threads = [_collector(committer, one, got) for one in range(1, 9)]
    queued(committer, 1)
    commit.go.set()
    assert ended([leader, *threads])
    assert got == {one: [one] for one in range(1, 9)}
    committer.close()


def test_a_full_queue_holds_tasks_without_blocking_their_loop(commit: FakeCommit) -> None:
    """Tasks that find no room wait too, while their loop goes on, and are told in the end."""
    committer = Committer(commit, maximum_waiting=2, patience=0.05)
    leader = _held(committer, commit)

    async def main() -> None:
        tasks = await _tasks(committer, range(1, 5))
        ticks = 0
        while not any(task.done() for task in tasks):
            await asyncio.sleep(0.001)
            ticks += 1
        assert ticks > 5
        commit.go.set()
        got = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LIMIT)
        assert [isinstance(one, OverloadedError) for one in got] == [False, False, True, True]

    asyncio.run(main())
    assert ended([leader])
    committer.close()


def test_a_caller_with_more_than_the_queue_holds_is_let_in(commit: FakeCommit) -> None:
    """More records than the queue may hold are taken when nobody else waits."""
    committer = Committer(commit, maximum_waiting=2, patience=0.05)
    assert _submit(committer, *range(50)) == list(range(50))
    committer.close()


def test_close_answers_all_that_wait(committer: Committer, commit: FakeCommit) -> None:
    """Closing drains the queue: who was in it is answered, who comes later is refused."""
    leader, got = _held(committer, commit), dict[int, Any]()

    async def main() -> list[list[Any]]:
        tasks = await _tasks(committer, range(10, 13))
        threads = [_collector(committer, one, got) for one in (1, 2)]
        queued(committer, 5)
        closing = running(committer.close)
        while not committer._closed:
            await asyncio.sleep(0.001)
        with pytest.raises(ClosedError):
            await committer.submit_async([record(99)])
        with pytest.raises(ClosedError):
            committer.submit([record(99)])
        assert closing.is_alive()
        commit.go.set()
        answers = await asyncio.wait_for(asyncio.gather(*tasks), LIMIT)
        assert ended([leader, closing, *threads])
        return answers

    assert [number(one) for (one,) in asyncio.run(main())] == [10, 11, 12]
    assert got == {1: [1], 2: [2]}


def test_close_refuses_those_who_wait_for_room(commit: FakeCommit) -> None:
    """A thread that waits for room when the log is closed is refused at once."""
    committer, got = Committer(commit, maximum_waiting=1, patience=LIMIT), dict[int, Any]()
    leader = _held(committer, commit)
    inside = _collector(committer, 1, got)
    queued(committer, 1)
    outside = _collector(committer, 2, got)
    time.sleep(0.02)
    closing = running(committer.close)
    assert ended([outside])
    assert isinstance(got[2], ClosedError)
    commit.go.set()
    assert ended([leader, inside, closing])
    assert got[1] == [1]


def test_closing_twice_and_ending_the_thread(committer: Committer, commit: FakeCommit) -> None:
    """Closing may be repeated, and leaves no thread behind."""
    before = set(threading.enumerate())
    asyncio.run(committer.submit_async([record(1)]))
    (begun,) = (one for one in set(threading.enumerate()) - before if "committer" in one.name)
    committer.close()
    committer.close()
    assert not begun.is_alive()
    with pytest.raises(ClosedError):
        committer.exclusively(lambda: None)


def test_no_wake_up_is_lost_under_load(committer: Committer, commit: FakeCommit) -> None:
    """Threads, tasks of several loops and exclusive acts together are all answered, each once."""
    seconds, counts = 3.0, [0] * 12
    stop = time.monotonic() + seconds

    def thread(place: int) -> None:
        while time.monotonic() < stop:
            one = place * 1_000_000 + counts[place]
            assert _submit(committer, one) == [one]
            counts[place] += 1

    def loop(place: int) -> None:
        async def task(lane: int) -> None:
            while time.monotonic() < stop:
                one = place * 1_000_000 + counts[place]
                counts[place] += 1
                (answer,) = await committer.submit_async([record(one)])
                assert number(answer) == one

        async def main() -> None:
            await asyncio.gather(*(task(lane) for lane in range(10)))

        asyncio.run(main())

    def acts() -> None:
        while time.monotonic() < stop:
            assert committer.exclusively(lambda: 5) == 5

    threads = [running(lambda place=place: thread(place)) for place in range(8)]  # type: ignore[misc]
    threads += [running(lambda place=place: loop(place)) for place in range(8, 12)]  # type: ignore[misc]
    threads += [running(acts) for _ in range(2)]
    assert ended(threads)
    written = [one for batch in commit.batches for one in batch]
    assert len(written) == len(set(written)) == sum(counts)
    assert committer._waiting_records == 0
