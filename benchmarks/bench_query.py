"""Target 4.1: first pages, each answer proven and opened, beside plain SQL."""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Options, Target, median_ratio
from benchmarks.query_log import BEGIN, FIRST, STEP, Asked, network_range, opened
from biotrail.query import VerifiedEntry, open_query

_PAGE = 50
_NONCE = bytes(12)
_SALT = bytes(16)
_TENANTS = ("north", "south", "east", "west")
_ACTIONS = ("door.open", "door.close", "vault.open", "login")


class _Question(NamedTuple):
    """One question: as text, and as SQL over the plain table."""

    text: str
    sql: str
    values: Sequence[object] = ()

    def rows(self, bare: sqlite3.Connection) -> list[tuple[Any, ...]]:
        """The answers of the plain table, as they lie there."""
        query = (
            f"SELECT idx, entry, payload FROM records WHERE {self.sql} "
            f"ORDER BY idx DESC LIMIT {_PAGE}"
        )
        return bare.execute(query, self.values).fetchall()


def _equal(field: str, value: str) -> _Question:
    return _Question(f"{field} = {value}", f"{field} = ?", (value,))


def _network(network: str) -> _Question:
    return _Question(f"ip in {network}", "ip BETWEEN ? AND ?", network_range(network))


def _window(number: int, count: int) -> _Question:
    begin = BEGIN + (number * 7_919 % count) * STEP
    end = begin + timedelta(hours=1)
    since, until = (int(one.timestamp() * 1_000_000) for one in (begin, end))
    text = f"recorded >= {begin.isoformat()} and recorded < {end.isoformat()}"
    return _Question(text, "recorded >= ? AND recorded < ?", (since, until))


def _indices(number: int, count: int) -> _Question:
    stop = FIRST + count - number * 7_919 % count
    text = f"index < {stop} and index >= {stop - 10_000}"
    return _Question(text, "idx < ? AND idx >= ?", (stop, stop - 10_000))


def _questions(count: int) -> dict[str, Callable[[int], _Question]]:
    """The questions by what they go by; each round asks for another value."""
    return {
        "everything": lambda _: _Question("kind = event", "payload IS NOT NULL"),
        "action": lambda n: _equal("action", _ACTIONS[n % 4]),
        "outcome": lambda n: _equal("outcome", ("failure", "success")[n % 2]),
        "decision": lambda n: _equal("decision", ("denied", "granted")[n % 2]),
        "modality": lambda n: _equal("modality", ("iris", "voice", "face")[n % 3]),
        "reason": lambda n: _equal("reason", ("no_face", "non_match", "match")[n % 3]),
        "target": lambda n: _equal("target", f"target-{n % 200}"),
        "matcher": lambda n: _equal("matcher", ("matcher-a", "matcher-b")[n % 2]),
        "tenant": lambda n: _equal("tenant", _TENANTS[n % 4]),
        "subject": lambda n: _equal("subject", f"person-{7 * n}"),
        "actor": lambda n: _equal("actor", f"guard-{n % 50}"),
        "device": lambda n: _equal("device", f"reader-{n % 500}"),
        "ip": lambda n: _Question(
            f"ip = 10.{n % 8}.{n % 250}.7", "ip = ?", network_range(f"10.{n % 8}.{n % 250}.7")[:1]
        ),
        "ip in /24": lambda n: _network(f"10.{n % 8}.{n % 250}.0/24"),
        "ip in /16": lambda n: _network(f"10.{n % 8}.0.0/16"),
        "recorded": lambda n: _window(n, count),
        "index": lambda n: _indices(n, count),
        "and": lambda n: _Question(
            f"outcome = failure and modality = iris and tenant = {_TENANTS[n % 4]}",
            "outcome = 'failure' AND modality = 'iris' AND tenant = ?",
            (_TENANTS[n % 4],),
        ),
        "or": lambda n: _Question(
            f"target in (target-1, target-{n % 200}) or device = reader-{n % 500}",
            "target IN ('target-1', ?) OR device = ?",
            (f"target-{n % 200}", f"reader-{n % 500}"),
        ),
        "not": lambda n: _Question(
            f"kind = event and not action = {_ACTIONS[n % 4]}",
            "action <> ?",
            (_ACTIONS[n % 4],),
        ),
        "score": lambda _: _Question("score > 0.9", "+score > 0.9"),
        "score, narrow": lambda n: _Question(
            f"score >= 0.{50 + n % 40} and score < 0.{51 + n % 40}",
            "score >= ? AND score < ?",
            ((50 + n % 40) / 100, (51 + n % 40) / 100),
        ),
    }


_NOT_INDEXED = ("score", "score, narrow")


