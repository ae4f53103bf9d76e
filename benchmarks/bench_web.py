"""Targets 4.3, 4.5 and 4.7: the log over HTTP, beside the library and beside nobody."""

from __future__ import annotations

import http.client
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import biotrail
from benchmarks import query_log
from benchmarks.event import twelve_fields
from benchmarks.harness import Options, Target, interleave, median_ratio, workspace
from benchmarks.web_worker import PASSPHRASE
from biotrail.query import LogQuery, open_query
from biotrail.vault import PassphraseKeyProvider, Vault
from biotrail.web.tokens import TokenBook

_FOLLOWERS = 100
_WHERE = 'target = "target-37" and outcome = failure'
_WORKER = (sys.executable, "-m", "benchmarks.web_worker")


class _Served(NamedTuple):
    """A server in another process, and a token that may do everything."""

    port: int
    token: str

    def ask(self, client: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        """One request; its answer is to be read."""
        client.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        return answer

    def client(self) -> http.client.HTTPConnection:
        """A connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


@contextmanager
def _served(log: Path, place: Path) -> Iterator[_Served]:
    tokens = place / "tokens.json"
    token, _ = TokenBook(tokens).create(
        scopes=("read", "export"),
        purposes=("bench",),
        expires=datetime.now(UTC) + timedelta(days=1),
    )
    command = [*_WORKER, "serve", str(log), str(tokens)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline()
            yield _Served(int(url.rpartition(":")[2]), token)
        finally:
            process.terminate()


@contextmanager
def _asked(size: int) -> Iterator[tuple[_Served, LogQuery]]:
    """A copy of the log of targets 4.1 and 4.2, served; and the same asked by the library."""
    with workspace() as place:
        with query_log.opened(size) as kept:
            for end in ("", ".key", ".key.next", ".key.pub", ".vault"):
                shutil.copy(f"{kept.path}{end}", place / f"log.db{end}")
        path = place / "log.db"
        key = Path(f"{path}.key.pub").read_text(encoding="utf-8").strip()
        vault = Vault(PassphraseKeyProvider(f"{path}.vault", passphrase=PASSPHRASE))
        with _served(path, place) as server, open_query(path, trusted=key, vault=vault) as library:
            yield server, library
        vault.close()


def asking(options: Options) -> list[Target]:
    """4.3: a page of 50 over HTTP, recorded as a read, beside the same page by the library."""
    rounds = options.pick(300, 10)
    own: list[float] = []
    over: list[float] = []
    with _asked(options.pick(1_000_000, 5_000)) as (server, library):
        client = server.client()
        path = f"/api/v1/records?limit=50&where={quote(_WHERE)}"
        for number in range(rounds + 5):
            began = time.perf_counter()
            library.query(_WHERE, limit=50)
            between = time.perf_counter()
            answer = server.ask(client, path).read()
            ended = time.perf_counter()
            if number >= 5:  # the first ones fill caches
                own.append(1_000 * (between - began))
                over.append(1_000 * (ended - between))
        client.close()
        assert json.loads(answer)["records"]
    added = statistics.median(over) - statistics.median(own)
    return [
        Target(
            "4.3",
            "a page of 50 over HTTP, with the read recorded, beyond the library",
            added,
            "ms",
            None,
            added,
            3,
            at_most=True,
            details={
                "over HTTP, ms": round(statistics.median(over), 2),
                "by the library, ms": round(statistics.median(own), 2),
            },
        )
    ]


def followed(options: Options) -> list[Target]:
    """4.5: the rate of a writer with a hundred followers over HTTP, over that with none."""
    size, followers = options.pick(1_000, 50), options.pick(_FOLLOWERS, 5)
    late: list[float] = []
    with workspace() as place:
        path = place / "log.db"
        number = count()
        given = {"origin": "example.com/bench", "passphrase": PASSPHRASE, "vault": False}
        with biotrail.open(path, **given) as log:  # type: ignore[arg-type] # of several types
            log.record_many([twelve_fields(next(number)) for _ in range(1_000)])

            def rate(following: Callable[[], object]) -> float:
                made = [twelve_fields(next(number)) for _ in range(size)]
                with following() as settle:  # type: ignore[attr-defined] # a context manager
                    began = time.perf_counter()
                    for event in made:
                        index = log.record(event).index
                    ended = time.perf_counter()
                    if settle is not None:
                        settle(index)
                        late.append(time.perf_counter() - ended)
                return size / (ended - began)

            with _served(path, place) as server:
                alone, with_them = interleave(
                    options.pick(9, 1),
                    lambda: rate(nullcontext),
                    lambda: rate(lambda: _following(server, followers)),
                )
    return [
        Target(
            "4.5 web",
            f"the same with {followers} followers over HTTP (server-sent events)",
            statistics.median(with_them),
            "records/s",
            statistics.median(alone),
            median_ratio(with_them, alone),
            0.9,
            details={"followers finish later by, ms": round(1_000 * statistics.median(late), 1)},
        )
    ]


@contextmanager
def _following(server: _Served, followers: int) -> Iterator[Callable[[int], None]]:
    command = [*_WORKER, "follow", str(server.port), server.token, str(followers)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as worker:  # type: ignore[call-overload] # likewise
        try:
            assert worker.stdout.readline() == "ready\n"

            def settle(index: int) -> None:
                print(index, file=worker.stdin, flush=True)
                assert worker.stdout.readline() == "done\n"

            yield settle
        finally:
            if worker.poll() is None:
                worker.terminate()


def exporting(options: Options) -> list[Target]:
    """4.7: records a second that a client is sent, as JSON Lines and as CSV and Parquet."""
    size, taken = options.pick(1_000_000, 5_000), options.pick(250_000, 5_000)
    rates: dict[str, float] = {}
    with _asked(size) as (server, _):
        for form in ("jsonl", "csv"):
            client = server.client()
            began = time.perf_counter()
            answer = server.ask(client, f"/api/v1/export?format={form}")
            lines = 0
            while lines < taken and (some := answer.read1(1 << 20)):
                lines += some.count(b"\n")
            rates[form] = lines / (time.perf_counter() - began)
            client.close()
    return [
        Target(
            "4.7",
            f"export of {taken:,} records over HTTP as JSON Lines, each proven, reads recorded",
            rates["jsonl"],
            "records/s",
            None,
            rates["jsonl"],
            40_000,
            details={"as CSV, records/s": round(rates["csv"])},
        )
    ]
