"""The commands about tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import biotrail
from biotrail.web.access import Scope
from biotrail.web.tokens import TokenBook
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, run

CREATE = ("--scope", "read", "--scope", "export", "--purpose", "review")


def test_a_token_is_made_listed_and_revoked(tmp_path: Path) -> None:
    """The text that is printed lets its bearer in, until the token is revoked by its id."""
    path = tmp_path / "tokens.json"
    made = run("token", "create", path, *CREATE, "--days", 7, "--name", "anna")
    book = TokenBook(path)
    assert made.code == 0
    access = book.authenticate(made.out.strip())
    assert access.scopes == {Scope.READ, Scope.EXPORT}
    assert access.name == "anna"
    assert access.expires is not None
    assert timedelta(days=6) < access.expires - datetime.now(UTC) <= timedelta(days=7)
    (listed,) = run("token", "list", path, "--json").json()["tokens"]
    assert (listed["id"], listed["state"]) == (str(access.reader), "valid")
    assert "anna" in run("token", "list", path).out
    assert run("token", "revoke", path, access.reader).code == 0
    assert run("token", "list", path, "--json").json()["tokens"] == []
    assert "revoked" in run("token", "list", path, "--all").out
    assert run("token", "revoke", path, UUID(int=1)).code == 2


def test_tokens_are_recorded_in_the_log(tmp_path: Path) -> None:
    """With --log, the log tells which token was made and revoked, and its bearer's name sealed."""
    path, log = tmp_path / "tokens.json", tmp_path / "log.db"
    biotrail.open(log, origin=ORIGIN, passphrase=PASSPHRASE).close()
    made = run("token", "create", path, *CREATE, "--name", "anna", "--log", log, "--json").json()
    assert run("token", "revoke", path, made["id"], "--log", log).code == 0
    with biotrail.open(log, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        created = opened.query("action = token.create").records[0]
        revoked = opened.query("action = token.revoke").records[0]
    for one in (created, revoked):
        labels = one.record.content["labels"]
        assert labels["token"] == UUID(made["id"]).bytes
        assert (labels["scopes"], labels["purposes"]) == ("export, read", "review")
        assert b"anna" not in one.record.data
        assert one.event is not None
        assert one.event.attributes["name"] == "anna"


def test_a_token_that_cannot_be_recorded_is_not_made(tmp_path: Path) -> None:
    """A wrong passphrase for the log prevents the token; a revocation holds all the same."""
    path, log = tmp_path / "tokens.json", tmp_path / "log.db"
    biotrail.open(log, origin=ORIGIN, passphrase=PASSPHRASE).close()
    ran = run("token", "create", path, *CREATE, "--log", log, BIOTRAIL_PASSPHRASE="wrong")
    assert ran.code != 0
    assert not path.exists()
    made = run("token", "create", path, *CREATE, "--json").json()
    ran = run("token", "revoke", path, made["id"], "--log", log, BIOTRAIL_PASSPHRASE="wrong")
    assert ran.code != 0
    assert TokenBook(path).tokens()[0].revoked is not None


def test_wrong_tokens_are_refused_in_words(tmp_path: Path) -> None:
    """A wrong scope, purpose or time is a mistake in the call, and makes no file."""
    path = tmp_path / "tokens.json"
    for wrong in (
        ("--scope", "write", "--purpose", "review"),
        ("--scope", "read", "--purpose", "Two words"),
        (*CREATE, "--since", "2026-11-24", "--until", "2026-11-23"),
        (*CREATE, "--since", "soon"),
        ("--scope", "read"),
    ):
        assert run("token", "create", path, *wrong).code == 2
    assert run("token", "list", path).code == 3
    assert not path.exists()
