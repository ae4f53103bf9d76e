"""A store that fails amid a question: the error is told, and the next answer is right."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail import field
from biotrail.errors import StoreUnavailableError
from biotrail.query import Condition
from biotrail.stores import MemoryStore
from biotrail.stores.postings import SEGMENT
from biotrail.testing import FaultyStore
from biotrail.vault import Vault
from tests.unit.query._logs import event, open_log, sealed_log
from tests.unit.query._questions import ask

_COUNT = SEGMENT + 200
_FAILURES = field("outcome") == "failure"
_DEVICE = field("device") == "reader-3"
_QUESTIONS: dict[str, tuple[Condition, str]] = {
    "head": (_FAILURES, "-index"),
    "segments": (_FAILURES, "index"),
    "postings": (_FAILURES, "index"),
    "field_postings": (field("action").starts_with("door."), "index"),
    "occurred": (_FAILURES, "occurred"),
    "lookups": (_FAILURES, "-index"),
    "entries_at": (_FAILURES, "index"),
    "payloads_at": (_FAILURES, "index"),
    "tile": (_FAILURES, "index"),
    "sealed_of": (field("subject") == "person-1", "index"),
    "sealed_by_device": (_DEVICE, "index"),
    "sealed_by_ip": (field("ip").within("192.0.0.0/24"), "index"),
    "clear_payloads": (_DEVICE, "index"),
}


@pytest.fixture(scope="module")
def log() -> tuple[MemoryStore, Vault]:
    """A sealed log of one whole segment and some entries more, every seventh a failure."""
    store, vault = sealed_log(store=MemoryStore())
    with open_log(store, vault) as opened:
        opened.record_many(
            event(number, outcome="success" if number % 7 else "failure")
            for number in range(_COUNT)
        )
    return store, vault


@pytest.mark.parametrize("step", _QUESTIONS)
def test_a_question_that_was_broken_off(log: tuple[Any, Vault], step: str) -> None:
    """Whichever step fails first, its error is raised; asked again, the answer is the same."""
    store, vault = log
    condition, sort = _QUESTIONS[step]
    how: Any = {"sort": sort, "limit": 40}
    expected = [one.index for one in ask(store, vault).query(condition, **how).records]
    assert len(expected) == 40
    faulty = FaultyStore(store)
    asked = ask(faulty, vault)
    error = StoreUnavailableError("the disk failed")
    plan = faulty.fail(step, error)
    with pytest.raises(StoreUnavailableError) as caught:
        asked.query(condition, **how)
    assert (caught.value, plan.times) == (error, 0)
    for _ in range(2):
        assert [one.index for one in asked.query(condition, **how).records] == expected
    assert asked.count(condition) == asked.count(condition, verified=True)


@pytest.mark.parametrize(
    ("step", "after"),
    [("segments", 0), ("field_postings", 0), ("field_postings", 2), ("lookups", 0)],
)
def test_counts_that_were_broken_off(log: tuple[Any, Vault], step: str, after: int) -> None:
    """The same of facets, which count on afterwards as if nothing had been."""
    store, vault = log
    faulty = FaultyStore(store)
    asked = ask(faulty, vault)
    faulty.fail(step, StoreUnavailableError("the disk failed"), after=after)
    with pytest.raises(StoreUnavailableError):
        asked.facets(_FAILURES)
    assert asked.facets(_FAILURES) == ask(store, vault).facets(_FAILURES, verified=True)
