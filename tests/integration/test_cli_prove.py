"""`biotrail prove`, `verify-proof`, `checkpoint` and `publish`: what leaves the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.testing.tamper import copy_log, edit_entry, flip_bit, tampering
from tests.integration.cli_runner import ORIGIN, SmallLog, attempt, run, small_log

pytestmark = pytest.mark.component("cli")


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    """A log of a test's own."""
    return small_log(tmp_path / "trail.db")


@pytest.fixture
def proof(log: SmallLog, tmp_path: Path) -> Path:
    """A proof file of entry 2."""
    file = tmp_path / "two.tlog-proof"
    assert run("prove", log.path, 2, "-o", file).code == 0
    return file


def test_a_proof_is_written_and_verified(log: SmallLog, proof: Path) -> None:
    """A proof file verifies with the key alone, step by step, and shows the record."""
    ran = run("verify-proof", proof, "--key", log.key)
    assert ran.code == 0
    for words in (f"entry 2 is in {ORIGIN}", "signature", "inclusion", "door.open", "0.600000"):
        assert words in ran.out
    assert "visitor" not in ran.out
    told = run("verify-proof", proof, "--key", log.key.read_text().strip(), "--json").json()
    assert (told["index"], told["size"], told["exit_code"]) == (2, 6, 0)
    assert told["content"]["decision"] == "denied"


def test_a_proof_goes_to_standard_output(log: SmallLog, proof: Path) -> None:
    """Without -o the file's content is printed, and standard input is read for ``-``."""
    ran = run("prove", log.path, 2, "--key", log.key)
    assert ran.out == proof.read_text()
    assert run("verify-proof", "-", "--key", log.key, stdin=ran.out).code == 0
    assert run("prove", log.path, 2, "--json").json()["proof"] == ran.out


def test_proofs_and_checkpoints_go_together(log: SmallLog, tmp_path: Path) -> None:
    """A proof against a kept checkpoint is accepted with it, and not with another one."""
    kept, later, file = tmp_path / "kept", tmp_path / "later", tmp_path / "proof"
    run("checkpoint", log.path, "-o", kept)
    with log.open() as opened:
        opened.record(attempt(9))
    run("checkpoint", log.path, "-o", later)
    assert run("prove", log.path, 2, "--checkpoint", kept, "-o", file).code == 0
    ran = run("verify-proof", file, "--key", log.key, "--checkpoint", kept)
    assert ran.code == 0
    assert "the one that was kept" in ran.out
    assert run("verify-proof", file, "--key", log.key, "--checkpoint", later).code == 20
    assert run("prove", log.path, 6, "--checkpoint", kept).code == 20


def test_proofs_that_fail_are_named(log: SmallLog, proof: Path, tmp_path: Path) -> None:
    """A changed file, a stranger's key, another entry: exit 19, 21, 20."""
    stranger = small_log(tmp_path / "stranger.db")
    text = proof.read_text()
    changed = tmp_path / "changed"
    changed.write_text(text.replace("index 2", "index 02"))
    assert run("verify-proof", changed, "--key", log.key).code == 19
    ran = run("verify-proof", proof, "--key", stranger.key)
    assert ran.code == 21
    assert "biotrail keys show" in ran.err
    changed.write_text(text.replace("index 2", "index 3"))
    told = run("verify-proof", changed, "--key", log.key, "--json")
    assert told.code == 20
    assert told.json()["error"]["kind"] == "not proven"
    assert {"expected", "found"} & told.json()["error"].keys()
    assert run("verify-proof", tmp_path / "absent", "--key", log.key).code == 3
    assert run("verify-proof", proof).code == 2


def test_no_proof_of_a_broken_log(log: SmallLog, tmp_path: Path) -> None:
    """Nothing is written where the log as stored does not have the checkpoint's root."""
    copy = copy_log(log.path, tmp_path / "copy.db")
    with tampering(copy) as connection:
        edit_entry(connection, 3, lambda data: flip_bit(data, 800))
    file = tmp_path / "proof"
    assert run("prove", copy, 2, "-o", file).code == 20
    assert not file.exists()
    assert run("prove", log.path, 6).code == 3
    assert run("prove", log.path, -1).code == 2


