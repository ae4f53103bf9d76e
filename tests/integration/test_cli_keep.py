"""`biotrail init` and `keys`: a log begins, and its keys change."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.signing import Ed25519Signer
from biotrail.testing import tampering
from biotrail.testing.tamper import copy_log
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, SmallLog, attempt, run, small_log

pytestmark = pytest.mark.component("cli")


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    """A log of a test's own."""
    return small_log(tmp_path / "trail.db")


def test_init_begins_a_log(tmp_path: Path) -> None:
    """A log and its keys are made; the verifier key is printed, the passphrase is not."""
    path = tmp_path / "trail.db"
    ran = run("init", path, "--origin", ORIGIN)
    assert ran.code == 0
    key = Path(f"{path}.key.pub").read_text()
    assert key in ran.out
    assert PASSPHRASE not in ran.out
    assert Path(f"{path}.key").stat().st_mode & 0o777 == 0o600
    assert run("verify", path, "--key", key).code == 0
    again = run("init", path, "--origin", ORIGIN)
    assert again.code == 2
    assert "exists already" in again.err


def test_init_for_machines(tmp_path: Path) -> None:
    """JSON names every file, also where the key file lies elsewhere."""
    path, key = tmp_path / "trail.db", tmp_path / "signing.pem"
    told = run("init", path, "--origin", ORIGIN, "--key", key, "--json").json()
    assert told["origin"] == ORIGIN
    assert all(Path(file).exists() for file in told["files"].values())
    assert told["files"]["key"] == str(key)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "x\x1b"])
def test_an_unfit_origin_makes_nothing(tmp_path: Path, origin: str) -> None:
    """A name that no log can have is a mistake in the call."""
    ran = run("init", tmp_path / "trail.db", "--origin", origin)
    assert ran.code == 2
    assert "\x1b" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_passphrase_is_never_an_argument(tmp_path: Path) -> None:
    """Without the variable, and without a terminal, init fails by name and makes nothing."""
    ran = run("init", tmp_path / "trail.db", "--origin", ORIGIN, BIOTRAIL_PASSPHRASE=None)
    assert ran.code == 3
    assert "BIOTRAIL_PASSPHRASE" in ran.err
    assert list(tmp_path.iterdir()) == []
    assert run("init", tmp_path / "t.db", "--origin", ORIGIN, "--passphrase", "x").code == 2


def test_keys_through_a_rotation(log: SmallLog) -> None:
    """After a rotation both keys are shown with their spans, and the first still verifies."""
    before = run("keys", "show", log.path, "--json").json()
    assert [one["state"] for one in before["keys"]] == ["in force"]
    rotated = run("keys", "rotate", log.path, "--json").json()
    after = run("keys", "show", log.path, "--json").json()
    first, second = after["keys"]
    assert (first["state"], first["first"], first["last"]) == ("retired", 1, 8)
    assert (second["state"], second["first"], second["last"]) == ("in force", 8, None)
    assert second["key"] == rotated["verifier_key"]
    assert after["next_key_sha256"] != before["next_key_sha256"]
    ran = run("keys", "show", log.path)
    assert second["key"] in ran.out
    assert "checkpoints of size 1 to 8" in ran.out
    assert run("verify", log.path, "--key", log.key).code == 0
    with log.open() as opened:
        assert opened.verifier_key == second["key"]


def test_a_writer_is_admitted_and_retired(log: SmallLog, tmp_path: Path) -> None:
    """Another writer's key is admitted, given as text or in a file, and retired with a reason."""
    writer = str(Ed25519Signer.generate(ORIGIN).verifier_key)
    file = tmp_path / "writer.pub"
    file.write_text(f"{writer}\n")
    assert writer in run("keys", "admit", log.path, file).out
    assert run("keys", "show", log.path, "--json").json()["keys"][1]["purpose"] == "writer"
    ran = run("keys", "retire", log.path, writer, "--reason", "the machine is gone")
    assert ran.code == 0
    assert run("keys", "show", log.path, "--json").json()["keys"][1]["state"] == "retired"
    assert run("verify", log.path, "--key", log.key).code == 0


