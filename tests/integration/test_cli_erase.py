"""The commands that erase, hold, retain, and put right what a backup undid."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import biotrail
from biotrail.errors import BiotrailError
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, attempt, run

WHY = ("--reason", "subject_request", "--legal-basis", "GDPR Art. 17(1)(b)")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A sealed log of five people with two records each."""
    path = tmp_path / "log.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        for number in range(10):
            opened.record(attempt(number % 5))
    return path


def _key(log: Path) -> Path:
    return Path(f"{log}.key.pub")


def test_erase_and_verify_the_certificate(log: Path, tmp_path: Path) -> None:
    """A person is erased, and the certificate is checked with the public key alone."""
    file = tmp_path / "erased.txt"
    ran = run("erase", log, "visitor-1", *WHY, "--beyond", "nightly backups", "-o", file)
    assert ran.code == 0, ran.err
    assert "nightly backups" in ran.out
    checked = run("verify-certificate", file, "--key", _key(log))
    assert checked.code == 0
    assert "payload parts         2" in checked.out
    told = run("verify-certificate", file, "--key", _key(log), "--json").json()
    assert told["content"]["payloads"] == 2
    assert run("verify", log, "--key", _key(log)).code == 0
    assert "visitor-1" not in run("show", log).out


def test_certificates_that_do_not_hold(log: Path, tmp_path: Path) -> None:
    """A changed text, another key and another file each have their exit code."""
    file = tmp_path / "erased.txt"
    run("erase", log, "visitor-1", *WHY, "-o", file)
    good = file.read_bytes()
    file.write_bytes(good.replace(b"subject_request", b"consent_revoked"))
    assert run("verify-certificate", file, "--key", _key(log)).code == 11
    file.write_bytes(good)
    other = tmp_path / "other.db"
    with biotrail.open(other, origin=ORIGIN, passphrase=PASSPHRASE):
        pass
    assert run("verify-certificate", file, "--key", _key(other)).code == 21
    file.write_bytes(b"no certificate")
    assert run("verify-certificate", file, "--key", _key(log)).code == 19


def test_erasing_somebody_unknown(log: Path) -> None:
    """Whom nothing leads to is an error in words, and one in JSON."""
    ran = run("erase", log, "nobody", *WHY)
    assert ran.code == 3
    assert "never recorded" in ran.err
    assert run("erase", log, "nobody", *WHY, "--json").code == 3


def test_holds(log: Path) -> None:
    """A hold is placed, listed, refuses an erasure, and is released."""
    placed = run("hold", "place", log, "visitor-2", "--reason", "litigation", "--json").json()
    ran = run("erase", log, "visitor-2", *WHY)
    assert ran.code == 3
    assert f"entries {placed['index']}" in ran.err
    (listed,) = run("hold", "list", log, "--json").json()["holds"]
    assert (listed["hold"], listed["released"]) == (placed["hold"], None)
    assert placed["hold"] in run("hold", "list", log).out
    assert run("hold", "release", log, placed["hold"], "--reason", "ended").code == 0
    assert run("hold", "release", log, "no hex", "--reason", "ended").code == 2
    assert run("hold", "release", log, placed["hold"], "--reason", "ended").code == 3
    assert run("erase", log, "visitor-2", *WHY).code == 0


def test_retain(log: Path, tmp_path: Path) -> None:
    """A policy is applied dry first, then in earnest; a wrong one is refused."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nkeep_days = 30\naction = "door.open"\n')
    ran = run("retain", log, policy, "--dry-run", "--json").json()
    assert (ran["payloads"], ran["applied"], ran["dry_run"]) == (0, None, True)
    assert "after 30 days: action door.open" in run("retain", log, policy).out
    policy.write_text('{"rules": [{"keep_days": 0}]}')
    assert run("retain", log, policy).code == 3
    policy.write_text("rules = 3 = 4")
    assert run("retain", log, policy).code == 3


def test_the_doctor_after_a_backup(log: Path, tmp_path: Path) -> None:
    """After the restore of a backup the doctor erases again what had been erased."""
    backup = tmp_path / "backup"
    shutil.copy(log, backup)
    certificate = tmp_path / "erased.txt"
    assert run("erase", log, "visitor-1", *WHY, "-o", certificate).code == 0
    healthy = run("doctor", log, "--json").json()
    assert (healthy["well"], healthy["known"], healthy["replayed"]) == (True, 1, [])
    shutil.copy(backup, log)
    told = run("doctor", log, "--json").json()
    assert len(told["replayed"]) == 1
    shutil.copy(backup, log)
    ledger = Path(f"{log}.erasures").rename(tmp_path / "elsewhere")
    assert "done again" in run("doctor", log, "--erasures", ledger).out
    shutil.copy(backup, log)
    Path(f"{log}.erasures").unlink(missing_ok=True)
    assert len(run("doctor", log, "--certificate", certificate, "--json").json()["replayed"]) == 1
    assert run("verify", log, "--key", _key(log)).code == 0
    assert run("doctor", log, "--erasures", tmp_path / "absent").code == 2


def test_a_stranger_s_certificate_is_left_to_do(log: Path, tmp_path: Path) -> None:
    """What the doctor does not believe makes it exit with another code than 0."""
    other, certificate = tmp_path / "other.db", tmp_path / "erased.txt"
    with biotrail.open(other, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        opened.record(attempt(1))
    run("erase", other, "visitor-1", *WHY, "-o", certificate)
    ran = run("doctor", log, "--certificate", certificate)
    assert ran.code == 3
    assert "refused" in ran.out


def test_nothing_is_destroyed_where_the_certificate_cannot_go(log: Path, tmp_path: Path) -> None:
    """A place for the certificate that is no place is refused before anything is erased."""
    for place in (tmp_path, tmp_path / "absent" / "file"):
        assert run("erase", log, "visitor-1", *WHY, "-o", place).code == 2
    assert len(run("find", log, "--actor", "visitor-1", "--json").json()["records"]) == 2


def test_a_certificate_that_cannot_be_written_is_printed(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If writing fails after the erasure, the whole certificate goes to standard error."""

    def refused(path: Path, data: bytes) -> None:
        raise BiotrailError(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr("biotrail.cli.erase.write_file", refused)
    ran = run("erase", log, "visitor-1", *WHY, "-o", tmp_path / "full")
    assert ran.code == 3
    told = tmp_path / "from-stderr"
    told.write_text(ran.err.partition("biotrail: ")[0].removesuffix("\n"))
    assert run("verify-certificate", told, "--key", _key(log)).code == 0


def test_a_hold_that_would_be_over(log: Path) -> None:
    """A hold that ends in the past, or at no time, is refused; one that ends is listed with it."""
    place = ("hold", "place", log, "visitor-2", "--reason", "litigation", "--until")
    for until in ("2020-01-01", "soon", ""):
        assert run(*place, until).code == 2
    assert run(*place, "2999-01-01T12:00:00+02:00").code == 0
    assert "until 2999-01-01T10:00:00" in run("hold", "list", log).out
