"""A published log: which files, in which order. (Whether others accept it is in tests/interop.)"""

from __future__ import annotations

import pytest

from biotrail.errors import MalformedError, ProofError
from biotrail.tlog import Checkpoint, CompactRange, leaf_hash, published_files
from biotrail.tlog.tiles import decode_entry_bundle, decode_tile


def log(size: int) -> tuple[list[bytes], str]:
    """Return entries and a (falsely) signed checkpoint."""
    entries, tree = [b"entry %d" % number for number in range(size)], CompactRange()
    tree.extend(map(leaf_hash, entries))
    return entries, Checkpoint("a", size, tree.root()).text() + "\n— a AAAA\n"


def test_the_checkpoint_comes_last() -> None:
    """Whoever reads the checkpoint finds all that it covers."""
    entries, note = log(257)
    files = list(published_files(entries, note))
    assert [path for path, _ in files] == [
        "tile/entries/000",
        "tile/0/000",
        "tile/entries/001.p/1",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "checkpoint",
    ]
    assert files[-1][1].decode() == note
    assert decode_entry_bundle(files[0][1]) == entries[:256]
    assert decode_tile(files[1][1]) == [leaf_hash(entry) for entry in entries[:256]]


def test_the_empty_log_is_its_checkpoint() -> None:
    """Without entries there are no tiles."""
    entries, note = log(0)
    assert list(published_files(entries, note)) == [("checkpoint", note.encode())]


def test_later_entries_are_left_out() -> None:
    """A log that grows while it is published is published as the checkpoint has it."""
    entries, note = log(3)
    files = dict(published_files([*entries, b"later"], note))
    assert decode_entry_bundle(files["tile/entries/000.p/3"], 3) == entries


@pytest.mark.parametrize("change", ["altered", "missing"])
def test_entries_that_are_not_the_checkpoints_get_no_checkpoint(change: str) -> None:
    """The error comes before the checkpoint would."""
    entries, note = log(3)
    given = entries[:2] if change == "missing" else [*entries[:2], b"other"]
    files = published_files(given, note)
    paths: list[str] = []
    with pytest.raises(ProofError, match="do not have the root"):
        paths.extend(path for path, _ in files)
    assert paths == [f"tile/entries/000.p/{len(given)}", f"tile/0/000.p/{len(given)}"]


def test_a_note_without_a_checkpoint_is_refused() -> None:
    """Nothing is yielded for it."""
    with pytest.raises(MalformedError):
        next(published_files([], "no note"))
