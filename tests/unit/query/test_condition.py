"""Conditions written in Python: what they admit, and what they refuse."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

import biotrail
from biotrail import Comparison, Context, Location, field
from biotrail.errors import QueryError, SealedError
from biotrail.query import And, Compare, Condition, Not, Or, RecordReader, Where, parse_condition
from biotrail.query.condition import MAXIMUM_DEPTH, MAXIMUM_TERMS
from biotrail.query.places import kilometres_between
from tests.unit.query._logs import event, sealed_log

pytestmark = pytest.mark.component("lark")

_BERLIN, _MUNICH = (52.52, 13.405), (48.137, 11.575)


@pytest.fixture(scope="module")
def record() -> Any:
    """A record with every field, opened."""
    comparison = Comparison(
        matcher="face", version="1", decision="match", score=0.75, threshold=0.5, quality=0.9,
        reference="r-1", gallery="g-1", presentation_attack="bona_fide",
    )  # fmt: skip
    context = Context(
        ip="192.0.2.7", device_id="reader-1", session_id="s-1", user_agent="agent", os="Linux",
        device_model="m", request_id="q-1", trace_id="t-1",
        location=Location(latitude=_BERLIN[0], longitude=_BERLIN[1], country="DE", city="Berlin"),
    )  # fmt: skip
    full = event(
        comparison=comparison, context=context, target="flat", tenant="north", factors=("pin",),
        labels={"floor": 3, "wing": "é", "ok": True}, attributes={"badge": "b-1"},
        occurred=datetime(2026, 11, 20, tzinfo=UTC), subject="anna",
    )  # fmt: skip
    store, vault = sealed_log([full])
    return RecordReader(store, vault=vault).record(2)


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("index", 2, 3),
        ("occurred", datetime(2026, 11, 20, tzinfo=UTC), "2026-11-21"),
        ("kind", "event", "genesis"),
        ("action", "door.open", "door.close"),
        ("target", "flat", "house"),
        ("modality", "face", "voice"),
        ("decision", "granted", "denied"),
        ("outcome", "success", "failure"),
        ("reason", "unspecified", "host.tired"),
        ("tenant", "north", "south"),
        ("matcher", "face", "voice"),
        ("id", UUID(int=1), str(UUID(int=2))),
        ("comparison", "match", "non_match"),
        ("pad", "bona_fide", "attack"),
        ("factor", "pin", "badge"),
        ("reference", "r-1", "r-2"),
        ("gallery", "g-1", "g-2"),
        ("threshold", 0.5, Decimal("0.500001")),
        ("quality", 0.9, 0.8),
        ("os", "Linux", "linux"),
        ("device_model", "m", "n"),
        ("request_id", "q-1", "q-2"),
        ("trace_id", "t-1", "t-2"),
        ("subject", "anna", "guard"),
        ("actor", "guard", "anna"),
        ("device", "reader-1", "reader-2"),
        ("ip", "192.0.2.7", "192.0.2.8"),
        ("score", 0.75, 0.749999),
        ("country", "DE", "AT"),
        ("city", "Berlin", "Bonn"),
        ("session", "s-1", "s-2"),
        ("user_agent", "agent", "other"),
        ("label.floor", 3, "3"),
        ("label.ok", True, 1),
        ("label.wing", "e\u0301", "e"),
        ("attribute.badge", "b-1", "b-2"),
    ],
)
def test_every_field(record: Any, name: str, value: Any, other: Any) -> None:
    """Each field equals what was recorded and nothing else, and its text says the same."""
    for condition in (
        field(name) == value,
        field(name) != other,
        field(name).one_of(other, value),
        field(name).exists(),
        ~(field(name) == other),
    ):
        assert condition.admits(record), condition
        assert not (~condition).admits(record)
        assert parse_condition(str(condition)) == condition
    assert not (field(name) == other).admits(record)


def test_order(record: Any) -> None:
    """Numbers and times have an order; the host's own whole numbers too."""
    for name, value in (
        ("score", 0.75),
        ("index", 2),
        ("label.floor", 3),
        ("occurred", "2026-11-20"),
    ):
        named = field(name)
        assert ((named <= value) & (named >= value)).admits(record)
        assert not ((named < value) | (named > value)).admits(record)
    assert (field("recorded") > datetime(2026, 11, 20, tzinfo=UTC)).admits(record)
    assert not (field("attribute.badge") < 5).admits(record)


def test_what_is_absent(record: Any) -> None:
    """A field that a record does not have compares with nothing; its not is all the rest."""
    absent = field("label.none")
    assert not (absent == 1).admits(record)
    assert (absent != 1).admits(record)
    assert (~(absent > 1)).admits(record)
    assert not absent.exists().admits(record)
    assert not field("region").starts_with("x").admits(record)


