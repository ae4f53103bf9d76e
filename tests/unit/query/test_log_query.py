"""Questions to a log: pages, cursors, checkpoints, counts, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail import Ed25519Signer, LogQuery, MemoryStore, Where, field, open_query
from biotrail.errors import (
    ClosedError,
    QueryError,
    RolledBackError,
    SealedError,
    SignatureError,
    VaultError,
    WrongKeyError,
)
from biotrail.query import FacetValue, Page, TimeBucket
from biotrail.signing import SignedCheckpoint
from biotrail.vault import PersonalFields, Vault
from tests.unit.query._logs import ORIGIN, START, event, open_log, sealed_log
from tests.unit.query._questions import KEY, ask
from tests.unit.vault._providers import CountingProvider

pytestmark = pytest.mark.component("lark")


def _indices(page: Page) -> list[int]:
    assert page.misleading == ()
    return [one.index for one in page.records]


@pytest.fixture
def asked() -> LogQuery:
    """A sealed log of a genesis, a policy, and 20 events of a minute each."""
    store, vault = sealed_log(
        event(
            number,
            outcome="success" if number % 4 else "failure",
            occurred=START - timedelta(seconds=number % 7),
        )
        for number in range(20)
    )
    return ask(store, vault)


def test_page(asked: LogQuery) -> None:
    """The newest come first, a page at a time, and the last page has no cursor."""
    page = asked.query("outcome = failure", limit=3)
    assert _indices(page) == [18, 14, 10]
    assert page.checkpoint.size == 22
    following = asked.query("outcome = failure", limit=3, cursor=page.next)
    assert (_indices(following), following.next) == ([6, 2], None)
    assert _indices(asked.query("outcome = failure", sort="index", limit=2)) == [2, 6]
    assert [one.index for one in asked.search("kind != event")] == [1, 0]
    assert _indices(asked.query(limit=2)) == [21, 20]
    assert _indices(asked.query(Where(outcome="failure"), limit=1)) == [18]
    assert _indices(asked.query("index = 30")) == []


def test_order_of_occurrence(asked: LogQuery) -> None:
    """Entries are sorted by when they occurred, and among equals by index."""
    found = [one.record for one in asked.search(field("kind") == "event", sort="occurred")]
    keys = [(one.event.occurred, one.index) for one in found if one.event]
    assert keys == sorted(keys)
    assert len(keys) == 20
    back = [one.index for one in asked.search(field("kind") == "event", sort="-occurred")]
    assert back == [one.index for one in reversed(found)]


def test_personal(asked: LogQuery) -> None:
    """Who holds the vault asks for personal fields, and reads them in the answers."""
    (found,) = asked.query(
        "subject = person-1 and device = reader-3 and ip in 192.0.1.0/24"
    ).records
    assert found.event is not None
    assert found.event.subject is not None
    assert found.event.subject.id == "person-1"
    assert found.record.index == found.entry.index == 15


def test_proof(asked: LogQuery) -> None:
    """Every answer gives a proof file that a stranger checks, with the fields that are named."""
    page = asked.query(limit=2)
    for one in page.records:
        proven = biotrail.verify_proof(one.proof().encode(), KEY, checkpoint=str(page.checkpoint))
        assert proven.entry == one.entry
    shown = biotrail.verify_disclosure(page.records[0].proof(fields=["ip"]).encode(), KEY)
    assert set(shown.fields) == {"ip"}


@pytest.mark.parametrize("name", ["subject", "actor", "device", "ip", "score", "country"])
def test_sealed_without_vault(name: str) -> None:
    """Without the vault nothing sealed can be asked for, and the error names the field."""
    store, _ = sealed_log(event(number) for number in range(3))
    blind = ask(store)
    for act in (blind.query, blind.count):
        with pytest.raises(SealedError, match=name):
            act(field(name).exists())
    with pytest.raises(SealedError, match=name):
        blind.facets(by=[name])
    (found,) = blind.query("index = 2").records
    assert found.record.sealed == ("subject", "actor")


@pytest.mark.parametrize("policy", [{"clear": {"ip", "device_id"}}, {"seal": {"target"}}])
def test_moved_fields(policy: Any) -> None:
    """Fields that a host's policy keeps elsewhere are found there."""
    vault = Vault(CountingProvider(), policy=PersonalFields(**policy))
    store, _ = sealed_log((event(number, target=f"t-{number}") for number in range(9)), vault=vault)
    found = ask(store, vault).query("ip = 192.0.1.3 and device = reader-3")
    assert _indices(found) == [5]
    assert _indices(ask(store, vault).query("target = t-3")) == [5]
    assert ask(store, vault).facets(by=["target"], most=1)["target"][0].count == 1
    blind = ask(store)
    if "clear" in policy:
        assert _indices(blind.query("ip = 192.0.1.3")) == [5]
    with pytest.raises(SealedError, match="may be sealed"):
        blind.query("target = t-3")


