"""Rich random events, and the values that a record may hold."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from biotrail import (
    Actor,
    ActorKind,
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    ComparisonType,
    Context,
    Event,
    Factor,
    Location,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Provenance,
    Reason,
    Subject,
)
from biotrail.events._rules import _NAMES_OF_BIOMETRICS

_ASSIGNED = st.characters(exclude_categories=["Cs", "Cc", "Cn"])
_WITH_CONTROLS = st.characters(exclude_categories=["Cs", "Cn"])


def texts(maximum: int, *, controls: bool = False) -> st.SearchStrategy[str]:
    """Return texts that a field with this limit accepts; not all in form C."""
    characters = _WITH_CONTROLS if controls else _ASSIGNED
    return st.text(characters, min_size=1, max_size=min(maximum, 20)).filter(
        lambda text: 0 < len(unicodedata.normalize("NFC", text)) <= maximum
    )


def reals(limit: float) -> st.SearchStrategy[float]:
    """Return real numbers within a limit."""
    return st.floats(-limit, limit, allow_nan=False) | st.integers(-int(limit), int(limit))


def maybe(several: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return one of several, or None."""
    return st.none() | several


moments = st.datetimes(
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    timezones=st.just(UTC)
    | st.builds(timezone, st.timedeltas(timedelta(-1, 1), timedelta(0, 86_399))),
)


def _names_a_value(text: str) -> bool:
    normal = unicodedata.normalize("NFC", text)
    return len(normal.encode()) <= 23 and normal.lower() not in _NAMES_OF_BIOMETRICS


names = texts(23).filter(_names_a_value)
_host_values = (
    texts(512, controls=True)
    | st.integers(-(2**63 - 1), 2**63 - 1)
    | st.booleans()
    | st.binary(max_size=64)
)


def host_values(extra: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings of the host's own values, no two names the same in form C."""
    values = _host_values if extra is None else _host_values | extra
    return st.dictionaries(
        names,
        values,
        max_size=5,
    ).filter(lambda one: len({unicodedata.normalize("NFC", name) for name in one}) == len(one))


actors = st.builds(Actor, id=texts(256), kind=st.sampled_from(ActorKind), name=maybe(texts(256)))
subjects = st.builds(Subject, id=texts(256), name=maybe(texts(256)))
locations = st.builds(
    Location,
    latitude=reals(90),
    longitude=reals(180),
    accuracy_m=maybe(st.integers(0, 40_000_000)),
    country=maybe(st.text("ABCXYZ", min_size=2, max_size=2)),
    region=maybe(texts(128)),
    city=maybe(texts(128)),
)
comparisons = st.builds(
    Comparison,
    matcher=texts(128),
    version=texts(64),
    decision=st.sampled_from(ComparisonDecision),
    score=maybe(reals(1e12)),
    threshold=maybe(reals(1e12)),
    digest=maybe(st.binary(min_size=32, max_size=32)),
    metric=maybe(texts(64)),
    type=maybe(st.sampled_from(ComparisonType)),
    calibration=maybe(texts(128)),
    quality=maybe(reals(1e12)),
    presentation_attack=maybe(st.sampled_from(PresentationAttackDecision)),
    reference=maybe(texts(128)),
    gallery=maybe(texts(128)),
    gallery_size=maybe(st.integers(0, 2**63 - 1)),
)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Return contexts with provenance for some of the fields that are set."""
    given: dict[str, Any] = {
        "ip": draw(maybe(st.ip_addresses())),
        "device_id": draw(maybe(texts(256))),
        "device_model": draw(maybe(texts(128))),
        "os": draw(maybe(texts(128))),
        "user_agent": draw(maybe(texts(1024, controls=True))),
        "location": draw(maybe(locations)),
        "session_id": draw(maybe(texts(256))),
        "request_id": draw(maybe(texts(128))),
        "trace_id": draw(maybe(texts(128))),
    }
    known = [name for name, value in given.items() if value is not None]
    vouched = draw(st.sets(st.sampled_from(known))) if known else set()
    return Context(
        **given, provenance={name: draw(st.sampled_from(Provenance)) for name in vouched}
    )


def events(*, host: st.SearchStrategy[dict[str, Any]] | None = None) -> st.SearchStrategy[Event]:
    """Return events of every kind; `host` replaces the host's own personal values."""
    return st.builds(
        Event,
        id=st.uuids(),
        action=texts(128),
        decision=st.sampled_from(ApplicationDecision),
        actor=maybe(actors),
        subject=maybe(subjects),
        target=maybe(texts(256)),
        modality=st.sampled_from(Modality),
        factors=st.lists(st.sampled_from(Factor), unique=True, max_size=4),
        comparison=maybe(comparisons),
        outcome=maybe(st.sampled_from(Outcome)),
        reason=st.sampled_from(Reason) | texts(50).map(lambda word: f"host.{word}"),
        context=contexts(),
        tenant=maybe(texts(128)),
        attributes=host_values() if host is None else host,
        labels=host_values(),
        occurred=moments,
    )


_normal = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
_keys = _normal.filter(lambda text: 1 <= len(text.encode()) <= 23)
_items = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.sampled_from([23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, -24, -25, -256, -257])
    | st.binary(max_size=30)
    | _normal
)
cbor_values: st.SearchStrategy[Any] = st.recursive(
    _items,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=12,
)
