"""Whoever can change the store can hide an answer from a question, and never make one up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from biotrail import Ed25519Signer, MemoryStore
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ForkedError,
    MissingError,
    SignatureError,
    VerificationError,
)
from biotrail.query import LogQuery
from biotrail.signing import sign_checkpoint
from biotrail.stores import Lookup, StoredHead
from biotrail.tlog import Checkpoint
from tests.unit.query._logs import ORIGIN, event, open_log, sealed_log
from tests.unit.query._questions import KEY, ask

pytestmark = pytest.mark.component("lark")

_COUNT = 600


@pytest.fixture
def log() -> tuple[Any, Any]:
    """A sealed log of 600 events, of which every tenth is a failure; its vault."""
    store = MemoryStore()
    vault: Any
    store, vault = sealed_log(store=store)
    with open_log(store, vault) as opened:
        opened.record_many(
            event(number, outcome="success" if number % 10 else "failure")
            for number in range(_COUNT)
        )
    return store, vault


def _failures() -> list[int]:
    return [number + 2 for number in range(0, _COUNT, 10)]


def _change_lookups(store: Any, change: Callable[[int, Lookup], Lookup]) -> None:
    store._lookups = [change(index, one) for index, one in enumerate(store._lookups)]


def test_lying_columns(log: Any) -> None:
    """A column that calls a success a failure shows no false record, and is told of."""
    store, vault = log
    _change_lookups(
        store, lambda index, one: one._replace(outcome="failure") if index in (5, 7) else one
    )
    page = ask(store, vault).query("outcome = failure", sort="index", limit=1_000)
    assert [one.index for one in page.records] == _failures()
    assert page.misleading == (5, 7)


def test_hiding_columns(log: Any) -> None:
    """A column that hides a failure hides it, and counting every entry still counts it."""
    store, vault = log
    _change_lookups(
        store, lambda index, one: one._replace(outcome="success") if index == 12 else one
    )
    asked = ask(store, vault)
    found = [one.index for one in asked.search("outcome = failure", sort="index")]
    assert found == [one for one in _failures() if one != 12]
    assert asked.count("outcome = failure") == len(found)
    assert asked.count("outcome = failure", verified=True) == len(found) + 1
    page = asked.query("not outcome = failure", sort="index", limit=20)
    assert 12 in page.misleading
    assert 12 not in [one.index for one in page.records]


def test_lying_times(log: Any) -> None:
    """A column that moves an event in time does not move it in an answer."""
    store, vault = log
    _change_lookups(store, lambda index, one: one._replace(occurred=0) if index == 100 else one)
    page = ask(store, vault).query("kind = event", sort="occurred", limit=5)
    assert 100 not in [one.index for one in page.records]
    assert page.misleading == (100,)


def test_lying_tags(log: Any) -> None:
    """Rows that lead from one person's tag to another's record show no false record."""
    store, vault = log
    mine = store._sealed[2]
    for index in (3, 4):
        store._sealed[index] = store._sealed[index]._replace(
            subject=mine.subject, device=mine.device, ip=mine.ip
        )
    asked = ask(store, vault)
    for text in ("subject = person-0", "device = reader-0", "ip = 192.0.0.0"):
        found = [one.index for one in asked.search(text)]
        assert 2 in found
        assert not {3, 4} & set(found)


def _swap(store: Any) -> None:
    store._entries[20] = store._entries[20]._replace(entry=store._entries[30].entry)


def _edit(store: Any) -> None:
    entry = store._entries[22].entry
    store._entries[22] = store._entries[22]._replace(entry=entry.replace(b"failure", b"success"))


def _lose(store: Any) -> None:
    inner = store.entries_at
    store.entries_at = lambda some: {k: v for k, v in inner(some).items() if k != 22}


def _break_tile(store: Any) -> None:
    tile = store._tiles[0, 0]
    store._tiles[0, 0] = tile[:640] + bytes(32) + tile[672:]


def _drop_tile(store: Any) -> None:
    del store._tiles[0, 0]


def _break_payload(store: Any) -> None:
    store._sealed[22] = store._sealed[22]._replace(payload=store._sealed[32].payload)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_swap, AlteredError),
        (_edit, AlteredError),
        (_lose, MissingError),
        (_break_payload, AlteredError),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_changed(log: Any, change: Any, error: type[BiotrailError], before: bool) -> None:
    """A changed entry or payload is an error, before the first question and after it."""
    store, vault = log
    asked = ask(store, vault)
    if before:
        asked.query(limit=1)
    change(store)
    with pytest.raises(error):
        list(asked.search("index < 100", sort="index"))


@pytest.mark.parametrize(
    ("change", "error"), [(_break_tile, AlteredError), (_drop_tile, MissingError)]
)
def test_changed_tile(log: Any, change: Any, error: type[BiotrailError]) -> None:
    """A changed tile is an error, unless it was checked and kept before: then it is not asked."""
    store, vault = log
    kept = ask(store, vault)
    kept.query("index < 100")
    change(store)
    assert len(kept.query("index < 100", limit=100).records) == 100
    with pytest.raises(error):
        ask(store, vault).query("index < 100")


def _head(store: Any, note: str, size: int | None = None) -> None:
    head = StoredHead(size or len(store._entries), note)
    store.head = lambda: head


def _forged(store: Any, seed: int, *, origin: str = ORIGIN) -> str:
    signer = Ed25519Signer.from_seed(origin, bytes([seed] * 32))
    return sign_checkpoint(Checkpoint(origin, len(store._entries), bytes(32)), signer)


@pytest.mark.parametrize("before", [True, False])
def test_forged_checkpoints(log: Any, before: bool) -> None:
    """A checkpoint of a stranger, of another tree, size or log, or changed, is an error."""
    store, vault = log
    true = store.head().checkpoint
    other, _ = sealed_log(event(number) for number in range(_COUNT))
    forged = [
        _forged(store, 9),
        _forged(store, 0),
        _forged(store, 9, origin="example.com/other"),
        true.replace(f"\n{_COUNT + 2}\n", f"\n{_COUNT + 1}\n"),
        true[:-10] + ("A" if true[-10] != "A" else "B") + true[-9:],
        other.head().checkpoint,
        "x",
    ]
    for note in forged:
        asked = ask(store, vault)
        if before:
            asked.query(limit=1)
        _head(store, note)
        with pytest.raises((VerificationError, SignatureError)):
            asked.query(limit=1)
        del store.head


def test_fork(log: Any) -> None:
    """A checkpoint that the log's own key signed over another history is a fork."""
    store, vault = log
    asked = ask(store, vault)
    root = bytes(32)
    signer = Ed25519Signer.from_seed(ORIGIN, bytes(32))
    note = sign_checkpoint(Checkpoint(ORIGIN, 50, root), signer)
    with pytest.raises(ForkedError, match="another history"):
        asked.query(as_of=note)


