"""`biotrail prove --field` and `verify-proof`: chosen personal fields leave the log, with proof."""

from __future__ import annotations

from pathlib import Path

import pytest

import biotrail
from tests.attacks.test_erasure import robbed
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, attempt, run
from tests.unit.audit import _vaulted as vaulted
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_sealed as sealed

pytestmark = pytest.mark.component("cli")


@pytest.fixture(params=[True, False], ids=["sealed", "in the clear"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A log of three attempts, with and without a vault."""
    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE, vault=request.param) as log:
        for number in range(3):
            log.record(attempt(number))
    return path


def public(path: Path) -> str:
    """The log's verifier key."""
    return Path(f"{path}.key.pub").read_text().strip()


def test_a_field_is_shown_and_no_other(path: Path, tmp_path: Path) -> None:
    """The address and the score are shown with proof; the actor and the user agent are not."""
    file = tmp_path / "two.tlog-proof"
    shown = ("--field", "ip", "--field", "score", "--field", "decision")
    ran = run("prove", path, 2, *shown, "--key", public(path), "-o", file)
    assert ran.code == 0, ran.err
    ran = run("verify-proof", file, "--key", public(path))
    assert ran.code == 0
    for words in (f"entry 2 is in {ORIGIN}", "Personal fields", "192.0.2.7", "0.250000"):
        assert words in ran.out
    assert "visitor" not in ran.out + file.read_text()
    told = run("verify-proof", file, "--key", public(path), "--json").json()
    assert told["personal"] == {"ip": "192.0.2.7", "score_micro": 250_000}
    assert told["hidden"] > 0
    assert told["content"]["decision"] == "denied"


def test_a_field_that_is_not_there_is_an_error(path: Path, tmp_path: Path) -> None:
    """A field that the record does not have is named, and nothing is written."""
    file = tmp_path / "two.tlog-proof"
    ran = run("prove", path, 2, "--field", "shoe_size", "-o", file)
    assert ran.code == 3
    assert "shoe_size" in ran.err
    assert not file.exists()


def test_a_disclosure_is_altered(path: Path, tmp_path: Path) -> None:
    """A disclosure whose field was changed proves nothing."""
    import base64

    text = run("prove", path, 2, "--field", "ip").out
    line = text.split("\n")[1].removeprefix("extra ")
    carried = base64.b64decode(line).replace(bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8]))
    changed = text.replace(line, base64.b64encode(carried).decode())
    assert run("verify-proof", "-", "--key", public(path), stdin=text).code == 0
    assert run("verify-proof", "-", "--key", public(path), stdin=changed).code == 20


def test_sealed_fields_need_the_vault(tmp_path: Path) -> None:
    """Without the vault's key file nothing sealed is shown; given by name, it opens."""
    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as log:
        log.record(attempt(1))
    elsewhere = Path(f"{path}.vault").rename(tmp_path / "elsewhere.vault")
    ran = run("prove", path, 2, "--field", "ip")
    assert ran.code == 3
    assert "sealed" in ran.err
    assert run("prove", path, 2, "--field", "ip", "--vault", elsewhere).code == 0
    assert run("prove", path, 2, "--field", "decision").code == 0


def test_a_verification_counts_what_is_sealed(path: Path) -> None:
    """The answer about payloads says how many are in the clear and how many are sealed."""
    told = run("verify", path, "--key", public(path), "--json").json()["payloads"]
    counts = [told[name] for name in ("opened", "sealed", "erased", "retained", "overdue")]
    assert sorted(counts) == [0, 0, 0, 0, 3]
    assert told["verdict"] == "holds"


def test_a_verification_says_what_was_destroyed(tmp_path: Path) -> None:
    """Erased and retained parts are counted with their reason, and what is overdue is named."""
    path, key = tmp_path / "sealed.db", str(spec.verifier_key("A"))
    spec.write_rows(path, sealed.sealed_log())
    ran = run("verify", path, "--key", key)
    assert ran.code == 0
    for words in (
        "7 sealed parts are as recorded",
        "3 destroyed by an erasure",
        "2 destroyed by a",
    ):
        assert words in " ".join(ran.out.split())
    assert "doctor" not in ran.out
    whole = tmp_path / "whole.db"
    spec.write_rows(whole, sealed.write().hand.export())
    ran = run("verify", whole, "--key", key)
    assert ran.code == 0
    assert "5 still there although an erasure" in " ".join(ran.out.split())
    assert "biotrail doctor" in " ".join(ran.out.split())


def test_a_verification_says_what_a_thief_destroyed(tmp_path: Path) -> None:
    """Parts that are gone on a stolen key's word are neither erased nor retained."""
    path = tmp_path / "log.db"
    robbed(path)
    ran = run("verify", path, "--key", vaulted.key())
    assert ran.code == 0
    assert "1 part gone on a stolen key's word" in " ".join(ran.out.split())