def test_unfit_keys_are_refused(log: SmallLog, tmp_path: Path) -> None:
    """Keys of other logs, several at once, and the key in use are mistakes in the call."""
    stranger = str(Ed25519Signer.generate("example.com/other").verifier_key)
    assert run("keys", "admit", log.path, stranger).code == 2
    two = tmp_path / "two"
    two.write_text(f"{stranger}\n{stranger}\n")
    assert run("keys", "admit", log.path, two).code == 2
    ran = run("keys", "retire", log.path, log.key, "--reason", "x")
    assert ran.code == 2
    assert "keys rotate" in ran.err
    assert run("keys", "retire", log.path, stranger, "--reason", "x").code == 3


def test_a_wrong_passphrase(log: SmallLog) -> None:
    """A wrong passphrase is named, without a traceback: exit 3."""
    ran = run("keys", "rotate", log.path, BIOTRAIL_PASSPHRASE="wrong")
    assert ran.code == 3
    assert "wrong passphrase" in ran.err


def test_the_next_key_may_lie_elsewhere(log: SmallLog, tmp_path: Path) -> None:
    """The log is opened without the next key's file; only a rotation needs it."""
    following, elsewhere = Path(f"{log.path}.key.next"), tmp_path / "safe"
    following.rename(elsewhere)
    with log.open() as opened:
        opened.record(attempt(9))
    ran = run("keys", "rotate", log.path)
    assert ran.code == 3
    assert "trail.db.key.next does not exist" in ran.err
    elsewhere.rename(following)
    assert run("keys", "rotate", log.path).code == 0


def test_a_stolen_key(log: SmallLog, tmp_path: Path) -> None:
    """A stolen key is reported with the next one alone; verify, show and keys name its entries."""
    stolen = log.key.read_text().strip()
    Path(f"{log.path}.key").rename(tmp_path / "with the thief")
    told = run(
        "keys", "compromised", log.path, stolen, "--since", 4, "--reason", "theft", "--json"
    ).json()
    assert (told["index"], told["size"]) == (6, 8)
    assert told["verifier_key"] != stolen
    affected = [{"first": 4, "last": 5, "key": stolen, "report": 6}]
    ran = run("verify", log.path, "--key", log.key)
    assert ran.code == 0
    assert "2 entries not to be believed" in ran.out
    assert "entries 4 to 5 (key" in ran.out
    assert run("verify", log.path, "--key", log.key, "--json").json()["affected"] == affected
    keys = run("keys", "show", log.path, "--json").json()
    assert keys["affected"] == affected
    assert [(one["state"], one["since"]) for one in keys["keys"]] == [
        ("compromised", 4),
        ("in force", None),
    ]
    assert "for entries before 4 only" in run("keys", "show", log.path).out
    shown = run("show", log.path, 5)
    assert "Not to be believed: entry 6" in shown.out
    assert run("show", log.path, 5, "--json").json()["affected"] == {"key": stolen, "report": 6}
    assert "Not to be believed" not in run("show", log.path, 3).out
    assert run("show", log.path, 3, "--json").json()["affected"] is None
    with log.open() as opened:
        assert opened.verifier_key == told["verifier_key"]


def test_a_lost_key(log: SmallLog) -> None:
    """Where the key file is lost, the next one goes on; without the public file it takes trust."""
    first = log.key.read_text().strip()
    for name in (".key", ".key.pub"):
        Path(f"{log.path}{name}").unlink()
    assert run("keys", "lost", log.path).code == 18
    ran = run("keys", "lost", log.path, "--trust", first)
    assert (ran.code, "a new signing key" in ran.out) == (0, True)
    assert run("verify", log.path, "--key", first, "--json").json()["affected"] == []


def test_a_report_that_is_refused(log: SmallLog, tmp_path: Path) -> None:
    """A stranger's key, an index beyond the log, and a missing next key are named."""
    stolen = log.key.read_text().strip()
    other = str(Ed25519Signer.generate(ORIGIN).verifier_key)
    report = ("keys", "compromised", log.path)
    following = Path(f"{log.path}.key.next")
    following.rename(tmp_path / "safe")
    assert run(*report, stolen, "--since", 1, "--reason", "x").code == 3
    (tmp_path / "safe").rename(following)
    assert run(*report, other, "--since", 1, "--reason", "x").code == 18
    ran = run(*report, stolen, "--since", 8, "--reason", "x")
    assert ran.code != 0
    assert "since" in ran.err
    assert run("verify", log.path, "--key", log.key, "--json").json()["size"] == 6