def pages(options: Options) -> list[Target]:
    """4.1: first pages of 50, beside what plain SQL takes for the same rows, unverified."""
    count = options.pick(1_000_000, 5_000)
    with opened(count) as asked:
        asked.log.checkpoint()
        return [
            *(
                _page(asked, name, ask, options, few=name in _NOT_INDEXED)
                for name, ask in _questions(count).items()
            ),
            _proven(asked, options),
        ]


def _proven(asked: Asked, options: Options) -> Target:
    """A page for a reader without the vault: proven, and nothing opened."""
    question = _equal("outcome", "failure")
    key = Path(f"{asked.path}.key.pub").read_text(encoding="utf-8")
    with open_query(asked.path, trusted=key) as log:
        page = partial(_timed, lambda: log.query(question.text, limit=_PAGE))
        plain = partial(_timed, lambda: question.rows(asked.bare))
        times, plains = _in_turn(options.pick(60, 2), page, plain)
    return Target(
        "4.1 not opened",
        f"first page of {_PAGE} by outcome, proven, for a reader without the vault",
        1_000 * statistics.median(times),
        "ms",
        1_000 * statistics.median(plains),
        median_ratio(times, plains),
        3,
        at_most=True,
        details={"95 of 100, ms": round(1_000 * _late(times), 2)},
    )


def _page(
    asked: Asked, name: str, ask: Callable[[int], _Question], options: Options, *, few: bool
) -> Target:
    rounds = options.pick(15 if few else 60, 2)
    # Each side asks for the values in the same order; the first round is not counted.
    ours, bare, floor = (iter([ask(n) for n in range(rounds + 1)]) for _ in range(3))
    sealed = _Sealed()

    def page() -> float:
        question = next(ours)
        began = time.perf_counter()
        answers = asked.log.query(question.text, limit=_PAGE).records
        taken = time.perf_counter() - began
        sealed.take(answers)
        assert [one.index for one in answers] == [row[0] for row in question.rows(asked.bare)]
        return taken

    def plain() -> float:
        question = next(bare)
        return _timed(lambda: question.rows(asked.bare))

    def opened_by_hand() -> float:
        question = next(floor)
        ready = [sealed.of[row[0]] for row in question.rows(asked.bare)]
        began = time.perf_counter()
        for row, (boxes, fields) in zip(question.rows(asked.bare), ready, strict=True):
            sealed.open(row, boxes, fields)
        return time.perf_counter() - began

    for act in (page, plain, opened_by_hand):
        act()
    times, plains, floors = _in_turn(rounds, page, plain, opened_by_hand)
    middle = statistics.median(times)
    return Target(
        f"4.1 {name}",
        f"first page of {_PAGE} by {name}, proven and opened",
        1_000 * middle,
        "ms",
        1_000 * statistics.median(plains),
        median_ratio(times, plains),
        3,
        at_most=True,
        details={
            "95 of 100, ms": round(1_000 * _late(times), 2),
            "opened by hand, ms": round(1_000 * statistics.median(floors), 2),
            "over that": round(median_ratio(times, floors), 2),
            "within 10 ms": "yes" if middle < 0.010 else "no",
            "indexed": "no" if few else "yes",
        },
    )


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _in_turn(rounds: int, *acts: Callable[[], float]) -> list[list[float]]:
    """Each act in turn, always in this order: the first leaves ready what the last needs."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        for taken, act in zip(times, acts, strict=True):
            taken.append(act())
    return times


def _late(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[18]


class _Sealed:
    """What any proven and opened answer costs: made ready beforehand, then done by hand."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[list[bytes], list[bytes]]] = {}
        self._cipher = AESGCM(bytes(32))

    def take(self, answers: Sequence[VerifiedEntry]) -> None:
        """Seal the personal fields of answers under one key: those of each person by itself."""
        for one in answers:
            fields = dict(one.record.personal)
            actor = {name: fields.pop(name) for name in ("actor",) if name in fields}
            boxes = [
                self._cipher.encrypt(_NONCE, cbor2.dumps(part), None)
                for part in (fields, actor)
                if part
            ]
            pairs = {**fields, **actor}.items()
            self.of[one.index] = boxes, [_SALT + cbor2.dumps(pair) for pair in pairs]

    def open(self, row: Sequence[Any], boxes: Sequence[bytes], fields: Sequence[bytes]) -> None:
        """The leaf's hash, a decryption for each person, a hash for each field, the decodings."""
        hashlib.sha256(b"\0" + row[1]).digest()
        cbor2.loads(row[1])
        if row[2] is not None:
            cbor2.loads(row[2])
        for box in boxes:
            cbor2.loads(self._cipher.decrypt(_NONCE, box, None))
        for one in fields:
            hashlib.sha256(one).digest()
