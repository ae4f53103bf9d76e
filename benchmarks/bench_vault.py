"""Targets 3.3 to 3.5: opening sealed records, finding and erasing those of one person."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import attrs

import biotrail
from benchmarks.event import twelve_fields
from benchmarks.harness import WORK, Options, Target, workspace
from biotrail.query import RecordReader, open_records
from biotrail.stores import SQLiteReader
from biotrail.vault import PassphraseKeyProvider, Vault

_ORIGIN, _PASSPHRASE = "example.com/bench", "bench"
_OF_EACH = 100
_FIRST = 2
_BATCH = 500


def opening(options: Options) -> list[Target]:
    """Target 3.3: records read, opened and checked, in a second, on one core."""
    count = options.pick(100_000, 2_000)
    with _reader(count) as records:
        rates: dict[str, list[float]] = {"opened": [], "fields": [], "events": []}
        for _ in range(5):
            rates["opened"].append(_rate(records, lambda _: None))
            rates["fields"].append(_rate(records, lambda one: one.personal))
            rates["events"].append(_rate(records, lambda one: one.event))
    found = {name: statistics.median(several) for name, several in rates.items()}
    return [
        Target(
            "3.3",
            f"opening {count:,} records of six personal fields",
            found["opened"],
            "records/s",
            None,
            found["opened"],
            40_000,
            details={
                "with their fields decoded": round(found["fields"]),
                "with events built": round(found["events"]),
            },
        )
    ]


def finding(options: Options) -> list[Target]:
    """Target 3.4: the 100 records of one person among 1,000,000, opened and checked."""
    count = options.pick(1_000_000, 10_000)
    people = count // _OF_EACH
    _read_through(_log(count))
    with _reader(count) as records:
        times = [_look_up(records, f"person-{(7 * n) % people}") for n in range(200)]
        devices = [_devices(records, n) for n in range(20)]
    middle = statistics.median(times)
    return [
        Target(
            "3.4",
            f"finding one person's {_OF_EACH} records among {count:,}",
            1_000 * middle,
            "ms",
            None,
            1_000 * middle,
            5,
            at_most=True,
            details={
                "the file": "in memory",
                "slowest of 200, ms": round(1_000 * max(times), 2),
                "20 newest of a device, ms": round(1_000 * statistics.median(devices), 2),
            },
        )
    ]


def erasing(options: Options) -> list[Target]:
    """Target 3.5: erasing a person with 1,000 records, until the certificate is there."""
    of_each = options.pick(1_000, 20)
    sizes = (20_000, 100_000, 1_000_000)
    return [_erasing(options.pick(size, size // 250), of_each) for size in sizes]


def _erasing(count: int, of_each: int) -> Target:
    kept = _log(count, of_each=of_each, everywhere=True)
    with workspace() as place:
        for one in kept.parent.glob(f"{kept.name}*"):
            shutil.copy(one, place / one.name)
        path = place / kept.name
        _read_through(path)
        with biotrail.open(path, origin=_ORIGIN, passphrase=_PASSPHRASE) as log:
            times = [_erase(log, f"person-{n}") for n in range(min(count // of_each, 9))]
    middle = statistics.median(times)
    return Target(
        f"3.5 {count}",
        f"erasing a person with {of_each:,} records among {count:,}",
        middle,
        "s",
        None,
        middle,
        1,
        at_most=True,
        details={"slowest of 9, s": round(max(times), 3), "the file": "in memory"},
    )


def _erase(log: biotrail.AuditLogger, person: str) -> float:
    began = time.perf_counter()
    log.erase(person, reason="subject_request", legal_basis="GDPR art. 17")
    return time.perf_counter() - began


def _rate(records: RecordReader, take: Callable[[biotrail.Record], object]) -> float:
    began, count = time.perf_counter(), 0
    for one in records.records(_FIRST):
        take(one)
        count += 1
    return count / (time.perf_counter() - began)


def _look_up(records: RecordReader, person: str) -> float:
    began = time.perf_counter()
    found = [one.personal for one in records.by_person(person)]
    taken = time.perf_counter() - began
    assert len(found) == _OF_EACH
    return taken


def _devices(records: RecordReader, number: int) -> float:
    began = time.perf_counter()
    found = list(records.by_device(f"reader-{number}", limit=20))
    taken = time.perf_counter() - began
    assert len(found) == 20
    return taken


def _read_through(path: Path) -> None:
    """Bring the file into memory: what is measured is the look-up, not the disk."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


@contextmanager
def _reader(count: int) -> Iterator[RecordReader]:
    path = _log(count)
    provider = PassphraseKeyProvider(f"{path}.vault", passphrase=_PASSPHRASE)
    vault = Vault(provider)
    with open_records(path, vault=vault) as records:
        yield records
    vault.close()


@cache
def _log(count: int, *, of_each: int = _OF_EACH, everywhere: bool = False) -> Path:
    """A log of so many sealed records, so many of each person; kept between runs.

    Args:
        count: How many.
        of_each: How many of each person; they lie all over the log.
        everywhere: Every record comes from an address and a device of its own.
    """
    WORK.mkdir(exist_ok=True)
    name = "sealed-everywhere" if everywhere else "sealed"
    path = WORK / f"{name}-{of_each}-{count}.db"
    if not path.exists() or _size(path) != count + _FIRST:
        for old in WORK.glob(f"{path.name}*"):
            old.unlink()
        with biotrail.open(path, origin=_ORIGIN, passphrase=_PASSPHRASE) as log:
            for first in range(0, count, _BATCH):
                last = min(first + _BATCH, count)
                log.record_many(
                    [
                        _event(n, count // of_each, place=n if everywhere else None)
                        for n in range(first, last)
                    ]
                )
    return path


def _size(path: Path) -> int:
    reader = SQLiteReader(path)
    try:
        return reader.extent().head
    finally:
        reader.close()


def _event(number: int, people: int, *, place: int | None = None) -> biotrail.Event:
    person = f"person-{number % people}"
    one = twelve_fields(number)
    context = attrs.evolve(one.context, device_id=f"reader-{number % 200}")
    if place is not None:
        ip = f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"
        context = attrs.evolve(context, device_id=f"device-{place}", ip=ip)
    return attrs.evolve(one, actor=person, subject=person, context=context)
