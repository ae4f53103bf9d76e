"""A log that may not be written: by its mode, its directory's, or its mount's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail import open as open_trail
from biotrail.errors import KeyFileError, StoreReadOnlyError
from tests.faults._child import ForkedChild
from tests.faults._mounts import Mounts, mounted
from tests.unit.audit._logs import event, opened, verified

__all__ = ["mounted"]

NOBODY = 65_534


def _as_nobody(path: Path) -> Any:
    """What a user without rights to the files is told, as writer and as auditor."""

    def act() -> list[Any]:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        said: list[Any] = []
        acts: list[Callable[[], int]] = [
            lambda: opened(path).record(event(50)).index,
            lambda: verified(path).events,
        ]
        for one in acts:
            try:
                said.append(one())
            except Exception as error:
                said.append(type(error).__name__)
        return said

    return ForkedChild(act).said()[1]


@pytest.fixture
def public() -> Iterator[Path]:
    """A log with three records in a folder that every user can reach, and only its owner write."""
    folder = Path(tempfile.mkdtemp(prefix="biotrail-"))
    folder.chmod(0o755)
    with opened(folder / "trail.db") as log:
        log.record_many([event(number) for number in range(3)])
    (folder / "trail.db").chmod(0o644)
    assert verified(folder / "trail.db").events == 3
    yield folder / "trail.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.component("fork")
def test_a_file_that_may_not_be_written(public: Path) -> None:
    """A log that may be read only is named as such to a writer; an auditor verifies it."""
    public.chmod(0o444)
    public.parent.chmod(0o555)
    assert _as_nobody(public) == ["StoreReadOnlyError", 3]


@pytest.mark.component("fork")
def test_a_directory_that_may_not_be_written(public: Path) -> None:
    """The same where the file could be written but its directory cannot."""
    public.chmod(0o666)
    public.parent.chmod(0o555)
    assert _as_nobody(public) == ["StoreReadOnlyError", 3]


@pytest.mark.component("fork")
def test_a_new_log_in_a_directory_that_may_not_be_written(public: Path) -> None:
    """A log cannot be begun there, and the writer is told why."""
    public.parent.chmod(0o555)
    assert _as_nobody(public.with_name("new.db"))[0] == "StoreReadOnlyError"


@pytest.mark.component("tmpfs")
def test_a_read_only_mount(public: Path, mounted: Mounts) -> None:
    """On a read-only file system the writer is told so, root too, and verification works."""
    folder = mounted(read_only_copy_of=public.parent)
    before = sorted(os.listdir(folder))
    with pytest.raises(StoreReadOnlyError):
        opened(folder / "trail.db")
    with pytest.raises((StoreReadOnlyError, KeyFileError)):
        open_trail(folder / "trail.db", origin="example.com/front-door", passphrase="x")
    assert verified(folder / "trail.db").events == 3
    assert sorted(os.listdir(folder)) == before
