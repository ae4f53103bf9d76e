"""Threat: a key signs what it is not, or no longer, or not yet entitled to sign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from biotrail import Ed25519Signer, verify_log
from biotrail.canonical import encode_body, frame_entry
from biotrail.errors import AlteredError, MalformedError, WrongKeyError
from biotrail.stores import Lookup, WrittenEntry
from biotrail.tlog import leaf_hash
from biotrail.verify.joining import Options
from tests.attacks._tools import event, forge, key_of, open_fast, rows_of, signer, sql, verdict

Content = dict[str, object]
_TIME = "2999-12-31T23:59:59.999999Z"


def genesis(number: int = 1, **more: object) -> tuple[str, Content]:
    """The genesis entry's kind and content."""
    origin = signer(number).verifier_key.name
    return "genesis", {"format": "biotrail/1", "origin": origin, "key": key_of(number), **more}


def added(number: int, purpose: str = "writer", **more: object) -> tuple[str, Content]:
    """An entry that adds a key."""
    return "key_added", {"key": key_of(number), "purpose": purpose, **more}


def retired(number: int) -> tuple[str, Content]:
    """An entry that retires a key."""
    return "key_retired", {"key": key_of(number), "reason": "tested"}


OTHER: tuple[str, Content] = ("log_stopped", {"writer": bytes(8)})


def written(
    path: Path, *batches: tuple[Sequence[tuple[str, Content]], Ed25519Signer], start: int = 0
) -> Path:
    """A log of such entries, as somebody writes it who does not ask whether he may."""
    index, prev, entries = start, bytes(32), []
    if start:
        prev = leaf_hash(rows_of(path)[-1].entry)
    for contents, key in batches:
        batch = []
        for kind, content in contents:
            body = encode_body(kind, content)  # type: ignore[arg-type] # of the kind's form
            entry = frame_entry(index, prev, _TIME, body)
            index, prev = index + 1, leaf_hash(entry)
            batch.append(WrittenEntry(entry, None, Lookup(kind, 32503679999999999)))
        entries.append((batch, key))
    return forge(path, entries)


def test_a_log_of_many_keys_is_accepted(tmp_path: Path) -> None:
    """A writer admitted and retired, and two rotations: each key within its bounds."""
    path = written(
        tmp_path / "log.db",
        ([genesis(next=signer(3).verifier_key.digest())], signer(1)),
        ([OTHER, added(2)], signer(1)),
        ([OTHER], signer(2)),
        ([OTHER], signer(1)),
        ([retired(2)], signer(2)),
        ([OTHER], signer(1)),
        ([added(3, "rotation", next=signer(4).verifier_key.digest()), retired(1)], signer(1)),
        ([OTHER], signer(3)),
        ([added(4, "rotation"), retired(3)], signer(3)),
        ([OTHER, OTHER], signer(4)),
    )
    report = verify_log(path, key_of(), workers=1)
    assert report.keys == tuple(key_of(n) for n in (1, 2, 3, 4))
    assert report.events == 0


def test_a_retired_key(tmp_path: Path) -> None:
    """A key signs nothing behind the checkpoint that covers its retirement."""
    path = written(
        tmp_path / "log.db",
        ([genesis()], signer(1)),
        ([added(2)], signer(1)),
        ([OTHER], signer(2)),
        ([retired(2), OTHER], signer(1)),
        ([OTHER], signer(2)),
    )
    error = verdict(path, WrongKeyError, 5)
    assert error.found == key_of(2)


def test_a_retired_key_hidden_in_the_columns(singles: Path) -> None:
    """Hiding the retirement in its column from the writer does not hide it from the auditor."""
    written(
        singles,
        ([added(2)], signer(1)),
        ([retired(2)], signer(1)),
        ([OTHER, OTHER], signer(2)),
        start=300,
    )
    sql(singles, "UPDATE entries SET kind = 'event' WHERE idx = 301")
    verdict(singles, WrongKeyError, 303)


def test_an_admission_hidden_in_the_columns(singles: Path) -> None:
    """Hiding where a key was added makes nobody's signature look like a stranger's."""
    written(singles, ([added(2)], signer(1)), ([OTHER], signer(2)), start=300)
    sql(singles, "UPDATE entries SET kind = 'event' WHERE idx = 300")
    error = verdict(singles, AlteredError, 300)
    assert "'kind'" in str(error)


