"""A reader reads the file that it opened, in every thread, or says that it is another one now."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from biotrail.errors import BiotrailError, StoreUnavailableError
from biotrail.stores import SQLiteReader, SQLiteStore


def _in_another_thread(reader: SQLiteReader) -> BiotrailError | None:
    caught: list[BiotrailError] = []

    def read() -> None:
        try:
            reader.head()
        except BiotrailError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    return caught[0] if caught else None


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "deleted"])
def test_no_thread_reads_another_file_than_the_first(tmp_path: Path, replaced: bool) -> None:
    """A thread that comes after the file was replaced or deleted is told so."""
    path, other = tmp_path / "log.db", tmp_path / "other.db"
    for one in (path, other):
        SQLiteStore(one).close()
    reader = SQLiteReader(path)
    assert _in_another_thread(reader) is None
    other.replace(path) if replaced else path.unlink()
    error = _in_another_thread(reader)
    assert isinstance(error, StoreUnavailableError)
    assert ("another file" if replaced else "no longer there") in str(error)
    reader.close()