def test_places(record: Any) -> None:
    """Networks and surroundings reach as far as they say."""
    assert field("ip").within("192.0.2.0/29").admits(record)
    assert not field("ip").within("192.0.2.8/29").admits(record)
    assert not field("ip").within("::/0").admits(record)
    assert field("location").near(*_BERLIN, km=0).admits(record)
    assert field("location").near(*_MUNICH, km=505).admits(record)
    assert not field("location").near(*_MUNICH, km=503).admits(record)
    assert kilometres_between((90.0, 0.0), (-90.0, 77.0)) == pytest.approx(20_015.1, abs=0.1)
    assert kilometres_between((0.0, 179.5), (0.0, -179.5)) == pytest.approx(111.2, abs=0.1)


def test_sealed() -> None:
    """Of a personal field that was not opened nothing is said, neither yes nor no."""
    store, _ = sealed_log([event()])
    sealed = RecordReader(store).record(2)
    for name in ("subject", "ip", "score", "country", "attribute.x"):
        with pytest.raises(SealedError):
            field(name).exists().admits(sealed)
    assert (field("action") == "door.open").admits(sealed)


def test_joined() -> None:
    """Joined conditions are flat, compare by value, and can be pickled."""
    one, two, three = (field("index") == number for number in (1, 2, 3))
    assert (one & two) & three == And((one, two, three))
    assert (one | two) | three == Or((one, Or((two, three))))
    assert ~~one == one
    assert pickle.loads(pickle.dumps(~(one & two))) == Not(And((one, two)))
    assert [found.name for found in (one & ~two).fields()] == ["index", "index"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: field("outcom"), "did you mean 'outcome'"),
        (lambda: field(3), "named by text"),  # type: ignore[arg-type] # what is tested
        (lambda: field("label."), "23 bytes"),
        (lambda: field("attribute." + "x" * 24), "23 bytes"),
        (lambda: field("outcome") == "fail", "did you mean"),
        (lambda: field("reason") == "hosts", "reason is never"),
        (lambda: field("action") < "b", "has no order"),
        (lambda: field("label.x") < "b", "has no order"),
        (lambda: field("action") == 3, "with text"),
        (lambda: field("action") == "", "1 to 1024"),
        (lambda: field("action") == "\ud800", "not Unicode"),
        (lambda: field("index") == 0.5, "whole number"),
        (lambda: field("index") == True, "whole number"),  # noqa: E712
        (lambda: field("index") == 2**63, "whole number"),
        (lambda: field("score") == "x", "a number"),
        (lambda: field("score") == float("nan"), "finite"),
        (lambda: field("score") == "0.1234567", "six decimals"),
        (lambda: field("recorded") > datetime(2026, 1, 1), "aware"),
        (lambda: field("recorded") > "now", "a time such as"),
        (lambda: field("id") == "x", "UUID"),
        (lambda: field("ip") == "10.0.0.0/8", "ip in"),
        (lambda: field("ip").within("10.0.0.1/8"), "bits of a host"),
        (lambda: field("device").within("10.0.0.0/8"), "no address"),
        (lambda: field("location") == "Berlin", "within 50 km"),
        (lambda: field("ip").near(0, 0, km=1), "no place"),
        (lambda: field("location").near(91, 0, km=1), "latitude"),
        (lambda: field("location").near(0, 0, km=-1), "negative"),
        (lambda: field("location").near("x", 0, km=1), "is a number"),  # type: ignore[arg-type]
        (lambda: field("score").starts_with("0"), "no text"),
        (lambda: field("action").one_of(), "at least one"),
        (lambda: field("index").one_of(*range(MAXIMUM_TERMS + 1)), "at most"),
        (lambda: Compare("index", "~", 3), "no operator"),  # type: ignore[arg-type] # what is tested
        (lambda: And((field("index") == 1,)), "two conditions"),
        (lambda: Not("x"), "no condition"),  # type: ignore[arg-type] # what is tested
        (lambda: (field("index") == 1) & "x", "no condition"),  # type: ignore[operator] # likewise
        (lambda: (field("index") == 1) and (field("index") == 2), "joined by &"),
    ],
)
def test_refused(make: Any, message: str) -> None:
    """What makes no sense is refused where it is written, with a hint."""
    with pytest.raises(QueryError, match=message):
        make()


def test_bounds() -> None:
    """Conditions are bounded in depth and length."""
    condition: Condition = field("index") == 1
    for number in range(MAXIMUM_DEPTH):
        try:
            condition = Not(condition | (field("index") == number))
        except QueryError as error:
            assert "deeper" in str(error)  # noqa: PT017
            assert condition.depth >= MAXIMUM_DEPTH - 2
            break
    else:
        pytest.fail("nothing was refused")
    with pytest.raises(QueryError, match="at most"):
        Or([field("index") == number for number in range(MAXIMUM_TERMS + 1)])


def test_where() -> None:
    """Equality on what is in the clear can be written as a condition."""
    until = datetime(2026, 11, 24, tzinfo=UTC)
    assert Where().condition() is None
    assert Where(outcome="failure").condition() == (field("outcome") == "failure")
    assert Where(since=until, until=until, matcher="m").condition() == And(
        (field("recorded") >= until, field("recorded") < until, field("matcher") == "m")
    )


def test_names() -> None:
    """The names are at the package's door."""
    assert biotrail.field is field
    assert biotrail.parse_condition is parse_condition