def test_longer_checkpoint(log: Any) -> None:
    """A kept checkpoint beyond the end of the log shows that it was rolled back."""
    store, vault = log
    signer = Ed25519Signer.from_seed(ORIGIN, bytes(32))
    note = sign_checkpoint(Checkpoint(ORIGIN, 5_000, bytes(32)), signer)
    with pytest.raises(VerificationError):
        ask(store, vault).query(as_of=note)


@pytest.mark.parametrize(
    "value", ["x' OR '1'='1", '"; DROP TABLE entries; --', "%", "_", "a\x00b", "\u202e", "*", "?"]
)
def test_text_is_text(log: Any, value: str, tmp_path: Any) -> None:
    """Whatever a value looks like, it is compared as text."""
    import biotrail
    from biotrail import field

    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase="a long random secret") as opened:
        opened.record(event(0, target="flat", subject="anna"))
        for name in ("target", "action", "tenant", "subject", "device", "session", "label.x"):
            named = field(name)
            for condition in (named == value, named.one_of(value), named.starts_with(value)):
                assert opened.query(condition).records == ()
                assert opened.query(str(condition)).records == ()
        assert opened.count("target = flat") == 1


class _LyingPostings:
    """A store whose postings say that every value stands everywhere, or somewhere else."""

    def __init__(self, store: Any, bits: bytes) -> None:
        self._inner = store
        self._bits = bits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def segments(self, start: int, stop: int) -> Iterator[int]:
        return iter(range(start, stop))

    def postings(self, field: str, value: str, start: int, stop: int) -> Iterator[Any]:
        return ((number, self._bits) for number in range(start, stop))

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[Any]:
        return ((number, "failure", self._bits) for number in range(start, stop))

    def occurred(self, start: int, stop: int) -> Iterator[Any]:
        return ((number, bytes(8 * 4_096)) for number in range(start, stop))


@pytest.mark.parametrize("bits", [b"\xff" * 512, b"\x05\x00\x06\x00", b"", b"\x00", b"\xff\xff"])
def test_lying_postings(log: Any, bits: bytes) -> None:
    """Stored postings, however they lie, show no false record; those of no form are an error."""
    store, vault = log
    asked = LogQuery(_LyingPostings(store, bits), trusted=KEY, vault=vault)
    try:
        page = asked.query("outcome = failure and not reason = match", limit=1_000)
    except VerificationError:
        assert bits in (b"", b"\x00", b"\xff\xff")
        return
    assert {one.index for one in page.records} <= set(_failures())
    by_time = asked.query(sort="-occurred", limit=1_000)
    assert by_time.records == ()