def test_a_proof_of_an_entry_that_a_thief_signed(log: SmallLog, tmp_path: Path) -> None:
    """With the log, `verify-proof` says of which entries a stolen key vouches; without, not."""
    stolen = log.key.read_text().strip()
    files = {index: tmp_path / f"{index}.tlog-proof" for index in (2, 4)}
    for index, file in files.items():
        assert run("prove", log.path, index, "-o", file).code == 0
    reported = run("keys", "compromised", log.path, stolen, "--since", 4, "--reason", "theft")
    assert reported.code == 0
    for index, verdict in ((2, "none reported"), (4, "not to be believed")):
        check = ("verify-proof", files[index], "--key", stolen)
        ran = run(*check)
        assert (ran.code, "not shown: a proof cannot" in ran.out) == (0, True)
        assert run(*check, "--json").json()["theft"] == {"verdict": "not shown"}
        told = run(*check, "--log", log.path, "--json").json()["theft"]
        assert (told["verdict"], told.get("key")) == (verdict, stolen if index == 4 else None)
        assert (verdict == "none reported") != (
            "not to be believed" in run(*check, "--log", log.path).out
        )


def test_a_proof_beside_another_log(log: SmallLog, tmp_path: Path) -> None:
    """A log that does not continue the proof's checkpoint says nothing of its entry."""
    file, copy = tmp_path / "two.tlog-proof", copy_log(log.path, tmp_path / "copy.db")
    with log.open() as opened:
        opened.record(attempt(9))
    assert run("prove", log.path, 2, "-o", file).code == 0
    assert run("verify-proof", file, "--key", log.key, "--log", log.path).code == 0
    assert run("verify-proof", file, "--key", log.key, "--log", copy).code == 16


@pytest.mark.component("ml-dsa")
def test_post_quantum_cosignatures(log: SmallLog, tmp_path: Path) -> None:
    """A cosigned checkpoint and directory are made after verifying, and required where asked."""
    made = run("keys", "post-quantum", log.path, "--json").json()
    key, public = made["files"]["key"], made["files"]["verifier_key"]
    assert Path(public).read_text() == f"{made['verifier_key']}\n"
    assert run("keys", "post-quantum", log.path, "--json").json() == made
    kept, plain = tmp_path / "kept", tmp_path / "plain"
    ran = run("checkpoint", log.path, "-o", kept, "--post-quantum", key, "--key", log.key)
    assert ran.code == 0
    assert len(kept.read_text()) > 3_000
    assert run("checkpoint", log.path, "-o", plain).code == 0
    for file, code in ((kept, 0), (plain, 22)):
        for given in (public, made["verifier_key"]):
            verify = ("verify", log.path, "--key", log.key, "--from-checkpoint", file)
            assert run(*verify, "--require-post-quantum", given).code == code
    bare = run("verify", log.path, "--key", log.key, "--require-post-quantum", public, "--json")
    assert (bare.code, bare.json()["error"]["kind"]) == (22, "not cosigned")
    assert run("checkpoint", log.path, "--post-quantum", key).code == 2
    assert run("verify", log.path, "--key", log.key, "--require-post-quantum", log.key).code == 2
    with log.open() as opened:
        opened.record(attempt(9))
    directory = tmp_path / "public"
    for _ in range(2):
        published = run("publish", log.path, directory, "--post-quantum", key, "--key", log.key)
        assert published.code == 0
    cosigned = directory / "checkpoint"
    assert (
        run("checkpoint", log.path, "-o", kept, "--post-quantum", key, "--key", log.key).code == 0
    )
    assert cosigned.read_text().split("\n")[:3] == kept.read_text().split("\n")[:3]
    proof = tmp_path / "proof"
    assert run("prove", log.path, 2, "--checkpoint", cosigned, "-o", proof).code == 0
    check = ("verify-proof", proof, "--key", log.key, "--require-post-quantum", public)
    assert run(*check).code == 0
    assert run("prove", log.path, 2, "-o", proof).code == 0
    assert run(*check).code == 22


@pytest.mark.component("ml-dsa")
def test_a_log_that_does_not_hold_is_not_cosigned(log: SmallLog, tmp_path: Path) -> None:
    """A cosignature vouches for the log, so it is verified first."""
    key = run("keys", "post-quantum", log.path, "--json").json()["files"]["key"]
    with tampering(log.path) as db:
        db.execute("UPDATE entries SET entry = zeroblob(length(entry)) WHERE idx = 3")
    kept = tmp_path / "kept"
    ran = run("checkpoint", log.path, "-o", kept, "--post-quantum", key, "--key", log.key)
    assert (ran.code > 10, kept.exists()) == (True, False)
