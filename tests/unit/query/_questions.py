"""Logs and conditions for the tests of questions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

import biotrail
from biotrail import Comparison, Context, Location
from biotrail.query import (
    And,
    Compare,
    Condition,
    Exists,
    LogQuery,
    Near,
    Not,
    OneOf,
    Or,
    StartsWith,
    Within,
)
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN, START, open_log
from tests.unit.vault._providers import CountingProvider

KEY = str(biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32)).verifier_key)
ACTIONS = ("door.open", "door.close", "vault.open", "log.read", "detection.rate")
PLACES = ((52.52, 13.405), (48.137, 11.575), (-33.868, 151.209), (90.0, 0.0))


def varied_event(number: int, draw: random.Random) -> biotrail.Event:
    """An event whose fields are there or not, out of few values each."""
    some = draw.choice

    def maybe(value: Any) -> Any:
        return value if draw.random() < 0.7 else None

    latitude, longitude = some(PLACES)
    location = Location(latitude=latitude, longitude=longitude, country=some(("DE", "AU")))
    context = Context(
        ip=maybe(some(("192.0.2.1", "192.0.2.200", "10.0.0.1", "2001:db8::1"))),
        device_id=maybe(some(("reader-1", "reader-2"))),
        session_id=maybe(some(("s-1", "s-2"))),
        os=maybe("Linux"),
        request_id=maybe(f"r-{number % 4}"),
        location=maybe(location),
    )
    comparison = Comparison(
        matcher=some(("face-a", "face-b")),
        version="1",
        decision=some(("match", "non_match")),
        score=maybe(draw.randrange(10) / 10),
        threshold=0.5,
    )
    return biotrail.Event(
        id=UUID(int=number + 1),
        action=some(ACTIONS),
        decision=some(("granted", "denied")),
        outcome=some(("success", "failure", "unknown")),
        reason=some(("match", "non_match", "no_face", "host.tired")),
        modality=some(("face", "voice", "none")),
        subject=maybe(some(("anna", "bo", "cid"))),
        actor=maybe(some(("anna", "guard"))),
        target=maybe(some(("a", "b", 'quoted "x" and y'))),
        tenant=maybe(some(("north", "south"))),
        comparison=maybe(comparison),
        context=context,
        factors=some(((), ("pin",), ("pin", "badge"))),
        labels=maybe({"floor": draw.randrange(3), "ok": draw.random() < 0.5}) or {},
        attributes=maybe({"badge": some(("b-1", "b-2"))}) or {},
        occurred=START + timedelta(seconds=draw.randrange(-5_000, 5_000)),
    )


def varied_log(
    count: int, seed: int, *, sealed: bool, store: Any = None
) -> tuple[Any, Vault | None]:
    """A log of so many varied events, in batches of random sizes."""
    draw = random.Random(seed)
    store = MemoryStore() if store is None else store
    vault = Vault(CountingProvider()) if sealed else None
    with open_log(store, vault) as log:
        add_events(log, count, draw)
    return store, vault


def add_events(log: biotrail.AuditLogger, count: int, draw: random.Random) -> None:
    """Record so many varied events."""
    start = log.checkpoint().size
    while count:
        many = min(count, draw.randrange(1, 700))
        log.record_many([varied_event(start + number, draw) for number in range(many)])
        start, count = start + many, count - many


def ask(store: Any, vault: Vault | None = None) -> LogQuery:
    """Questions to a log of these tests."""
    return LogQuery(store, trusted=KEY, vault=vault)


def _compare(name: str, values: Sequence[Any], operators: str = "=") -> st.SearchStrategy[Any]:
    signs = st.sampled_from(operators.split())
    value = st.sampled_from(values)
    return st.builds(Compare, st.just(name), signs, value) | st.builds(
        OneOf, st.just(name), st.lists(value, min_size=1, max_size=3)
    )


_ORDER = "= < <= > >="
_RECORDED = [START + timedelta(minutes=one) for one in range(-1, 14)]
_OCCURRED = [START + timedelta(seconds=one) for one in range(-5_000, 5_000, 700)]
_NETWORKS = ["192.0.2.0/24", "192.0.2.0/25", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"]
_CLEAR = [
    _compare("index", [0, 1, 2, 5, 40, 4_095, 4_096, 8_191, 2**40], _ORDER),
    _compare("recorded", _RECORDED, _ORDER),
    _compare("occurred", _OCCURRED, _ORDER),
    _compare("kind", ["event", "genesis", "configuration_changed"]),
    _compare("action", [*ACTIONS, "no.such"]),
    _compare("attempt", ["yes", "no"]),
    _compare("target", ["a", "b", 'quoted "x" and y']),
    _compare("modality", ["face", "voice"]),
    _compare("decision", ["granted", "denied"]),
    _compare("outcome", ["success", "failure"]),
    _compare("reason", ["match", "host.tired"]),
    _compare("tenant", ["north", "south", "east"]),
    _compare("matcher", ["face-a", "face-b"]),
    _compare("comparison", ["match", "undetermined"]),
    _compare("factor", ["pin", "badge"]),
    _compare("os", ["Linux"]),
    _compare("request_id", ["r-1"]),
    _compare("id", [UUID(int=3), UUID(int=5_000)]),
    _compare("threshold", [0.5, "0.25"], _ORDER),
    _compare("label.floor", [0, 1, 2], _ORDER),
    _compare("label.ok", [True, False]),
    st.builds(StartsWith, st.sampled_from(["action", "target", "reason"]), st.just("door.")),
    st.builds(
        Exists,
        st.sampled_from(["target", "tenant", "matcher", "kind", "attempt", "label.ok", "factor"]),
    ),
]
_PERSONAL = [
    _compare("subject", ["anna", "bo", "nobody"]),
    _compare("actor", ["anna", "guard"]),
    _compare("device", ["reader-1", "reader-9"]),
    _compare("ip", ["192.0.2.1", "2001:db8::1"]),
    _compare("session", ["s-1"]),
    _compare("score", [0, 0.3, "0.5", 0.9], _ORDER),
    _compare("country", ["DE"]),
    _compare("attribute.badge", ["b-1"]),
    st.builds(
        Within,
        st.just("ip"),
        st.sampled_from(_NETWORKS),
    ),
    st.sampled_from([Near("location", 52.0, 13.0, km) for km in (0, 100, 600, 20_000)]),
    st.builds(Exists, st.sampled_from(["subject", "ip", "location", "score"])),
    st.builds(StartsWith, st.just("subject"), st.just("a")),
]


def conditions(*, personal: bool = True) -> st.SearchStrategy[Condition]:
    """Conditions over what `varied_event` records."""
    terms = st.one_of([*_CLEAR, *(_PERSONAL if personal else [])])

    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3)
        return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, inner)

    return st.recursive(terms, deeper, max_leaves=6)
