"""Threat: whoever guesses is somebody else each time: by another spelling, or another address."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from biotrail import Attempt, AuditLogger, Context, Reason
from biotrail.limits import Limit, LimitPolicy
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.attacks._guessing import signer
from tests.unit.vault._providers import CountingProvider

_PLACE = Limit(failures=3, lock=timedelta(hours=1), window=timedelta(hours=1))
_POLICY = LimitPolicy(
    name="three",
    subject=Limit(failures=3, lock=timedelta(hours=1)),
    device=_PLACE,
    ip=_PLACE,
)
Open = Callable[[], AuditLogger]


class Kept(MemoryStore):
    """A store that outlives its loggers."""

    def close(self) -> None:
        """Stay."""


@pytest.fixture(params=["sealed", "clear"])
def opened(request: pytest.FixtureRequest) -> Open:
    """Opens one log again and again, with personal fields sealed or in the clear."""
    store, provider = Kept(), CountingProvider()

    def reopened() -> AuditLogger:
        vault = Vault(provider) if request.param == "sealed" else None
        return AuditLogger(store, signer(), vault=vault, limits=_POLICY)

    return reopened


def tried(log: AuditLogger, *, match: bool = False, **fields: Any) -> Attempt:
    """One attempt."""
    with log.attempt(action="door.open", modality="face", **fields) as attempt:
        attempt.grant() if match else attempt.deny(Reason.NON_MATCH)
    return attempt


def at(ip: str) -> dict[str, Any]:
    """What an attempt from an address says."""
    return {"context": Context(ip=ip)}


SPELLED: dict[str, list[dict[str, Any]]] = {
    "subject": [{"subject": unicodedata.normalize(one, "Zoë Ångström")} for one in ("NFC", "NFD")],
    "device": [
        {"context": Context(device_id=unicodedata.normalize(one, "Büro 1"))}
        for one in ("NFC", "NFD")
    ],
    "IPv4 in IPv6": [at("192.0.2.1"), at("::ffff:192.0.2.1"), at("::ffff:c000:201")],
    "one network": [at("2001:db8::1"), at("2001:db8::ffff:0:1"), at("2001:0DB8:0::2")],
    "zones": [at("fe80::1%eth0"), at("fe80::1%eth1"), at("fe80::2")],
}


@pytest.mark.parametrize("name", SPELLED)
def test_one_who_is_spelled_in_many_ways_is_one(opened: Open, name: str) -> None:
    """Failures under each spelling are counted together, and also where the log is opened anew."""
    ways = SPELLED[name]
    with opened() as log:
        assert tried(log, **ways[0]).locked is None
    with opened() as log:
        assert tried(log, **ways[1]).locked is None
        assert tried(log, **ways[-1]).locked is not None
    with opened() as log:
        for way in ways:
            attempt = tried(log, match=True, **way)
            assert not attempt.granted
            assert attempt.locked is not None


def test_addresses_in_another_form_are_not_one_network(opened: Open) -> None:
    """Who is locked out at one IPv4 address locks nobody out whose address has the same form."""
    with opened() as log:
        for _ in range(3):
            tried(log, **at("::ffff:192.0.2.1"))
        assert not tried(log, match=True, **at("192.0.2.1")).granted
        for other in ("::ffff:192.0.2.2", "192.0.2.2", "::192.0.2.1", "::1"):
            assert tried(log, match=True, **at(other)).granted


def test_a_lock_is_lifted_by_either_form(opened: Open) -> None:
    """An address that was locked in one form is unlocked in the other."""
    with opened() as log:
        for _ in range(3):
            tried(log, **at("::ffff:192.0.2.1"))
    with opened() as log:
        log.unlock(ip="192.0.2.1", reason="host.mistake", by="desk-2")
        assert tried(log, match=True, **at("::ffff:192.0.2.1")).granted