def test_as_of(asked: LogQuery) -> None:
    """The log is asked as it stood at any checkpoint that it signed, and no other."""
    earlier = asked.checkpoint(as_of=10)
    assert isinstance(earlier, SignedCheckpoint)
    page = asked.query("outcome = failure", as_of=earlier, limit=1)
    assert _indices(page) == [6]
    assert page.checkpoint == earlier
    assert asked.count(as_of=str(earlier)) == 10
    following = asked.query("outcome = failure", limit=5, cursor=page.next)
    assert (_indices(following), following.checkpoint.size) == ([2], 10)
    assert asked.query("outcome = failure", cursor=page.next, as_of=10).checkpoint == earlier
    with pytest.raises(QueryError, match="size 10, not 12"):
        asked.query("outcome = failure", cursor=page.next, as_of=12)
    for absent in (0, 23):
        with pytest.raises(QueryError, match="size"):
            asked.query(as_of=absent)
    for neither in (True, 10.0, b"10"):
        with pytest.raises(QueryError, match="as_of is a signed checkpoint, or the size"):
            asked.query(as_of=neither)  # type: ignore[arg-type] # it is what is tested
    with pytest.raises(SignatureError):
        asked.query(as_of=str(earlier).replace("\n10\n", "\n11\n"))
    other = Ed25519Signer.from_seed("example.com/other", bytes(32))
    with (
        biotrail.AuditLogger(MemoryStore(), other) as log,
        pytest.raises(QueryError, match="other"),
    ):
        asked.query(as_of=log.checkpoint())


def test_between_checkpoints() -> None:
    """The size of a checkpoint that was never signed is refused, and the next one is named."""
    store = MemoryStore()
    with open_log(store, None) as log:
        log.record_many([event(number) for number in range(5)])
        with pytest.raises(QueryError, match="the next later one is of size 6"):
            log.query(as_of=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "x", "no cursor"),
        (lambda text: text[:-4], "no cursor"),
        (lambda text: text + "AAAA", "no cursor"),
        (lambda text: "é" + text[1:], "no cursor"),
        (lambda text: 3, "no cursor"),
        (lambda text: "B" + text[1:], "no cursor"),
        (lambda text: text[:30] + ("A" if text[30] != "A" else "B") + text[31:], "altered|longer"),
        (lambda text: text[:-4] + ("A" if text[-4] != "A" else "B") + text[-3:], "altered"),
        (lambda text: text[:-3] + chr(ord(text[-3]) + 1) + text[-2:], "no cursor"),
    ],
)
def test_bad_cursors(asked: LogQuery, change: Any, message: str) -> None:
    """What is no cursor, or was altered, is refused."""
    cursor = asked.query(limit=2).next
    with pytest.raises(QueryError, match=message):
        asked.query(limit=2, cursor=change(cursor))


