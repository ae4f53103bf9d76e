"""Random logs of which every value is known beforehand, and random questions to them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from unicodedata import normalize
from uuid import UUID

from hypothesis import strategies as st

import biotrail
from biotrail.canonical import decode_entry
from biotrail.query import LogQuery
from biotrail.vault import Vault
from tests.properties.naive_questions import Node, Row
from tests.unit.vault._providers import CountingProvider

__all__ = ["KnownLog", "nodes"]

ORIGIN = "example.com/door"
SIGNER = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
START = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
_OWN = ("log.read", "detection.rate", "threshold.change")
_TEXTS: dict[str, Sequence[str]] = {
    "action": ("door.open", "door.close", "vault.open", "Door.Open", *_OWN),
    "target": ("a", "b", "Zoë's café", 'quoted "x" \\ and', "not", "3"),
    "tenant": ("north", "south", "Süd"),
    "matcher": ("face-a", "face-b"),
    "trace_id": ("t-1", "t-2"),
    "request_id": ("r-1", "r-2"),
    "os": ("Linux", "linux"),
    "device_model": ("m 1", "m 2"),
    "reference": ("ref-1", "ref-2"),
    "gallery": ("staff/1", "guests/2"),
    "subject": ("anna", "bo", "Zoë"),
    "actor": ("anna", "guard"),
    "device": ("reader-1", "reader-2", "reader 3"),
    "session": ("s-1", "s-2"),
    "user_agent": ("Mozilla/5.0 (X11)", "curl/8"),
    "country": ("DE", "AU"),
    "region": ("Bayern", "Berlin"),
    "city": ("München", "Sydney"),
    "modality": ("face", "voice", "none"),
    "decision": ("granted", "denied"),
    "outcome": ("success", "failure", "unknown"),
    "reason": ("match", "non_match", "host.tired"),
    "comparison": ("match", "non_match", "undetermined"),
    "pad": ("bona_fide", "attack"),
}
_ALWAYS = ("action", "modality", "decision", "outcome", "reason")
_NUMBERED = ("score", "threshold", "quality")
_COMPARED = ("matcher", "comparison", "pad", "reference", "gallery", *_NUMBERED)
_CONTEXT = ("os", "device_model", "user_agent", "trace_id", "request_id")
_PLACES = ((52.52, 13.405), (48.137, 11.575), (-33.868, 151.209))
_NUMBERS = [Decimal(one) for one in ("0", "0.25", "0.5", "0.500001", "1", "-0.75", "12.5")]
_ADDRESSES = [ip_address(one) for one in ("192.0.2.1", "192.0.2.200", "10.0.0.1", "2001:db8::1")]
_NETWORKS = (
    *("192.0.2.0/24", "192.0.2.0/25", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0"),
    *("192.0.2.200", "2001:db8::1/128", "192.0.0.0/16", "192.0.2.128/28"),
)
_LABELS: dict[str, Sequence[Any]] = {
    "floor": (-1, 0, 3, "3", "ground"),
    "ok": (True, False, 1, "true"),
}


class KnownLog:
    """An open log, and a row for each of its entries.

    Attributes:
        rows: The rows, by index.
        sizes: Sizes of which the log keeps a checkpoint.
        asked: Questions to it.
    """

    def __init__(self, store: Any, *, sealed: bool, seed: int) -> None:
        self._store = store
        self._draw = random.Random(seed)
        self._now = START
        vault = Vault(CountingProvider()) if sealed else None
        self._log = biotrail.AuditLogger(store, SIGNER, vault=vault, clock=lambda: self._now)
        self.rows: list[Row] = []
        self.sizes: list[int] = []
        self._learn(self._log.checkpoint().size)
        self.asked = LogQuery(store, trusted=str(SIGNER.verifier_key), vault=vault)

    def grow(self, count: int) -> None:
        """Record so many events, in batches some time apart."""
        draw = self._draw
        while count:
            many = min(count, draw.randrange(1, 60))
            self._now += timedelta(seconds=draw.randrange(9_000), microseconds=draw.randrange(9))
            drawn = [_drawn(draw, self._now) for _ in range(many)]
            receipts = self._log.record_many([_event(values) for values, _ in drawn])
            for receipt, (_, row) in zip(receipts, drawn, strict=True):
                assert receipt.index == len(self.rows)
                own = {"index": receipt.index, "recorded": self._now, "kind": "event"}
                self.rows.append({**row, **{name: (own[name],) for name in own}})
            count -= many
            self.sizes.append(self._log.checkpoint().size)

    def close(self) -> None:
        """Close the log and its store."""
        self.asked.close()
        self._log.close()
        self._store.close()

    def _learn(self, size: int) -> None:
        """Rows of the entries with which the log began, which are no events."""
        start = len(self.rows)
        for index, data, _ in self._store.raw_entries(start, size):
            entry = decode_entry(data)
            own = {"index": index, "recorded": entry.recorded, "kind": entry.kind}
            self.rows.append({name: (own[name],) for name in own})


def _drawn(draw: random.Random, now: datetime) -> tuple[dict[str, Any], Row]:
    """Values of one event, and the row that they make."""
    values: dict[str, Any] = {name: draw.choice(some) for name, some in _TEXTS.items()}
    values |= {name: draw.choice(_NUMBERS) for name in _NUMBERED}
    values["ip"] = draw.choice(_ADDRESSES)
    values["location"] = draw.choice(_PLACES)
    for name in [one for one in values if one not in _ALWAYS and draw.random() < 0.3]:
        del values[name]
    # Some values are only there together with others.
    absent: set[str] = set() if "location" in values else {"country", "region", "city"}
    if not {"matcher", "comparison"} <= values.keys():
        absent |= {*_COMPARED}
    values = {name: one for name, one in values.items() if name not in absent}
    row: dict[str, Sequence[Any]] = {name: (one,) for name, one in values.items()}
    values["id"] = UUID(int=draw.getrandbits(128))
    values["occurred"] = now + timedelta(seconds=draw.randrange(-9_000, 3), microseconds=1)
    values["factors"] = draw.choice(((), ("pin",), ("pin", "badge")))
    for place in ("label", "attribute"):
        own = {name: draw.choice(some) for name, some in _LABELS.items() if draw.random() < 0.6}
        values[f"{place}s"] = own
        row |= {f"{place}.{name}": (one,) for name, one in own.items()}
    row |= {"id": (values["id"],), "occurred": (values["occurred"],), "factor": values["factors"]}
    row["attempt"] = ("no" if values["action"] in _OWN else "yes",)
    return values, row


def _event(given: dict[str, Any]) -> biotrail.Event:
    found: Any = given.get
    location = None
    if "location" in given:
        latitude, longitude = given["location"]
        location = biotrail.Location(
            latitude=latitude,
            longitude=longitude,
            **{name: found(name) for name in ("country", "region", "city")},
        )
    comparison = None
    if "matcher" in given:
        numbers: Any = {one: float(given[one]) for one in _NUMBERED if one in given}
        comparison = biotrail.Comparison(
            matcher=given["matcher"],
            version="1",
            decision=given["comparison"],
            presentation_attack=found("pad"),
            reference=found("reference"),
            gallery=found("gallery"),
            **numbers,
        )
    context = biotrail.Context(
        ip=found("ip"),
        device_id=found("device"),
        session_id=found("session"),
        location=location,
        **{one: found(one) for one in _CONTEXT},
    )
    others = ("subject", "actor", "target", "tenant")
    return biotrail.Event(
        **{one: given[one] for one in (*_ALWAYS, "id", "occurred", "factors")},
        **{one: found(one) for one in (*others, "labels", "attributes")},
        comparison=comparison,
        context=context,
    )


_SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_TIMES = [START + timedelta(hours=one, microseconds=one % 3) for one in range(-2, 400, 5)]
_WORDS = ("modality", "decision", "outcome", "comparison", "pad")


def _terms(log: KnownLog) -> st.SearchStrategy[Node]:
    one = st.sampled_from
    known = [row["recorded"][0] for row in log.rows[:: max(1, len(log.rows) // 40)]]
    ids = [row["id"][0] for row in log.rows[2::50] if "id" in row]
    pools: dict[str, Sequence[Any]] = {
        **_TEXTS,
        "attempt": ("yes", "no"),
        "kind": ("event", "genesis", "log_started", "log_stopped", "log_gap"),
        "factor": ("pin", "badge"),
        "ip": [*_ADDRESSES, ip_address("10.9.9.9")],
        "id": [*ids, UUID(int=1)],
        **{name: [*_NUMBERS, Decimal(99)] for name in _NUMBERED},
        **{name: [*_TIMES, *known] for name in ("recorded", "occurred")},
        "index": [0, 1, 2, 3, 40, 4_095, 4_096, len(log.rows) - 1, 10**9],
        **{
            f"{place}.{name}": _LABELS[name] for place in ("label", "attribute") for name in _LABELS
        },
        "label.none": (1, "x"),
    }
    ordered = ("score", "threshold", "quality", "recorded", "occurred", "index")
    terms: list[st.SearchStrategy[Node]] = []
    for name, pool in pools.items():
        signs = _SIGNS if name in ordered else _SIGNS[:2]
        is_open = name in _TEXTS and name not in _WORDS
        values = one([*pool, *_others(name, pool)] if is_open else pool)
        terms.append(_node(one(signs), st.just(name), values))
        some = st.lists(values, min_size=1, max_size=3)
        terms.append(st.builds(lambda name, some: ("in", name, *some), st.just(name), some))
        terms.append(_node(st.just("exists"), st.just(name)))
    whole = one(["label.floor", "attribute.floor"])
    terms.append(_node(one(_SIGNS), whole, one([-1, 0, 2, 3])))
    begun = one(["door.", "Door", "Zo", "Zoe\u0308", "reader", "host", "g"])
    texts = one([*sorted(_TEXTS.keys() - {*_WORDS}), "label.floor", "attribute.ok"])
    terms.append(_node(st.just("starts"), texts, begun))
    terms.append(_node(st.just("network"), st.just("ip"), one(_NETWORKS)))
    near = [st.just(52.0), st.just(13.0), one([0.5, 100, 600, 5_000, 20_037])]
    terms.append(_node(st.just("near"), st.just("location"), *near))
    terms.append(_node(st.just("exists"), st.just("location")))
    return st.one_of(terms)


def _node(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return st.tuples(*parts)


def _others(name: str, pool: Sequence[str]) -> list[str]:
    """The same in another form of Unicode, in capitals, and a value that nothing has."""
    others = normalize("NFD", pool[-1]), pool[0].upper(), "no such"
    return ["host.other"] if name == "reason" else [*others]


def nodes(log: KnownLog) -> st.SearchStrategy[Node]:
    """Questions to a log, nested."""

    def deeper(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        some = st.lists(inner, min_size=2, max_size=3)
        joined = st.builds(lambda kind, some: (kind, *some), st.sampled_from(["and", "or"]), some)
        return joined | st.tuples(st.just("not"), inner)

    return st.recursive(_terms(log), deeper, max_leaves=6)