def test_checkpoints(log: SmallLog, tmp_path: Path) -> None:
    """The signed checkpoint is printed as it is, or written, or told as JSON."""
    ran = run("checkpoint", log.path)
    assert ran.out.startswith(f"{ORIGIN}\n6\n")
    assert run("checkpoint", log.path, "--json").json()["note"] == ran.out
    assert run("checkpoint", log.path, "-o", tmp_path / "no" / "folder").code == 3


def test_a_kept_checkpoint_is_not_lost(log: SmallLog, tmp_path: Path) -> None:
    """A kept checkpoint is replaced only by one of a log that continues it."""
    kept = tmp_path / "kept"
    older = copy_log(log.path, tmp_path / "older.db")
    with log.open() as opened:
        opened.record(attempt(9))
    assert run("checkpoint", log.path, "-o", kept).code == 0
    before = kept.read_bytes()
    assert run("checkpoint", older, "-o", kept).code == 16
    assert run("checkpoint", small_log(tmp_path / "s.db").path, "-o", kept).code == 16
    other = small_log(tmp_path / "other.db")
    with other.open() as opened:
        opened.record_many(attempt(number) for number in range(5))
    assert run("checkpoint", other.path, "-o", kept).code == 17
    assert kept.read_bytes() == before
    assert run("checkpoint", log.path, "-o", kept).code == 0
    kept.write_text("notes of mine\n")
    assert run("checkpoint", log.path, "-o", kept).code == 2
    assert kept.read_text() == "notes of mine\n"


def _files(folder: Path) -> dict[str, bytes]:
    paths = (one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in paths}


def test_publishing_again_only_adds(log: SmallLog, tmp_path: Path) -> None:
    """A log is published as tiles; later runs add files and replace the checkpoint."""
    folder = tmp_path / "public"
    assert run("publish", log.path, folder, "--json").json()["files_written"] == 3
    first = _files(folder)
    assert set(first) == {"checkpoint", "tile/0/000.p/6", "tile/entries/000.p/6"}
    assert run("publish", log.path, folder, "--json").json()["files_written"] == 1
    with log.open() as opened:
        opened.record_many(attempt(number) for number in range(300))
    ran = run("publish", log.path, folder)
    assert ran.code == 0
    second = _files(folder)
    assert {name: second[name] for name in first if name != "checkpoint"} == {
        name: data for name, data in first.items() if name != "checkpoint"
    }
    assert "tile/0/000" in second
    assert second["checkpoint"].decode() == run("checkpoint", log.path).out
    assert b"visitor" not in b"".join(second.values())


def test_another_history_is_not_published_over(log: SmallLog, tmp_path: Path) -> None:
    """An older copy, a broken log or another one leaves a published directory as it was."""
    folder = tmp_path / "public"
    older = copy_log(log.path, tmp_path / "older.db")
    with log.open() as opened:
        opened.record(attempt(9))
    run("publish", log.path, folder)
    before = _files(folder)
    assert run("publish", older, folder).code == 16
    other = small_log(tmp_path / "other.db")
    with other.open() as opened:
        opened.record_many(attempt(number) for number in range(5))
    assert run("publish", other.path, folder).code == 17
    with tampering(log.path) as connection:
        edit_entry(connection, 3, lambda data: flip_bit(data, 800))
    assert run("publish", log.path, folder).code == 17
    assert run("publish", log.path, tmp_path / "new").code == 20
    assert _files(folder) == before
    assert _files(tmp_path / "new") == {}


def test_a_file_of_another_history_is_found(log: SmallLog, tmp_path: Path) -> None:
    """A tile that was published before with other content is not overwritten."""
    folder = tmp_path / "public"
    run("publish", log.path, folder)
    (folder / "tile/0/000.p/6").write_bytes(b"other")
    assert run("publish", log.path, folder).code == 17
    (tmp_path / "file").write_text("")
    assert run("publish", log.path, tmp_path / "file").code == 3
