"""Tokens made, listed and revoked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from biotrail.canonical import format_time
from tests.unit.web._door import NOW, Door, new_door

TOKENS = "/api/v1/tokens"
HOUR = timedelta(hours=1)


def wanted(**changes: Any) -> dict[str, Any]:
    """The body of a request for a token."""
    given = {
        "scopes": ["read"],
        "purposes": ["review"],
        "expires": format_time(NOW + HOUR),
        "name": "anna",
    }
    return {**given, **changes}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A log, and nobody who may read it yet."""
    door = new_door(tmp_path)
    with door.log:
        yield door


def test_a_token_is_made_used_and_revoked(door: Door) -> None:
    """An administrator makes a token, its bearer reads, and no longer once it is revoked."""
    admin, _ = door.token("admin", name="root")
    made = door.request(admin, "POST", TOKENS, json=wanted())
    assert made.status_code == 201
    document = made.json()
    place = made.headers["location"]
    assert place == f"{TOKENS}/{document['id']}"
    assert made.headers["cache-control"] == "no-store"
    assert door.request(document["token"], "GET", "/api/v1/records").status_code == 200
    listed = door.request(admin, "GET", TOKENS).json()["tokens"]
    assert document["id"] in [one["id"] for one in listed]
    assert "token" not in listed[-1]
    assert door.request(admin, "DELETE", place).json()["state"] == "revoked"
    assert door.request(document["token"], "GET", "/api/v1/records").status_code == 401


def test_the_log_tells_of_tokens(door: Door) -> None:
    """Making, listing and revoking are in the log: by whom, for whom, and with which scopes."""
    admin, token = door.token("admin", name="root")
    made = door.request(admin, "POST", TOKENS, json=wanted()).json()
    door.request(admin, "GET", TOKENS)
    door.request(admin, "DELETE", f"{TOKENS}/{made['id']}")
    for action in ("token.create", "token.revoke"):
        (found,) = door.log.query(f"action = {action}").records
        labels = found.record.content["labels"]
        assert (labels["token"], labels["by"]) == (UUID(made["id"]).bytes, token.id.bytes)
        assert labels["scopes"] == "read"
        assert b"anna" not in found.record.data
        assert found.event is not None
        assert found.event.attributes["name"] == "anna"
        assert found.event.actor is not None
        assert found.event.actor.id == "root"
    assert [one["route"] for one in door.reads()] == [f"GET {TOKENS}"]


LIMITS: dict[str, Any] = {
    "tenant": "north",
    "since": NOW - HOUR,
    "until": NOW + HOUR,
    "purposes": ["review", "audit"],
    "expires": NOW + 2 * HOUR,
}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tenant": "south"}, "tenant"),
        ({"since": format_time(NOW - 2 * HOUR)}, "earlier"),
        ({"until": format_time(NOW + 2 * HOUR)}, "later"),
        ({"purposes": ["review", "research"]}, "research"),
        ({"expires": format_time(NOW + 3 * HOUR)}, "ends later"),
    ],
)
def test_nobody_gives_more_than_they_have(door: Door, changes: dict[str, Any], what: str) -> None:
    """A token for another tenant, a longer window, another purpose or a longer time is refused."""
    admin, _ = door.token("admin", **LIMITS)
    refused = door.request(admin, "POST", TOKENS, json=wanted(**changes))
    assert refused.status_code == 403
    assert what in refused.json()["detail"]
    assert len(door.book.tokens()) == 1
    assert not door.log.query("action = token.create").records


def test_what_a_maker_does_not_say_is_as_its_own(door: Door) -> None:
    """A token is held to its maker's tenant and window where nothing else is asked for."""
    admin, _ = door.token("admin", **LIMITS)
    made = door.request(admin, "POST", TOKENS, json=wanted()).json()
    assert (made["tenant"], made["since"]) == ("north", format_time(NOW - HOUR))
    assert made["until"] == format_time(NOW + HOUR)


def test_tokens_beyond_ones_own_limits_are_out_of_sight(door: Door) -> None:
    """Who is held to a tenant neither sees nor revokes the tokens of others."""
    admin, own = door.token("admin", tenant="north")
    _, other = door.token("read", tenant="south")
    _, wide = door.token("read")
    listed = door.request(admin, "GET", TOKENS).json()["tokens"]
    assert [one["id"] for one in listed] == [str(own.id)]
    for one in (other.id, wide.id, UUID(int=1)):
        assert door.request(admin, "DELETE", f"{TOKENS}/{one}").status_code == 404
    assert all(one.revoked is None for one in door.book.tokens())


def test_no_other_scope_is_enough(door: Door) -> None:
    """Without the scope admin tokens are neither listed nor made nor revoked."""
    reader, token = door.token("read", "reveal", "export", "report")
    assert door.request(reader, "GET", TOKENS).status_code == 403
    assert door.request(reader, "POST", TOKENS, json=wanted()).status_code == 403
    assert door.request(reader, "DELETE", f"{TOKENS}/{token.id}").status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"purposes": ["Two words"]},
        {"expires": "2026-11-24T04:00:00"},
        {"expires": format_time(NOW - HOUR)},
        {"name": "two\nlines"},
        {"secret": "mine"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(door: Door, changes: dict[str, Any]) -> None:
    """A request for what is no token is a 400, and nothing is made or recorded."""
    admin, _ = door.token("admin")
    answer = door.request(admin, "POST", TOKENS, json=wanted(**changes))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(door.book.tokens()) == 1
