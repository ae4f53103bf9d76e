"""Comparison scores from CSV and JSON Lines."""

from __future__ import annotations

import json

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import ScoreTable, read_scores

pytestmark = pytest.mark.component("numpy")

CSV = "reference,probe,score,cohort\na,a,0.9,indoors\na,b,0.25,indoors\nb,a,0.1,outdoors\n"


def as_lines(text: str) -> str:
    """The same rows as JSON Lines."""
    head, *rows = text.splitlines()
    found = []
    for row in rows:
        values: dict[str, object] = dict(zip(head.split(","), row.split(","), strict=True))
        found.append(json.dumps({**values, "score": float(str(values["score"]))}))
    return "\n".join(found)


def test_both_forms_hold_the_same() -> None:
    """CSV and JSON Lines of the same rows are the same data, with a byte order mark or without."""
    table = ScoreTable.from_arrays(
        [0.9, 0.25, 0.1],
        references=["a", "a", "b"],
        probes=["a", "b", "a"],
        cohorts=["indoors", "indoors", "outdoors"],
    )
    for text in (CSV, as_lines(CSV), "\ufeff" + CSV, CSV.replace("\n", "\r\n")):
        assert read_scores(text).scores.digest == table.digest


def test_failures_are_rows_without_a_score() -> None:
    """Failures to acquire and to enrol are counted, against the attempts that are stated."""
    text = "score,kind\n0.9,mated\n0.1,non_mated\n,failure_to_acquire\n,failure_to_enrol\n"
    read = read_scores(text, captures=4, enrolments=2)
    assert (read.acquisition.fta, read.acquisition.fte) == (0.25, 0.5)
    assert not read.scores.knows_people
    lines = '{"score": 0.9, "kind": "mated"}\n\n{"kind": "failure_to_acquire"}\n'
    assert read_scores(lines).acquisition.failures_to_acquire == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line must name"),
        ("reference,probe\na,b\n", "score among them"),
        ("score,score\n1,2\n", "each once"),
        ("score,kind,colour\n1,mated,red\n", "line 2: no such column: 'colour'"),
        ("score,kind\n1\n", "line 2: 1 values for 2 columns"),
        ("score,kind\nx,mated\n", "line 2: the score is not a number"),
        ("score,kind\n,mated\n", "line 2: a comparison needs a score"),
        ("score,kind\n1,genuine\n", "line 2: kind must be one of"),
        ("score,kind\n1,failure_to_acquire\n", "line 2: a failure_to_acquire has no score"),
        ("score,reference,probe\n1,a,\n", "line 2: give both people"),
        ("score,reference,probe,kind\n1,a,b,\n1,,,mated\n", "name all or none"),
        ("score,reference,probe,kind\n1,a,b,non_mated\n1,a,a,\n", "give all or none"),
        ("score,reference,probe,kind\n1,a,b,mated\n", "contradict"),
        ("score\n1\n", "give the people"),
        ("score,kind\n", "at least one"),
        ("score,kind\nnan,mated\n", "not finite"),
        ('score,kind\n"1,mated\n', "not CSV"),
        ('{"score": 1, "score": 2, "kind": "mated"}', "line 1: .*twice"),
        ('{"score": 1, "kind": "mated"}\n[1]\n', "line 2: this is not a JSON object"),
        ('{"score": true, "kind": "mated"}', "needs a score"),
        ('{"score": 1, "kind": 5}', "kind must be text"),
        ('{"score": 1,', "line 1: this is not a JSON object"),
        ('{"score": 1, "kind": "mated", "cohort": "' + "x" * 70_000 + '"}', "longer than"),
        ('{"score": 1' + "0" * 400 + ', "kind": "mated"}', "not a number"),
    ],
)
def test_a_bad_line_is_named(text: str, says: str) -> None:
    """Whatever is wrong with a file is said with the number of the line."""
    with pytest.raises(MatcherError, match=says):
        read_scores(text)
