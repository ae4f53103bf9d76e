"""Threat: what lies beside an entry is changed: a look-up column, a payload, who a subject is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail import verify_log
from biotrail.errors import AlteredError, MissingError, TruncatedError
from biotrail.stores import Lookup
from tests.attacks._tools import flipped, key_of, rows_of, sql, verdict

_COPYING = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("column", Lookup._fields)
def test_any_look_up_column(log: Path, column: str) -> None:
    """A column that no longer says what its entry says is named, with both values."""
    value = {
        "recorded": "recorded + 1",
        "occurred": "occurred - 1",
        "event_id": "zeroblob(16)",
        "subject": "zeroblob(16)",
        "kind": "'log_read'",
    }.get(column, "'else'")
    sql(log, f"UPDATE entries SET {column} = {value} WHERE idx = 133")
    error = verdict(log, AlteredError, 133)
    assert column in str(error)
    assert error.expected != error.found


@pytest.mark.parametrize("column", Lookup._fields[2:])
def test_a_column_that_was_emptied(log: Path, column: str) -> None:
    """A column without its value hides the entry from queries, and is named."""
    sql(log, f"UPDATE entries SET {column} = NULL WHERE idx = 200")
    if rows_of(log)[199].columns[Lookup._fields.index(column)] is None:
        verify_log(log, key_of(), workers=1)
    else:
        verdict(log, AlteredError, 200)


def test_a_column_that_is_no_text(singles: Path) -> None:
    """A column whose bytes are not UTF-8 is called altered, not stumbled over."""
    sql(singles, "UPDATE entries SET action = CAST(x'ff80' AS TEXT) WHERE idx = 17")
    verdict(singles, AlteredError, 17)


def test_columns_are_left_alone_if_asked(singles: Path) -> None:
    """Whoever turns the check off gets a report that says so."""
    sql(singles, "UPDATE entries SET outcome = 'failure' WHERE idx = 7")
    assert verify_log(singles, key_of(), lookups=False, workers=1).lookups is None


def test_the_kind_of_an_entry_about_keys_hidden_in_its_column(singles: Path) -> None:
    """Hiding the genesis entry from those who look for keys is found."""
    sql(singles, "UPDATE entries SET kind = 'event' WHERE idx = 0")
    verdict(singles, AlteredError, 0)


@_COPYING
@given(st.data())
def test_any_byte_of_any_payload(singles: Path, data: st.DataObject) -> None:
    """Whatever byte of a payload is changed, it does not open to its commitments any more."""
    index = data.draw(st.integers(1, 299))
    payload = rows_of(singles)[index].payload
    assert payload is not None
    at = data.draw(st.integers(0, len(payload) - 1))
    changed = flipped(payload, at, data.draw(st.integers(0, 7)))
    sql(singles, f"UPDATE payloads SET payload = x'{changed.hex()}' WHERE idx = {index}")
    error = verdict(singles, AlteredError, index)
    assert error.expected is not None
    sql(singles, f"UPDATE payloads SET payload = x'{payload.hex()}' WHERE idx = {index}")


def test_payloads_that_changed_places(log: Path) -> None:
    """A payload does not open to another event's commitments."""
    rows = rows_of(log)
    for index, other in ((20, 27), (27, 20)):
        payload = rows[other].payload or b""
        sql(log, f"UPDATE payloads SET payload = x'{payload.hex()}' WHERE idx = {index}")
    verdict(log, AlteredError, 20)


@pytest.mark.parametrize("index", [1, 150, 298])
def test_a_payload_that_was_deleted(log: Path, index: int) -> None:
    """A payload that is gone without a recorded erasure is missing."""
    sql(log, f"DELETE FROM payloads WHERE idx = {index}")
    verdict(log, MissingError, index)


def test_a_payload_where_none_belongs(log: Path) -> None:
    """A payload beside an entry that knows nothing of one is called altered."""
    sql(log, "INSERT INTO payloads (idx, payload) VALUES (0, x'00')")
    verdict(log, AlteredError, 0)


def test_a_payload_beyond_the_end(singles: Path) -> None:
    """A payload whose entry is not there speaks for a tail that was cut off."""
    sql(singles, "INSERT INTO payloads (idx, payload) VALUES (300, x'00')")
    verdict(singles, TruncatedError, 300)


def test_who_a_subject_is(log: Path) -> None:
    """A person whose reference was deleted or changed would not be found, and that is named."""
    with closing(sqlite3.connect(log)) as db:
        people = db.execute("SELECT identity, reference FROM subjects").fetchall()
    identity = people[3][0]
    first = 1 + int(identity.removeprefix("person-").partition("@")[0])
    sql(log, f"UPDATE subjects SET identity = 'nobody' WHERE identity = '{identity}'")
    verdict(log, MissingError, first)
    sql(
        log,
        f"UPDATE subjects SET reference = zeroblob(16), identity = '{identity}' "
        "WHERE identity = 'nobody'",
    )
    verdict(log, MissingError, first)
    sql(log, f"DELETE FROM subjects WHERE identity = '{identity}'")
    error = verdict(log, MissingError, first)
    assert error.expected == people[3][1].hex()


def test_an_entry_is_judged_before_what_lies_beside_another(log: Path) -> None:
    """Where an entry is altered, that is the verdict, even if a column before it is, too."""
    entry = flipped(rows_of(log)[150].entry, 100)
    sql(
        log,
        "UPDATE entries SET outcome = 'failure' WHERE idx = 7",
        f"UPDATE entries SET entry = x'{entry.hex()}' WHERE idx = 150",
    )
    verdict(log, AlteredError, 150)
