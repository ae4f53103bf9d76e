"""Threat: a signed checkpoint is changed, moved or taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail import verify_log
from biotrail.errors import AlteredError, TruncatedError, VerificationError, WrongKeyError
from tests.attacks._tools import Row, key_of, resigned, rewrite, rows_of, signer, sql, verdict


def _set_note(path: Path, index: int, note: str) -> None:
    sql(
        path,
        f"UPDATE entries SET checkpoint = CAST(x'{note.encode().hex()}' AS TEXT) "
        f"WHERE idx = {index}",
    )


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_character_of_any_checkpoint(hundreds: Path, data: st.DataObject) -> None:
    """A checkpoint with one character changed is altered, or not signed by a key of the log."""
    index = data.draw(st.sampled_from([0, 100, 200, 300, 400, 500, 600]))
    note = rows_of(hundreds)[index].note
    assert note is not None
    at = data.draw(st.integers(0, len(note) - 1))
    letter = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda c: c != note[at]))
    _set_note(hundreds, index, note[:at] + letter + note[at + 1 :])
    with pytest.raises((AlteredError, WrongKeyError)) as caught:
        verify_log(hundreds, key_of(), workers=1)
    assert caught.value.index in (index, 0)
    _set_note(hundreds, index, note)


@pytest.mark.parametrize(
    "note",
    ["", "\n", "x", "biotrail.example/front-door\n301\n", "\n\n— a b\n", "é" * 5000, "a\n\n— \n"],
)
def test_what_is_no_checkpoint(hundreds: Path, note: str) -> None:
    """A text that is no signed note at all is an altered checkpoint."""
    _set_note(hundreds, 300, note)
    verdict(hundreds, AlteredError, 300)


@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'ff' AS TEXT)", "7", "1.5"])
def test_a_checkpoint_of_another_type(hundreds: Path, value: str) -> None:
    """A checkpoint that is no text is altered, also where the table's strictness was taken off."""
    sql(
        hundreds,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')')",
    )
    sql(hundreds, f"UPDATE entries SET checkpoint = {value} WHERE idx = 300")
    verdict(hundreds, AlteredError, 300)


@pytest.mark.parametrize(("one", "other"), [(100, 200), (200, 100), (500, 600), (0, 600)])
def test_two_checkpoints_that_changed_places(hundreds: Path, one: int, other: int) -> None:
    """Checkpoints of other sizes are named at the first entry to which one was moved."""

    def swap(rows: list[Row]) -> None:
        rows[one].note, rows[other].note = rows[other].note, rows[one].note

    rewrite(hundreds, swap)
    first = min(one, other)
    if 600 in (one, other):
        # Then the last one does not cover the tail.
        with pytest.raises(VerificationError):
            verify_log(hundreds, key_of(), workers=1)
        return
    error = verdict(hundreds, AlteredError, first)
    assert (error.expected, error.found) == (first + 1, max(one, other) + 1)


def test_every_pair_of_neighbours(singles: Path) -> None:
    """The same where every entry has its own checkpoint."""

    def swap(rows: list[Row]) -> None:
        rows[50].note, rows[51].note = rows[51].note, rows[50].note

    rewrite(singles, swap)
    verdict(singles, AlteredError, 50)


def test_a_checkpoint_over_a_forged_root(hundreds: Path) -> None:
    """A checkpoint with another root under the old signature is altered."""
    note = rows_of(hundreds)[300].note or ""
    lines = note.split("\n")
    lines[2] = lines[2][::-1].lstrip("=") + "="
    _set_note(hundreds, 300, "\n".join(lines))
    verdict(hundreds, AlteredError, 300)


def test_a_signature_by_a_stranger(log: Path) -> None:
    """A checkpoint that says the truth, signed by a key that the log never added: wrong key."""
    index = 100

    def change(rows: list[Row]) -> None:
        signed = [Row(r.entry, r.note, r.columns, r.payload) for r in rows]
        resigned(signed, signer(9))
        rows[index].note = signed[index].note

    rewrite(log, change)
    error = verdict(log, WrongKeyError, index)
    assert error.exit_code == 18
    assert error.expected == [signer().verifier_key.key_id.hex()]
    assert error.found == [signer(9).verifier_key.key_id.hex()]


def test_a_stranger_under_the_keys_own_id(log: Path) -> None:
    """A stranger's signature under the key id of the log's key is an altered checkpoint."""
    import base64

    def change(rows: list[Row]) -> None:
        signed = [Row(r.entry, r.note, r.columns, r.payload) for r in rows]
        resigned(signed, signer(9))
        opening, _, line = (signed[100].note or "").rstrip("\n").rpartition(" ")
        raw = signer().verifier_key.key_id + base64.b64decode(line)[4:]
        rows[100].note = f"{opening} {base64.b64encode(raw).decode()}\n"

    rewrite(log, change)
    verdict(log, AlteredError, 100)


def test_the_last_checkpoint_taken_away(log: Path) -> None:
    """Without its last checkpoint the log's tail is not proven any more."""
    last = len(rows_of(log)) - 1
    sql(log, f"UPDATE entries SET checkpoint = NULL WHERE idx = {last}")
    verdict(log, TruncatedError, {299: 299, 600: 501}[last])


def test_all_checkpoints_taken_away(log: Path) -> None:
    """An unsigned log is never valid."""
    sql(log, "UPDATE entries SET checkpoint = NULL")
    verdict(log, TruncatedError, 0)


def test_an_earlier_checkpoint_may_be_absent(log: Path) -> None:
    """A superseded checkpoint proves nothing that the next one does not: it may be thinned out."""
    sql(log, "UPDATE entries SET checkpoint = NULL WHERE idx = 100")
    assert verify_log(log, key_of(), workers=1).size == len(rows_of(log))
