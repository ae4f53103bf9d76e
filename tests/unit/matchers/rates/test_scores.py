"""The door of a table of scores: what is taken, what is refused, and its digest."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import Acquisition, ScoreTable
from tests.unit.matchers.rates._made import made, made_columns

pytestmark = pytest.mark.component("numpy")

ROWS = [("a", "a", 0.9), ("a", "b", 0.2), ("b", "c", 0.1)]


def test_kind_follows_from_the_people() -> None:
    """A comparison is mated where reference and probe are of one person."""
    table = ScoreTable.from_rows(ROWS)
    assert table.mated.tolist() == [True, False, False]
    assert (table.people, len(table), table.knows_people) == (3, 3, True)


def test_scores_are_whole_millionths_with_the_sign_of_their_direction() -> None:
    """A score counts as it is recorded, and higher always means more alike inside."""
    table = ScoreTable.from_rows([("a", "b", 0.1234567)], higher_is_better=False)
    assert table.micro.tolist() == [-123457]
    assert table.real(-123457) == 0.123457


def test_kind_may_be_given_without_people() -> None:
    """Where nobody is named the kind says what was compared, and no person is known."""
    table = ScoreTable.from_arrays([1, 2], mated=[True, False])
    assert not table.knows_people
    assert table.mated.tolist() == [True, False]


@pytest.mark.parametrize(
    ("scores", "columns", "says"),
    [
        ([], {"mated": []}, "at least one"),
        ([float("nan"), 1.0], {"mated": [True, False]}, "score 0"),
        ([1.0, float("inf")], {"mated": [True, False]}, "score 1"),
        ([1e13], {"mated": [True]}, "±1e12"),
        (["0.5"], {"mated": [True]}, "real numbers"),
        ([True], {"mated": [True]}, "real numbers"),
        ([[1.0]], {"mated": [True]}, "in a list"),
        ([1.0], {}, "give the people"),
        ([1.0], {"mated": [True, False]}, "for each score"),
        ([1.0], {"mated": ["yes"]}, "for each score"),
        ([1.0], {"references": ["a"]}, "each score needs"),
        ([1.0], {"references": ["a", "b"], "probes": ["a", "b"]}, "each score needs"),
        ([1.0], {"references": [""], "probes": ["a"]}, "not empty"),
        ([1.0], {"references": [7], "probes": ["a"]}, "named by text"),
        ([1.0], {"references": ["a"], "probes": ["b"], "mated": [True]}, "contradict"),
        ([1.0], {"mated": [True], "cohorts": ["x", "y"]}, "one length"),
        ([1.0], {"mated": [True], "cohorts": [3]}, "named by text"),
    ],
)
def test_what_is_no_comparison_is_refused(scores: Any, columns: dict[str, Any], says: str) -> None:
    """Each fault of a column is refused in words that name it."""
    with pytest.raises(MatcherError, match=says):
        ScoreTable.from_arrays(scores, **columns)


def test_a_row_of_another_length_is_refused() -> None:
    """A row that holds more than two people and a score is refused."""
    with pytest.raises(MatcherError, match="a row holds"):
        ScoreTable.from_rows([("a", "b", 1.0, "c")])  # type: ignore[list-item]


def test_the_digest_names_the_data_and_not_their_order() -> None:
    """Rows in another order have the same digest; any other change gives another one."""
    first = ScoreTable.from_rows(ROWS)
    assert ScoreTable.from_rows(ROWS[::-1]).digest == first.digest
    changed = [
        ScoreTable.from_rows([*ROWS[:2], ("b", "c", 0.100001)]),
        ScoreTable.from_rows([*ROWS[:2], ("b", "d", 0.1)]),
        ScoreTable.from_rows([*ROWS, ROWS[0]]),
        ScoreTable.from_rows(ROWS, higher_is_better=False),
        ScoreTable.from_rows(ROWS, metric="cosine"),
    ]
    assert len({first.digest, *(one.digest for one in changed)}) == 6


def test_nobody_is_named_in_the_representation() -> None:
    """The representation of a table shows neither scores nor pseudonyms."""
    table = ScoreTable.from_rows([("anna-7", "bela-8", 0.5)])
    assert "anna" not in repr(table)
    assert "500000" not in repr(table)


def test_arrays_cannot_be_written_to() -> None:
    """A table does not change once it is made."""
    with pytest.raises(ValueError, match="read-only"):
        made(6).micro[0] = 1


def test_columns_and_rows_give_one_table() -> None:
    """Rows and columns of the same comparisons are the same data."""
    references, probes, scores = made_columns(6)
    rows = ScoreTable.from_rows(zip(references, probes, scores, strict=True), metric="made")
    assert rows.digest == made(6).digest


def test_failure_rates_need_attempts() -> None:
    """FTA and FTE are shares of attempts, and unknown where attempts were not counted."""
    counted = Acquisition(captures=400, failures_to_acquire=2, enrolments=40, failures_to_enrol=1)
    assert (counted.fta, counted.fte) == (0.005, 0.025)
    assert Acquisition(failures_to_acquire=2).fta is None


@pytest.mark.parametrize(
    "counts",
    [
        {"captures": 1, "failures_to_acquire": 2},
        {"enrolments": 1, "failures_to_enrol": 2},
        {"captures": -1},
        {"captures": 1.5},
        {"enrolments": True},
    ],
)
def test_impossible_counts_are_refused(counts: dict[str, Any]) -> None:
    """More failures than attempts, and what is no count, are refused."""
    with pytest.raises(MatcherError):
        Acquisition(**counts)
