"""Processes for `benchmarks.bench_web`: a server over a log, and those who follow it.

``python -m benchmarks.web_worker serve LOG TOKENS`` and ``... follow PORT TOKEN COUNT``.
"""

from __future__ import annotations

import selectors
import socket
import sys
from pathlib import Path
from typing import Any

import biotrail
from biotrail.stores import SQLiteReader
from biotrail.web.app import create_app
from biotrail.web.connections import ServeLimits
from biotrail.web.serve import serve
from biotrail.web.settings import WebSettings
from biotrail.web.tokens import TokenBook

PASSPHRASE = "bench"
_MANY = 1_000_000


def serving(log: str, tokens: str) -> None:
    """Serve a log on loopback until told to end; its URL is the first line of output."""
    store = SQLiteReader(log)
    origin = str(biotrail.open_records(store).origin)
    store.close()
    settings = WebSettings(
        requests_per_minute=_MANY,
        requests_per_minute_and_address=_MANY,
        most_tails=1_000,
        most_tails_of_one=1_000,
        export_rows=2**53,
    )
    vault = Path(f"{log}.vault").is_file()
    with biotrail.open(log, origin=origin, passphrase=PASSPHRASE, vault=vault) as opened:
        app = create_app(opened, tokens=TokenBook(tokens), settings=settings)
        limits = ServeLimits(most=2_000, most_of_one=None)
        serve(app, port=0, limits=limits, started=lambda url: print(url, flush=True))


def following(port: str, token: str, count: str) -> None:
    """Follow by so many connections, until each was sent the index that is read from input."""
    selector = selectors.DefaultSelector()
    ends: dict[socket.socket, bytes] = {}
    for _ in range(int(count)):
        one = socket.create_connection(("127.0.0.1", int(port)))
        head = "GET /api/v1/tail HTTP/1.1\r\nHost: x"
        one.sendall(f"{head}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        while b"retry:" not in one.recv(65_536):
            pass
        selector.register(one, selectors.EVENT_READ)
        ends[one] = b""
    print("ready", flush=True)
    told: Any = sys.stdin
    selector.register(told, selectors.EVENT_READ)
    wanted = b""
    waiting = set(ends)
    while waiting or not wanted:
        for key, _ in selector.select():
            if key.fileobj is told:
                wanted = b"\nid: %d\n" % int(sys.stdin.readline())
                selector.unregister(told)
                waiting = {one for one in ends if wanted not in ends[one]}
                continue
            one = key.fileobj  # type: ignore[assignment] # one of the sockets
            some = one.recv(1 << 20)
            if not some:
                raise SystemExit("a connection broke off")
            # What was sent last is enough to know; an id may come in two pieces.
            ends[one] = (ends[one][-64:] if wanted else b"") + some
            if wanted and wanted in ends[one]:
                waiting.discard(one)
            elif not wanted:
                ends[one] = ends[one][-16_384:]
    print("done", flush=True)


def main() -> None:
    """Do what the arguments say."""
    what, *given = sys.argv[1:]
    if what == "serve":
        serving(*given)
    else:
        following(*given)


if __name__ == "__main__":
    main()
