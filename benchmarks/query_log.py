"""The log that is asked in targets 4.1 and 4.2, and a plain table of the same records."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import biotrail
from benchmarks.harness import WORK
from biotrail.query import LogQuery, open_query
from biotrail.stores import SQLiteReader
from biotrail.vault import PassphraseKeyProvider, Vault

__all__ = ["BEGIN", "FIRST", "STEP", "Asked", "network_range", "opened"]

_ORIGIN, _PASSPHRASE = "example.com/bench", "bench"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=600)
FIRST = 2
"""Index of the first event."""
_BATCH = 1_000
_CLEAR = ("action", "target", "modality", "decision", "outcome", "reason", "tenant", "matcher")


class _Drawn(NamedTuple):
    """The personal values of one record."""

    subject: str
    actor: str
    device: str
    ip: str
    country: str
    score: float


_OWN = _Drawn._fields


class Asked(NamedTuple):
    """What is measured.

    Attributes:
        log: The log, opened by a reader who holds the vault.
        bare: The same records in a table with an index on each column, in the clear.
        path: The log's file.
    """

    log: LogQuery
    bare: sqlite3.Connection
    path: Path


def network_range(network: str) -> tuple[int, int]:
    """The first and the last address of a network, as numbers."""
    found = ip_network(network)
    return int(found[0]), int(found[-1])


@contextmanager
def opened(count: int) -> Iterator[Asked]:
    """A log of so many sealed records, kept between runs, and its plain table."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"asked-{count}.db"
    table = WORK / f"asked-{count}.bare"
    if not path.exists() or _size(path) != count + FIRST:
        for old in WORK.glob(f"{path.name}*"):
            old.unlink()
        table.unlink(missing_ok=True)
        _record(path, count)
    if not table.exists():
        _fill(table, path, count)
    for one in (path, table):
        _read_through(one)
    key = Path(f"{path}.key.pub").read_text(encoding="utf-8")
    vault = Vault(PassphraseKeyProvider(f"{path}.vault", passphrase=_PASSPHRASE))
    try:
        with (
            open_query(path, trusted=key, vault=vault) as log,
            closing(sqlite3.connect(f"file:{table}?mode=ro", uri=True)) as bare,
        ):
            yield Asked(log, bare, path)
    finally:
        vault.close()


def _record(path: Path, count: int) -> None:
    moment = BEGIN

    def clock() -> datetime:
        return moment

    with biotrail.open(path, origin=_ORIGIN, passphrase=_PASSPHRASE, clock=clock) as log:
        for first in range(0, count, _BATCH):
            moment = BEGIN + first * STEP
            log.record_many([_event(n) for n in range(first, min(first + _BATCH, count))])


def _event(number: int) -> biotrail.Event:
    draw = random.Random(number)
    some, drawn = draw.choice, _drawn(draw)
    return biotrail.Event(
        action=some(("door.open", "door.close", "vault.open", "login")),
        decision=some(("granted", "granted", "denied")),
        modality=some(("face", "face", "voice", "iris")),
        reason=some(("match", "match", "non_match", "no_face")),
        target=f"target-{draw.randrange(200)}",
        tenant=some(("north", "south", "east", "west")),
        subject=drawn.subject,
        actor=drawn.actor,
        comparison=biotrail.Comparison(
            matcher=some(("matcher-a", "matcher-b")),
            version="1.4.2",
            decision="match",
            score=drawn.score,
            threshold=0.6,
        ),
        context=biotrail.Context(
            ip=drawn.ip,
            device_id=drawn.device,
            location=biotrail.Location(latitude=52.52, longitude=13.405, country=drawn.country),
        ),
        occurred=BEGIN + number * STEP,
    )


def _drawn(draw: random.Random) -> _Drawn:
    below = draw.randrange
    return _Drawn(
        f"person-{below(20_000)}",
        f"guard-{below(50)}",
        f"reader-{below(500)}",
        f"10.{below(8)}.{below(250)}.{below(250)}",
        draw.choice(("DE", "FR", "NL", "PL", "DK")),
        below(1_000_000) / 1_000_000,
    )


def _fill(table: Path, path: Path, count: int) -> None:
    """Write the plain table, with statistics so that the planner knows what it has."""
    columns = ("recorded", *_CLEAR, *_OWN)
    unready = table.with_suffix(".unready")
    unready.unlink(missing_ok=True)
    with closing(sqlite3.connect(unready)) as bare:
        bare.execute("PRAGMA journal_mode = OFF")
        bare.execute(
            "CREATE TABLE records (idx INTEGER PRIMARY KEY, entry BLOB, payload BLOB, "
            f"{', '.join(columns)})"
        )
        insert = f"INSERT INTO records VALUES ({', '.join('?' * (3 + len(columns)))})"
        bare.executemany(insert, _rows(path, count))
        for one in columns:
            bare.execute(f"CREATE INDEX by_{one} ON records ({one})")
        bare.execute("ANALYZE")
        bare.commit()
    unready.rename(table)


def _rows(path: Path, count: int) -> Iterator[tuple[Any, ...]]:
    query = (
        f"SELECT e.idx, e.entry, s.payload, e.recorded, {', '.join(f'e.{one}' for one in _CLEAR)} "
        "FROM entries AS e LEFT JOIN sealed AS s ON s.idx = e.idx ORDER BY e.idx"
    )
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as log:
        for row in log.execute(query):
            if row[2] is None:
                yield (*row, *(None for _ in _OWN))
                continue
            yield (*row, *_in_numbers(_drawn(random.Random(row[0] - FIRST))))


def _in_numbers(drawn: _Drawn) -> tuple[Any, ...]:
    """An address as a number, so that a network is a range."""
    return (*drawn[:3], int(ip_address(drawn.ip)), *drawn[4:])


def _size(path: Path) -> int:
    with closing(SQLiteReader(path)) as reader:
        return reader.extent().head


def _read_through(path: Path) -> None:
    """Bring a file into memory: what is measured is the question, not the disk."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass
