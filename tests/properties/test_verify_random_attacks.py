"""Any sequence of changes to a log's rows is found, unless it leaves a true state of the log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail import verify_log
from biotrail.errors import BiotrailError, VerificationError
from tests.attacks._tools import (
    Row,
    build,
    copy,
    flipped,
    key_of,
    put_together,
    rechained,
    resigned,
    rows_of,
    signer,
)

Change = Callable[[list[Row], st.DataObject], None]


def _place(rows: list[Row], data: st.DataObject) -> int:
    return data.draw(st.integers(0, len(rows) - 1))


def _edit(rows: list[Row], data: st.DataObject) -> None:
    row = rows[_place(rows, data)]
    if row.entry:
        row.entry = flipped(row.entry, data.draw(st.integers(0, len(row.entry) - 1)))


def _delete(rows: list[Row], data: st.DataObject) -> None:
    del rows[_place(rows, data)]


def _duplicate(rows: list[Row], data: st.DataObject) -> None:
    row = attrs.evolve(rows[_place(rows, data)])
    row.columns = (*row.columns[:2], None, *row.columns[3:])
    rows.insert(_place(rows, data), row)


def _exchange(rows: list[Row], data: st.DataObject) -> None:
    one, other = _place(rows, data), _place(rows, data)
    rows[one], rows[other] = rows[other], rows[one]


def _move_note(rows: list[Row], data: st.DataObject) -> None:
    one, other = rows[_place(rows, data)], rows[_place(rows, data)]
    one.note, other.note = other.note, one.note


def _move_payload(rows: list[Row], data: st.DataObject) -> None:
    one, other = rows[_place(rows, data)], rows[_place(rows, data)]
    one.payload, other.payload = other.payload, one.payload


def _cut(rows: list[Row], data: st.DataObject) -> None:
    del rows[max(1, _place(rows, data)) :]


def _rechain(rows: list[Row], data: st.DataObject) -> None:
    with suppress(BiotrailError):  # an entry whose head cannot be read cannot be chained
        rechained(rows, _place(rows, data))


def _resign(rows: list[Row], data: st.DataObject) -> None:
    resigned(rows, signer(9), _place(rows, data))


_CHANGES: list[Change] = [
    _edit,
    _delete,
    _duplicate,
    _exchange,
    _move_note,
    _move_payload,
    _cut,
    _rechain,
    _resign,
]


@cache
def _true_rows(path: Path) -> list[Row]:
    return rows_of(path)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of batches of one, of many, and of one again."""
    return build(tmp_path_factory.mktemp("honest") / "log.db", [1] * 10 + [40, 5] * 6 + [1] * 19)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_not_found_is_a_true_state(
    honest: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """After some random changes the log is refused by name, or it is a beginning of the true one.

    Where it is refused, the verdict does not depend on what else was asked, and with a checkpoint
    that was kept, a mere beginning is refused, too.
    """
    true = _true_rows(honest)
    path = copy(honest, tmp_path / "log.db")
    rows = [attrs.evolve(row) for row in true]
    for change in data.draw(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=4)):
        if rows:
            change(rows, data)
    try:
        put_together(path, rows, tiles=data.draw(st.booleans()))
    except Exception:
        return
    found = _verdict(path)
    if found is None:
        assert [row.entry for row in rows] == [row.entry for row in true[: len(rows)]]
        assert [row.payload for row in rows] == [row.payload for row in true[: len(rows)]]
        if len(rows) < len(true):
            assert _verdict(path, from_checkpoint=true[-1].note) is not None
    elif found.index is not None:
        least, most = _first_bad(rows, true)
        assert least <= found.index <= most, (least, found.index, most, str(found))


def _first_bad(rows: list[Row], true: list[Row]) -> tuple[int, int]:
    """Where the verdict must lie: in the batch in which the first row is not as it was.

    Within a batch, what would speak for a row may have been taken away along with others.
    """
    pairs = list(zip(rows, true, strict=False))
    bad = [
        i for i, (a, b) in enumerate(pairs) if a.entry != b.entry or a.note not in (None, b.note)
    ]
    beside = [i for i, (a, b) in enumerate(pairs) if a.payload != b.payload]
    whole = not bad and 0 < len(rows) <= len(true) and rows[-1].note is not None
    most = min([*bad, *(beside if whole else []), len(pairs)])
    first = min([*bad, *beside, len(pairs)])
    good = [i + 1 for i, (a, b) in enumerate(pairs[:first]) if a.note is not None]
    ends = [_end_of_batch(some, most) for some in (rows, true)]
    return max([0, *good]), max(ends)


def _end_of_batch(rows: list[Row], place: int) -> int:
    return next((i for i in range(place, len(rows)) if rows[i].note is not None), len(rows))


def _verdict(path: Path, **options: Any) -> VerificationError | None:
    try:
        verify_log(path, key_of(), workers=1, **options)
    except VerificationError as error:
        return error
    return None
