"""Deletion from every place at once, and the report that something is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from biotrail.errors import DeletionIncompleteError, MatcherError
from biotrail.matchers.deletion import DeletionReport, PlaceReport, delete_references


class Photographs:
    """Photographs by reference; some of them stay, as in systems that forget them."""

    def __init__(
        self, *ids: str, staying: Sequence[str] = (), error: Exception | None = None
    ) -> None:
        self.held = dict.fromkeys(ids, b"photograph")
        self.staying, self.error = staying, error
        self.place = "photographs"

    def delete_references(self, ids: Sequence[str], /) -> PlaceReport:
        """Delete, and count what is there before and after."""
        if self.error is not None:
            raise self.error
        before = [self.held[id] for id in ids if id in self.held]
        for id in set(ids) - set(self.staying):
            self.held.pop(id, None)
        after = [self.held[id] for id in ids if id in self.held]
        return PlaceReport(
            name=self.place,
            rows_before=len(before),
            rows_after=len(after),
            bytes_before=sum(map(len, before)),
            bytes_after=sum(map(len, after)),
        )


def test_every_place_is_emptied_and_counted() -> None:
    """The report adds up what all places held, and is complete."""
    places = [Photographs("a", "b", "c"), Photographs("a"), Photographs()]
    report = delete_references(["a", "b", "a"], places)
    assert report.complete
    assert report.references == ("a", "b")
    assert (report.rows_before, report.bytes_before) == (3, 30)
    assert (report.rows_after, report.bytes_after, report.copies_after) == (0, 0, 0)
    assert [list(place.held) for place in places] == [["c"], [], []]


def test_photographs_left_behind_are_no_success() -> None:
    """Where a place keeps something, an error names it, and the report counts what is left."""
    places = [Photographs("a"), Photographs("a", "b", staying="b")]
    with pytest.raises(DeletionIncompleteError, match="look into photographs") as caught:
        delete_references(["a", "b"], places)
    report: Any = caught.value.report
    assert isinstance(report, DeletionReport)
    assert (report.rows_after, report.bytes_after, report.complete) == (1, 10, False)
    assert [place.empty for place in report.places] == [True, False]


def test_a_place_that_fails_does_not_spare_the_others() -> None:
    """The others are emptied, the failure is chained, and its place counts as not empty."""
    last = Photographs("a")
    with pytest.raises(DeletionIncompleteError) as caught:
        delete_references(["a"], [Photographs(error=OSError("disk")), last])
    assert last.held == {}
    assert isinstance(caught.value.__cause__, OSError)
    report: Any = caught.value.report
    assert report.places[0].error == "OSError: disk"
    assert not report.places[0].empty


@pytest.mark.parametrize("id", ["", "x" * 129, "\ud800", 5, None])
def test_ids_that_no_reference_can_have_are_refused(id: Any) -> None:
    """A mistaken id is told before any place is touched, not as something that remains."""
    held = Photographs("a")
    with pytest.raises(MatcherError, match="1 to 128 bytes in UTF-8"):
        delete_references(["a", id], [held])
    assert list(held.held) == ["a"]


def test_traces_in_files_are_something_left() -> None:
    """A place whose rows are gone, but whose files still hold the bytes, is not empty."""
    clean = PlaceReport(name="p", rows_before=1, rows_after=0, bytes_before=9, bytes_after=0)
    assert clean.empty
    for changes in ({"copies_after": 1}, {"rows_after": 1}, {"bytes_after": 1}, {"error": "e"}):
        values: dict[str, Any] = {"name": "p", "rows_before": 1, "bytes_before": 9}
        values |= {"rows_after": 0, "bytes_after": 0, **changes}
        assert not PlaceReport(**values).empty


@pytest.mark.parametrize(
    ("ids", "places"), [([], [Photographs()]), (["a"], []), ("abc", [Photographs()])]
)
def test_nothing_named_is_refused(ids: Any, places: Any) -> None:
    """No reference, no place, and a single text in place of a sequence are refused."""
    with pytest.raises(MatcherError, match=r"named|names"):
        delete_references(ids, places)


def test_no_place_is_no_proof() -> None:
    """A report of no place is not complete."""
    assert not DeletionReport(references=("a",), places=()).complete
