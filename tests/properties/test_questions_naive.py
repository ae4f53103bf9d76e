"""Questions of every field and operator are answered as by the reference's words, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.query.walk import SORTS
from biotrail.stores import MemoryStore, SQLiteStore
from tests.properties.naive_log import KnownLog, nodes
from tests.properties.naive_questions import (
    Node,
    answers,
    as_python,
    as_text,
    facet,
    holds,
    timeline,
)

pytestmark = pytest.mark.component("lark")

_IN_COLUMNS = ("action", "tenant", "target", "attempt", "kind", "matcher", "reason", "decision")
_ELSEWHERE = ("device", "ip", "country", "factor", "score", "label.floor", "attribute.ok", "os")


@pytest.fixture(scope="module", params=["memory", "sqlite", "sqlite, sealed"])
def log(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnownLog]:
    """A log whose every value is known; in SQLite of more than one segment."""
    in_memory = request.param == "memory"
    path = tmp_path_factory.mktemp("naive") / "trail.db"
    known = KnownLog(
        MemoryStore() if in_memory else SQLiteStore(path),
        sealed=request.param.endswith("sealed"),
        seed=11,
    )
    known.grow(400 if in_memory else 4_200)
    yield known
    known.close()


def _indices(records: Any) -> list[int]:
    return [one.index for one in records]


@given(data=st.data(), sort=st.sampled_from(SORTS), capitals=st.booleans())
@settings(max_examples=6, deadline=None)
def test_answers(log: KnownLog, data: Any, sort: Any, capitals: bool) -> None:
    """As text and as Python, of the log now and as it stood, a question has its answers."""
    node = data.draw(nodes(log))
    size = data.draw(st.none() | st.sampled_from(log.sizes))
    rows = log.rows if size is None else log.rows[:size]
    expected = answers(node, rows, sort)
    text = as_text(node, capitals=capitals)
    page = log.asked.query(text, sort=sort, limit=30, as_of=size)
    assert _indices(page.records) == expected[:30], text
    assert page.misleading == ()
    if page.next is not None:
        more = log.asked.query(text, sort=sort, limit=90, as_of=size, cursor=page.next)
        assert _indices(more.records) == expected[30:120], text
    condition = as_python(node)
    again = log.asked.query(condition, sort=sort, limit=30, as_of=size)
    assert _indices(again.records) == expected[:30], text
    assert log.asked.count(condition, as_of=size) == len(expected), text


@given(data=st.data(), most=st.integers(1, 30), bucket=st.sampled_from(["hour", "day", "week"]))
@settings(max_examples=3, deadline=None)
def test_numbers(log: KnownLog, data: Any, most: int, bucket: str) -> None:
    """Facets and timelines are those of the rows that are answers."""
    node = data.draw(nodes(log))
    size = data.draw(st.none() | st.sampled_from(log.sizes))
    found = [one for one in (log.rows if size is None else log.rows[:size]) if holds(node, one)]
    by = data.draw(
        st.lists(st.sampled_from(_IN_COLUMNS + _ELSEWHERE), min_size=1, max_size=3, unique=True)
    )
    facets = log.asked.facets(as_text(node), by=by, most=most, as_of=size)
    expected = {name: facet(found, name, most) for name in by}
    assert {k: [(one.value, one.count) for one in v] for k, v in facets.items()} == expected
    for name in (None, by[0]):
        drawn = log.asked.timeline(as_text(node), bucket=bucket, by=name, as_of=size)
        buckets = [(one.start, one.count, one.by) for one in drawn]
        assert buckets == timeline(found, bucket, name)


@given(data=st.data(), sort=st.sampled_from(SORTS), seed=st.integers(0, 50), sealed=st.booleans())
@settings(max_examples=20, deadline=None)
def test_pages_while_the_log_grows(data: Any, sort: Any, seed: int, sealed: bool) -> None:
    """Pages by cursor are the answers at the first page, whatever is recorded between them."""
    log = KnownLog(MemoryStore(), sealed=sealed, seed=seed)
    log.grow(30)
    node: Node = data.draw(nodes(log))
    text, expected = as_text(node), answers(node, log.rows, sort)
    pages, cursor = [], None
    while True:
        page = log.asked.query(text, sort=sort, limit=7, cursor=cursor)
        pages += _indices(page.records)
        if (cursor := page.next) is None:
            break
        log.grow(seed % 7)
    assert pages == expected, text
    assert _indices(log.asked.search(text, sort=sort)) == answers(node, log.rows, sort)
    log.close()
