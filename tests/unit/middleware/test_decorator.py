"""Attempts around plain functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from biotrail import Attempt, Context
from biotrail.errors import AttemptRefusedError, EventError, MiddlewareError, NotRecordedError
from biotrail.middleware import recorded_attempt
from tests.unit.middleware._doors import decide
from tests.unit.middleware._trail import SECRET, Trail


def called(trail: Trail, word: str, *, as_task: bool, **options: Any) -> str:
    """Call a decorated function that does as the word says."""
    decorator = recorded_attempt(trail.log, action="door.open", **options)

    @decorator
    def plain(word: str, *, attempt: Attempt) -> str:
        decide(attempt, word.encode())
        return SECRET

    @decorator
    async def task(word: str, *, attempt: Attempt) -> str:
        await asyncio.sleep(0)
        decide(attempt, word.encode())
        return SECRET

    return asyncio.run(task(word)) if as_task else plain(word)  # type: ignore[call-arg]


@pytest.fixture(params=[False, True], ids=["plain", "task"])
def as_task(request: pytest.FixtureRequest) -> bool:
    """Whether the function is asynchronous."""
    return bool(request.param)


@pytest.mark.parametrize(("word", "decision"), [("grant", "granted"), ("deny", "denied")])
def test_decided(trail: Trail, as_task: bool, word: str, decision: str) -> None:
    """A function that decides is recorded, and its answer is returned."""
    assert called(trail, word, as_task=as_task) == SECRET
    assert trail.only()["decision"] == decision


def test_undecided(trail: Trail, as_task: bool) -> None:
    """The answer of a function that decides nothing is withheld, unless the host says otherwise."""
    with pytest.raises(AttemptRefusedError, match="neither granted nor denied"):
        called(trail, "nothing", as_task=as_task)
    assert trail.said() == ("denied", "unknown", "no_decision", None)
    assert called(trail, "nothing", as_task=as_task, refuse_undecided=False) == SECRET


def test_broken(trail: Trail, as_task: bool) -> None:
    """What the function raises is recorded and goes on."""
    with pytest.raises(RuntimeError, match="the handler broke"):
        called(trail, "grant-raise", as_task=as_task)
    assert trail.said() == ("denied", "unknown", "error", None)


def test_not_recorded(trail: Trail, as_task: bool) -> None:
    """Where nothing can be recorded the answer is withheld."""
    trail.store.full = True
    with pytest.raises(NotRecordedError):
        called(trail, "grant", as_task=as_task)


def test_overruled(trail: Trail, as_task: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record does not grant what the function granted, its answer is withheld."""
    monkeypatch.setattr(Attempt, "granted", False)
    with pytest.raises(AttemptRefusedError, match="denied when it was recorded"):
        called(trail, "grant", as_task=as_task)


def test_the_context_comes_from_the_arguments(trail: Trail) -> None:
    """The context is made from what the function is called with; the log may be opened late."""

    @recorded_attempt(
        lambda: trail.log,
        action="door.open",
        context=lambda reader, **_: Context(device_id=reader),
        target="lab",
    )
    def door(reader: str, **named: Any) -> None:
        named["attempt"].grant()

    door("reader-17")
    assert trail.context().device_id == "reader-17"
    assert trail.only()["target"] == "lab"
    assert door.__name__ == "door"


def test_what_cannot_be_guarded_is_refused(trail: Trail) -> None:
    """Generators, functions without `attempt`, and fields that no event takes are refused."""
    guard = recorded_attempt(trail.log, action="door.open")

    def answers_early(attempt: Attempt) -> Iterator[int]:
        yield 1

    async def answers_early_too(attempt: Attempt) -> AsyncIterator[int]:
        yield 1

    def knows_no_attempt(word: str) -> None:
        pass

    for function in (answers_early, answers_early_too, knows_no_attempt):
        with pytest.raises(MiddlewareError):
            guard(function)
    with pytest.raises(EventError):
        recorded_attempt(trail.log, action="")