def test_a_key_that_is_not_in_force_yet(tmp_path: Path) -> None:
    """A key does not sign the checkpoint that covers its own admission."""
    path = written(
        tmp_path / "log.db",
        ([genesis()], signer(1)),
        ([OTHER, added(2), OTHER], signer(2)),
    )
    verdict(path, WrongKeyError, 3)


def test_a_key_that_signs_before_its_admission(tmp_path: Path) -> None:
    """A key that is admitted only later signed nothing before."""
    path = written(
        tmp_path / "log.db",
        ([genesis()], signer(1)),
        ([OTHER], signer(2)),
        ([added(2)], signer(1)),
        ([OTHER], signer(2)),
    )
    verdict(path, WrongKeyError, 1)


def test_a_key_that_was_not_committed_to(tmp_path: Path) -> None:
    """A rotation to another key than the one whose digest stands in the log is named."""
    path = written(
        tmp_path / "log.db",
        ([genesis(next=signer(3).verifier_key.digest())], signer(1)),
        ([OTHER], signer(1)),
        ([added(9, "rotation"), retired(1)], signer(1)),
        ([OTHER], signer(9)),
    )
    error = verdict(path, WrongKeyError, 2)
    assert error.expected == signer(3).verifier_key.digest().hex()
    assert error.found == signer(9).verifier_key.digest().hex()


@pytest.mark.parametrize(
    "contents",
    [
        [added(1)],
        [added(2), added(2)],
        [retired(2)],
        [added(2), retired(2), retired(2)],
        [added(2), retired(2), added(2)],
        [("key_added", {"key": "no key", "purpose": "writer"})],
        [("key_added", {"key": key_of(2, "biotrail.example/else"), "purpose": "writer"})],
        [genesis()],
        [genesis(2)],
    ],
)
def test_entries_about_keys_that_break_the_rules(
    tmp_path: Path, contents: list[tuple[str, Content]]
) -> None:
    """What the rules of keys forbid is malformed, even if the log's own key signs it."""
    path = written(
        tmp_path / "log.db",
        ([genesis()], signer(1)),
        ([OTHER], signer(1)),
        (contents, signer(1)),
        ([OTHER], signer(1)),
    )
    verdict(path, MalformedError, 1 + len(contents))
    verdict(path, MalformedError, 1 + len(contents), payloads=False, lookups=False)


def test_a_rotation_of_the_logger(singles: Path) -> None:
    """A log whose key the logger rotated holds under the first key and under the second."""
    kept = rows_of(singles)[200].note or ""
    with open_fast(singles) as logger:
        logger.rotate_key(signer(2))
        logger.record(event(900))
    for key in (key_of(1), key_of(2), [key_of(2), key_of(1)]):
        report = verify_log(singles, key, from_checkpoint=kept, workers=1)
        assert report.keys == (key_of(1), key_of(2))


def test_the_old_key_behind_a_rotation(singles: Path) -> None:
    """Whoever stole the old key cannot go on with the log behind its rotation."""
    with open_fast(singles) as logger:
        logger.rotate_key(signer(2))
        logger.record(event(900))
    written(singles, ([OTHER], signer(1)), start=303)
    verdict(singles, WrongKeyError, 303)


def test_a_later_key_alone(singles: Path) -> None:
    """A later key is enough for who trusts it, once it has signed; before that it is not."""
    with open_fast(singles) as logger:
        logger.admit_writer(key_of(2))
    error = verdict(singles, WrongKeyError, 0, key=key_of(2))
    assert error.found == key_of(1)
    with open_fast(singles, 2, trusted=[signer(1).verifier_key]) as logger:
        logger.record(event(901))
    assert verify_log(singles, key_of(2), workers=1).size == 302


def test_a_chain_of_keys_that_begins_elsewhere(tmp_path: Path) -> None:
    """A thief of the first key may begin anew and admit the key that the auditor trusts.

    That key has signed nothing in his log, so it does not vouch for it.
    """
    path = written(
        tmp_path / "log.db",
        ([genesis(9)], signer(9)),
        ([added(1)], signer(9)),
        ([OTHER], signer(9)),
    )
    verdict(path, WrongKeyError, 0)


def test_options_are_what_was_asked() -> None:
    """The tests above run with everything on, unless they say otherwise."""
    assert Options(None, False, True, True).lookups
