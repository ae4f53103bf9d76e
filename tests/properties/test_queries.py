"""Questions to random logs are answered as by looking at every record."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.query import Condition, Record, RecordReader, parse_condition
from biotrail.query.walk import SORTS
from tests.unit.query._logs import open_log
from tests.unit.query._questions import add_events, ask, conditions, varied_log

pytestmark = pytest.mark.component("lark")

_BIG = 8_500


@cache
def _big_log(sealed: bool) -> tuple[Any, Any, list[Record]]:
    """A log of more than two segments: questions, and every record."""
    store, vault = varied_log(_BIG, 7, sealed=sealed)
    return ask(store, vault), store, list(RecordReader(store, vault=vault).records())


def _expected(records: list[Record], condition: Condition) -> list[int]:
    return [one.index for one in records if condition.admits(one)]


@given(condition=conditions())
@settings(max_examples=300)
def test_text_round_trip(condition: Condition) -> None:
    """A condition written as text is read as the same condition."""
    assert parse_condition(str(condition)) == condition


@pytest.mark.parametrize("sealed", [True, False])
@given(condition=conditions())
@settings(max_examples=20, deadline=None)
def test_answers(sealed: bool, condition: Condition) -> None:
    """The planner finds and counts what one finds by deciding about every record."""
    asked, _, records = _big_log(sealed)
    expected = _expected(records, condition)
    page = asked.query(condition, sort="index", limit=200)
    assert [one.index for one in page.records] == expected[:200]
    assert page.misleading == ()
    newest = asked.query(condition, limit=60)
    assert [one.index for one in newest.records] == expected[::-1][:60]
    assert asked.count(condition) == len(expected)


@pytest.mark.parametrize("sealed", [True, False])
@given(condition=conditions(), seed=st.integers(0, 10), sort=st.sampled_from(SORTS))
@settings(max_examples=40, deadline=None)
def test_pages(sealed: bool, condition: Condition, seed: int, sort: Any) -> None:
    """Pages laid end to end are the search, in every order, and so is the search of a small log."""
    store, vault = varied_log(60, seed, sealed=sealed)
    asked = ask(store, vault)
    records = list(RecordReader(store, vault=vault).records())
    searched = [one.index for one in asked.search(condition, sort=sort)]
    assert sorted(searched) == _expected(records, condition)
    pages, cursor = [], None
    while True:
        page = asked.query(condition, sort=sort, limit=7, cursor=cursor)
        pages += [one.index for one in page.records]
        if (cursor := page.next) is None:
            break
    assert pages == searched
    by_index = {one.index: one for one in records}
    keys = [(_time(by_index[one]), one) for one in searched]
    if sort.endswith("occurred"):
        assert keys == sorted(keys, reverse=sort.startswith("-"))
    else:
        assert searched == sorted(searched, reverse=sort.startswith("-"))


def _time(record: Record) -> Any:
    return record.recorded if record.event is None else record.event.occurred


@given(condition=conditions(personal=False), sort=st.sampled_from(SORTS), grown=st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_pages_stay(condition: Condition, sort: Any, grown: int) -> None:
    """A page that a cursor names is the same after the log has grown."""
    store, _ = varied_log(80, 3, sealed=False)
    asked = ask(store)
    first = asked.query(condition, sort=sort, limit=5)
    searched = [one.index for one in asked.search(condition, sort=sort)]
    with open_log(store, None) as log:
        add_events(log, grown, random.Random(grown))
    pages, cursor = [one.index for one in first.records], first.next
    while cursor is not None:
        page = asked.query(condition, sort=sort, limit=5, cursor=cursor)
        assert page.checkpoint.note == first.checkpoint.note
        pages, cursor = pages + [one.index for one in page.records], page.next
    assert pages == searched
    past = asked.search(condition, sort=sort, as_of=first.checkpoint)
    assert [one.index for one in past] == searched


@pytest.mark.parametrize("sealed", [True, False])
@given(condition=conditions())
@settings(max_examples=15, deadline=None)
def test_counts(sealed: bool, condition: Condition) -> None:
    """Facets and timelines of columns are those of the entries themselves."""
    store, vault = varied_log(150, 5, sealed=sealed)
    asked = ask(store, vault)
    by = ("action", "attempt", "tenant", "matcher", "kind", "os")
    assert asked.facets(condition, by=by) == asked.facets(condition, by=by, verified=True)
    for field in (None, "outcome", "attempt"):
        drawn = asked.timeline(condition, bucket="hour", by=field)
        assert drawn == asked.timeline(condition, bucket="hour", by=field, verified=True)
        assert sum(one.count for one in drawn) == asked.count(condition, verified=True)
