"""Threat: none: a log that is being written is verified, and must not be accused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from biotrail import AuditLogger, verify_log
from biotrail.stores import SQLiteReader
from biotrail.verify import verifier
from tests.attacks._tools import event, key_of, open_fast


@pytest.fixture
def writer(singles: Path) -> Iterator[AuditLogger]:
    """A logger that has the log open."""
    with open_fast(singles) as logger:
        yield logger


def test_while_a_writer_has_it_open(singles: Path, writer: AuditLogger) -> None:
    """An open log verifies up to its head."""
    writer.record(event(900))
    assert verify_log(singles, key_of(), workers=1).size == 301


def test_while_a_writer_appends(singles: Path, writer: AuditLogger) -> None:
    """Verified again and again while it grows, the log holds, and each verdict goes further."""
    done = threading.Event()

    def write() -> None:
        try:
            for start in range(1000, 3400, 60):
                writer.record_many(event(n) for n in range(start, start + 59))
                writer.record(event(start + 59))
        finally:
            done.set()

    thread = threading.Thread(target=write)
    thread.start()
    sizes = []
    try:
        while not done.is_set():
            report = verify_log(singles, key_of(), workers=1)
            assert report.payloads == report.size - 1
            sizes.append(report.size)
    finally:
        thread.join()
    assert sizes == sorted(sizes)
    assert verify_log(singles, key_of(), workers=1).size == 2700


@pytest.mark.parametrize("step", ["measure", "cut", "run_all", "join", "replay", "check_trust"])
def test_growth_between_any_two_steps(
    singles: Path, writer: AuditLogger, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries and full tiles that come in between two steps are left for the next verification."""
    true = getattr(verifier, step)
    number = iter(range(2000, 2001))

    def grow_and_go_on(*arguments: object, **options: object) -> object:
        for first in number:
            writer.record_many(event(first + n) for n in range(600))
        return true(*arguments, **options)

    monkeypatch.setattr(verifier, step, grow_and_go_on)
    expected = 900 if step == "measure" else 300
    assert verify_log(singles, key_of(), workers=1).size == expected


def test_a_reader_that_is_given(singles: Path, writer: AuditLogger) -> None:
    """A store that the caller opened stays open, and may be verified again."""
    reader = SQLiteReader(singles)
    assert verify_log(reader, key_of()).size == 300
    writer.record(event(900))
    assert verify_log(reader, key_of()).size == 301
    reader.close()


def test_no_lock_is_left_behind(singles: Path, writer: AuditLogger) -> None:
    """After a verdict the file is free: the writer's log can be folded into it at once."""
    from biotrail.errors import WrongKeyError

    with pytest.raises(WrongKeyError) as caught:
        verify_log(singles, key_of(9), workers=1)
    writer.record(event(900))
    writer.close()
    assert not Path(f"{singles}-wal").exists()
    assert caught.value.index == 0
