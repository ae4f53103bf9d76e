"""`biotrail find`, `show`, `tail` and `vault` with a log that seals personal fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.testing.tamper import copy_log, tampering
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, run

pytestmark = pytest.mark.component("cli")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed log of six records (from index 2 on), with its vault beside it."""
    path = tmp_path_factory.mktemp("sealed") / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        for number in range(6):
            opened.record(
                biotrail.Event(
                    action="door.open",
                    decision="granted" if number % 2 else "denied",
                    actor="guard",
                    subject=f"person-{number % 3}",
                    context=biotrail.Context(ip=f"192.0.2.{number}", device_id="reader-1"),
                    tenant="north" if number == 5 else None,
                )
            )
    return path


@pytest.fixture
def copy(log: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, with its keys."""
    path = copy_log(log, tmp_path / "copy.db")
    for ending in (".vault", ".key", ".key.pub", ".key.next"):
        target = Path(f"{path}{ending}")
        target.write_bytes(Path(f"{log}{ending}").read_bytes())
        target.chmod(0o600)
    return path


def _found(*arguments: object, **environment: Any) -> list[int]:
    told = run("find", *arguments, "--json", **environment).json()
    assert (told["origin"], told["verified"], told["misleading"]) == (ORIGIN, False, [])
    return [one["index"] for one in told["records"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("--person", "person-1"), [6, 3]),
        (("--subject", "person-1", "--oldest-first"), [3, 6]),
        (("--actor", "person-1"), []),
        (("--actor", "guard", "-n", 2), [6, 5]),
        (("--device", "reader-1"), [6, 5, 4, 3, 2]),
        (("--device", "reader-1", "--tenant", "north"), [7]),
        (("--ip", "192.0.2.3"), [5]),
        (("--network", "192.0.2.0/31"), [3, 2]),
        (("--person", "guard", "--outcome", "success"), [5, 3]),
        (("--decision", "denied"), [6, 4, 2]),
        (("--since", "2999-01-01"), []),
        (("--until", "2999-01-01", "--action", "door.open", "-n", 1), [7]),
        (("--target", "lab"), []),
        (("--modality", "none", "--matcher", "m"), []),
    ],
)
def test_find(log: Path, asked: tuple[object, ...], expected: list[int]) -> None:
    """Records are found by one personal field, and by what is in the clear."""
    assert _found(log, *asked) == expected


def test_find_as_a_table(log: Path) -> None:
    """What is found is a table; that there may be more is said, and that nothing was found."""
    ran = run("find", log, "--person", "guard", "-n", 2)
    assert ran.out.count("guard") == 2
    assert "There may be more" in ran.out
    assert "No record was found" in run("find", log, "--device", "other").out


@pytest.mark.parametrize(
    "asked",
    [
        ("--ip", "anna"),
        ("--network", "192.0.2.1/24"),
        ("--person", "a", "--device", "b"),
        ("--since", "yesterday"),
        ("--person", ""),
    ],
)
def test_called_wrongly(log: Path, asked: tuple[str, ...]) -> None:
    """What cannot be asked is a usage error."""
    assert run("find", log, *asked).code == 2


def test_without_the_passphrase(log: Path) -> None:
    """Records read as sealed, the clear is found, and a personal look-up says what it needs."""
    blind: dict[str, Any] = {"BIOTRAIL_PASSPHRASE": None}
    told = run("show", log, "--json", **blind).json()["records"]
    assert [one["payload"] for one in told] == ["none"] * 2 + ["sealed"] * 6
    assert told[2]["sealed"] == ["subject", "actor"]
    assert told[2]["personal"] is None
    assert "(sealed)" in run("show", log, **blind).out
    assert "--vault" in run("show", log, 2, **blind).out
    assert "(sealed)" in run("tail", log, **blind).out
    assert _found(log, "--decision", "denied", **blind) == [6, 4, 2]
    ran = run("find", log, "--person", "person-1", **blind)
    assert ran.code == 3
    assert "BIOTRAIL_PASSPHRASE" in ran.err
    assert run("show", log, "--vault", f"{log}.vault", **blind).code == 3
    assert run("verify", log, "--key", f"{log}.key.pub", **blind).code == 0


def test_with_the_passphrase(log: Path, tmp_path: Path) -> None:
    """The file beside the log opens it, or the one that is named; a wrong passphrase does not."""
    one = run("show", log, 3, "--json").json()
    assert one["payload"] == "opens"
    assert one["personal"]["subject"] == {"id": "person-1"}
    assert "They open" in run("show", log, 3).out
    assert "192.0.2.1" in run("tail", log).out
    named = tmp_path / "elsewhere"
    named.write_bytes(Path(f"{log}.vault").read_bytes())
    named.chmod(0o600)
    assert "192.0.2.5" in run("show", log, "--vault", named).out
    ran = run("show", log, BIOTRAIL_PASSPHRASE="wrong")
    assert ran.code == 3
    assert "wrong passphrase" in ran.err


def test_erased_records(copy: Path) -> None:
    """What was erased says so, by which entry and why."""
    with biotrail.open(copy, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        opened.erase("person-1", reason="subject_request", legal_basis="GDPR art. 17")
    one = run("show", copy, 3, "--json").json()
    assert one["payload"] == "opens in part"
    (gone,) = one["gone"]
    assert (gone["owner"], gone["how"], gone["reason"]) == ("subject", "erased", "subject_request")
    shown = run("show", copy, 3).out
    assert f"erased by entry {gone['index']}" in shown
    assert "GDPR art. 17" in shown
    assert _found(copy, "--subject", "person-1") == []
    assert run("verify", copy, "--key", f"{copy}.key.pub").code == 0


def test_a_row_that_lies_is_reported(copy: Path) -> None:
    """A row that leads to another's record is named, and its record is not shown."""
    with tampering(copy) as connection:
        (tag,) = connection.execute("SELECT subject FROM sealed WHERE idx = 2").fetchone()
        connection.execute("UPDATE sealed SET subject = ? WHERE idx = 3", (tag,))
    told = run("find", copy, "--subject", "person-0", "--json").json()
    assert told["misleading"] == [3]
    assert [one["index"] for one in told["records"]] == [5, 2]
    assert "has changed the store" in run("find", copy, "--subject", "person-0").out


def test_rotate_and_rewrap(copy: Path) -> None:
    """The vault gets a new key, data keys are wrapped by it, and everything opens as before."""
    before = run("vault", "status", copy, "--json").json()
    (old,) = before["wrapped"]
    assert before["wrapped"][old] == 7  # the tags, three people, the guard, two of a tenant
    turned = run("vault", "rotate", copy, "--json").json()
    assert turned["before"] == old
    done = run("vault", "rewrap", copy, "--json").json()
    assert (done["key_id"], done["rewrapped"]) == (turned["key_id"], before["wrapped"][old])
    assert run("vault", "status", copy, "--json").json()["wrapped"] == {
        turned["key_id"]: before["wrapped"][old]
    }
    assert turned["key_id"] in run("vault", "status", copy).out
    assert "0 keys" in run("vault", "rewrap", copy).out
    assert "new key-encryption key" in run("vault", "rotate", copy).out
    assert _found(copy, "--subject", "person-1") == [6, 3]


def test_a_damaged_key(copy: Path) -> None:
    """A key that cannot be unwrapped is told with exit code 3; the others are wrapped anew."""
    with tampering(copy) as connection:
        connection.execute("UPDATE data_keys SET wrapped = x'0011' WHERE id = 3")
    run("vault", "rotate", copy)
    ran = run("vault", "rewrap", copy)
    assert ran.code == 3
    assert "could not be unwrapped" in ran.err
    wrapped = run("vault", "status", copy, "--json").json()["wrapped"]
    assert sorted(wrapped.values())[0] == 1


def test_from_one_provider_to_another(copy: Path, tmp_path: Path) -> None:
    """--previous names what wrapped the keys until now."""
    other = tmp_path / "other.vault"
    from biotrail.vault import PassphraseKeyProvider

    PassphraseKeyProvider(other, passphrase=PASSPHRASE, create=True).close()
    ran = run("vault", "rewrap", copy, "--vault", other, "--previous", f"{copy}.vault")
    assert ran.code == 0
    assert "192.0.2.5" in run("show", copy, "--vault", other).out


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("pkcs11:token=t", "module-path"),
        ("transit:key", "BAO_ADDR"),
        ("pkcs11:token=t;object=k?module-path=/none.so", "BIOTRAIL_VAULT_PIN"),
    ],
)
def test_uris_that_lack_something(log: Path, uri: str, message: str) -> None:
    """A URI that does not name all that is needed says what is missing."""
    nothing: dict[str, Any] = dict.fromkeys(("BAO_ADDR", "VAULT_ADDR", "BIOTRAIL_VAULT_PIN"))
    ran = run("show", log, "--vault", uri, **nothing)
    assert ran.code in (2, 3)
    assert message in ran.err


def test_rewrap_makes_no_log(tmp_path: Path) -> None:
    """A log that is not there is not made."""
    path = tmp_path / "none.db"
    assert run("vault", "rewrap", path).code == 3
    assert not path.exists()


def test_the_vault_s_file_is_away(copy: Path) -> None:
    """Who looks for a person, or discloses a field, is told what is not there."""
    Path(f"{copy}.vault").unlink()
    for asked in (("find", copy, "--person", "ada"), ("prove", copy, 2, "--field", "ip")):
        ran = run(*asked)
        assert ran.code == 3
        assert f"{copy}.vault is not there" in " ".join(ran.err.split())


def test_more_than_there_are(copy: Path) -> None:
    """A limit beyond every number of entries is a limit all the same."""
    size = run("find", copy, "--json").json()["size"]
    told = run("find", copy, "--limit", 10**30, "--json").json()
    assert len(told["records"]) == size