def test_foreign_cursors(asked: LogQuery) -> None:
    """A cursor of another question, order or log is refused."""
    cursor = asked.query(limit=2).next
    with pytest.raises(QueryError, match="another condition"):
        asked.query("outcome = failure", cursor=cursor)
    with pytest.raises(QueryError, match="another order"):
        asked.query(sort="index", cursor=cursor)
    other = Ed25519Signer.from_seed("example.com/other", bytes(32))
    with biotrail.AuditLogger(MemoryStore(), other) as log, pytest.raises(QueryError, match="log"):
        log.query(cursor=cursor)
    twin, _ = sealed_log(event(number + 100) for number in range(20))
    with pytest.raises(QueryError, match="another log"):
        ask(twin).query(cursor=cursor)
    assert asked.query(limit=9, cursor=cursor).records[0].index == 19  # the limit may change


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "1 to 1,000"),
        ({"limit": 1_001}, "1 to 1,000"),
        ({"limit": True}, "1 to 1,000"),
        ({"sort": "score"}, "the order is one of"),
        ({"where": 3}, "not a int"),
    ],
)
def test_bad_questions(asked: LogQuery, options: Any, message: str) -> None:
    """Pages too large and orders that do not exist are refused."""
    with pytest.raises(QueryError, match=message):
        asked.query(**options)


def test_counts(asked: LogQuery) -> None:
    """Answers are counted, by value, and by time."""
    assert asked.count() == 22
    assert asked.count("outcome = failure") == asked.count("outcome = failure", verified=True) == 5
    assert asked.count("subject = person-0 and outcome = failure") == 2
    assert asked.facets()["attempt"] == (FacetValue("yes", 20),)
    facets = asked.facets(by=("outcome", "subject"), most=2)
    assert facets["outcome"] == (FacetValue("success", 15), FacetValue("failure", 5))
    assert facets["subject"] == (FacetValue("person-0", 7), FacetValue("person-1", 7))
    drawn = asked.timeline(bucket=timedelta(minutes=10), by="outcome")
    assert [one.count for one in drawn] == [10, 10, 2]
    assert drawn[-1] == TimeBucket(START + timedelta(minutes=20), 2, {"success": 2})
    window: Any = {"since": START + timedelta(minutes=5), "until": START + timedelta(minutes=7)}
    assert [one.count for one in asked.timeline(bucket="minute", **window)] == [1, 1]
    assert [one.count for one in asked.timeline("kind = event", bucket="week")] == [20]
    by_subject = asked.timeline(bucket="day", by="subject", **window)
    assert [one.by for one in by_subject] == [{"person-0": 1, "person-1": 1}]
    monday = asked.timeline(bucket="week")[0].start
    assert (monday.weekday(), monday.hour) == (0, 0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda asked: asked.timeline(bucket="year"), "a bucket is one of"),
        (lambda asked: asked.timeline(bucket=timedelta(milliseconds=1)), "a bucket is one of"),
        (lambda asked: asked.timeline(bucket=timedelta.max), "a bucket is one of"),
        (lambda asked: asked.facets(by="action"), "several fields"),
        (lambda asked: asked.facets(by=["acton"]), "did you mean"),
    ],
)
def test_bad_counts(asked: LogQuery, act: Any, message: str) -> None:
    """Buckets and fields that do not exist are refused."""
    with pytest.raises(QueryError, match=message):
        act(asked)


def test_erased() -> None:
    """What was erased is no longer found by what is personal, and still by what is in the clear."""
    store, vault = sealed_log(event(number) for number in range(6))
    with open_log(store, vault) as log:
        log.erase("person-1", reason="subject_request", legal_basis="GDPR art. 17(1)(b)")
        assert _indices(log.query("subject = person-1")) == []
        assert _indices(log.query("not subject exists and kind = event")) == [6, 3]
        assert log.query("index = 3").records[0].record.gone[0].how == "erased"


def test_keys() -> None:
    """Questions follow the log through a rotation, from any key that vouches for it."""
    store, following = MemoryStore(), Ed25519Signer.from_seed(ORIGIN, bytes([1] * 32))
    stranger = Ed25519Signer.from_seed(ORIGIN, bytes([2] * 32)).verifier_key
    with open_log(store, None) as log:
        log.record(event())
        early = ask(store)
        assert early.count() == 2
        log.rotate_key(following)
        log.record(event(1))
        assert early.count() == log.count() == 5
        for key in (KEY, following.verifier_key, [str(stranger), KEY]):
            asked = LogQuery(store, trusted=key)
            assert [one.index for one in asked.search(as_of=2)] == [1, 0]
        with pytest.raises(WrongKeyError, match="nothing ties"):
            LogQuery(store, trusted=stranger).query()
    for keys in ([], [KEY, str(Ed25519Signer.from_seed("a.example/b", bytes(32)).verifier_key)]):
        with pytest.raises(WrongKeyError):
            LogQuery(store, trusted=keys)
    foreign = Ed25519Signer.from_seed("a.example/b", bytes(32)).verifier_key
    with pytest.raises(WrongKeyError, match="this is the log"):
        LogQuery(store, trusted=foreign).query()


def test_rolled_back() -> None:
    """A log that has become shorter since the last question is refused."""
    store, _ = sealed_log(event(number) for number in range(6))
    older, _ = sealed_log(event(number) for number in range(3))
    asked = ask(store)
    asked.query()
    asked._engine.checkpoints._store = older
    with pytest.raises(RolledBackError):
        asked.query()


def test_other_process(tmp_path: Path) -> None:
    """A file is asked read-only, while it grows; closing is of what was opened here."""
    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase="a long random secret") as log:
        log.record(event())
        with open_query(path, trusted=log.verifier_key) as asked:
            assert asked.count("action = door.open") == 1
            log.record(event(1))
            assert asked.count("action = door.open") == 2
            assert [one.index for one in asked.search("action = door.open")] == [3, 2]
            assert asked.origin == ORIGIN
    with pytest.raises(ClosedError):
        log.query()
    with pytest.raises(VaultError, match="keeps no sealed"):
        LogQuery(_Plain(), trusted=KEY, vault=Vault(CountingProvider()))  # type: ignore[arg-type]


class _Plain:
    """A store without a vault's half."""


def test_from_tasks() -> None:
    """Tasks ask in the same words, while others record."""

    async def act() -> None:
        store = MemoryStore()
        async with open_log(store, None) as log:
            await log.arecord_many([event(number) for number in range(120)])
            page, number, _ = await asyncio.gather(
                log.aquery("action = door.open", limit=2), log.acount(), log.arecord(event(500))
            )
            assert len(page.records) == 2
            assert number in (121, 122)
            assert len([one async for one in log.asearch(sort="index")]) == 122
            assert (await log.afacets(by=["kind"]))["kind"][0].count == 121
            assert sum(one.count for one in await log.atimeline(bucket="day")) == 122

    asyncio.run(act())


def test_search_is_of_one_moment() -> None:
    """A search that was begun does not see what is recorded meanwhile."""
    store = MemoryStore()
    with open_log(store, None) as log:
        log.record_many([event(number) for number in range(80)])
        found: Iterator[Any] = log.search(sort="index")
        first = next(found)
        log.record_many([event(number) for number in range(100, 300)])
        assert [first.index, *(one.index for one in found)] == list(range(81))


def test_window() -> None:
    """Times of recording are asked for to the microsecond."""
    store, _ = sealed_log(event(number) for number in range(5))
    asked = ask(store)
    for index in range(2, 7):
        (one,) = asked.query(field("index") == index).records
        at = one.entry.recorded
        assert _indices(asked.query(field("recorded") == at)) == [index]
        assert _indices(asked.query(field("recorded") > at, sort="index", limit=1)) == (
            [] if index == 6 else [index + 1]
        )
    ends = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert asked.count(field("recorded") <= ends) == 7
    assert asked.count(field("recorded") > ends) == 0
