"""``biotrail serve`` as a process of its own, for tests: a log, tokens, certificates, a port."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import trustme

import biotrail
from biotrail.web.tokens import TokenBook

ORIGIN = "example.com/front-door"
PASSPHRASE = "a long random secret"
EVERY = ("read", "reveal", "export", "report", "admin")


@cache
def authority() -> trustme.CA:
    """The authority that signs all certificates here."""
    return trustme.CA()


@attrs.frozen
class Files:
    """What a server is started with.

    Attributes:
        folder: Where all of it lies.
        token: The text of a token that may do everything.
    """

    folder: Path
    token: str

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.folder / "log.db"

    @property
    def book(self) -> TokenBook:
        """The tokens."""
        return TokenBook(self.folder / "tokens.json")

    @property
    def tls(self) -> list[str]:
        """Options with the server's certificate."""
        names = [str(self.folder / name) for name in ("server.pem", "server.key")]
        return ["--certificate", names[0], "--certificate-key", names[1]]

    @property
    def mutual(self) -> list[str]:
        """The same, and clients' certificates are asked for."""
        return [*self.tls, "--client-authority", str(self.folder / "authority.pem")]


def new_files(folder: Path, events: int = 0) -> Files:
    """A log with so many events, a token, and certificates."""
    authority().cert_pem.write_to_path(folder / "authority.pem")
    issued = authority().issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "server.pem")
    issued.private_key_pem.write_to_path(folder / "server.key")
    with biotrail.open(folder / "log.db", origin=ORIGIN, passphrase=PASSPHRASE) as log:
        log.record_many([event(number) for number in range(events)])
    text, _ = TokenBook(folder / "tokens.json").create(
        scopes=EVERY, purposes=["review"], expires=datetime.now(UTC) + timedelta(days=1)
    )
    return Files(folder, text)


def event(number: int) -> biotrail.Event:
    """One of many events."""
    return biotrail.Event(action="door.open", decision="granted", target=f"door-{number}")


def client_context(*, certificate: bool = False) -> ssl.SSLContext:
    """How a client speaks TLS, with a certificate of its own or without."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    if certificate:
        authority().issue_cert("client@example.com").configure_cert(context)
    return context


def command(files: Files, *options: str) -> list[str]:
    """The command line of a server."""
    tokens = ["--tokens", str(files.folder / "tokens.json")]
    return [sys.executable, "-m", "biotrail", "serve", str(files.log), *tokens, *options]


@attrs.frozen
class Served:
    """A server that runs.

    Attributes:
        url: Where it is reached.
        process: Its process.
    """

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM, *, within: float = 15.0) -> int:
        """Tell it to end; returns the code that it ended with."""
        self.process.send_signal(number)
        return self.process.wait(within)


@contextmanager
def served(files: Files, *options: str) -> Iterator[Served]:
    """A server for the length of a block."""
    environment: dict[str, Any] = {**os.environ, "BIOTRAIL_PASSPHRASE": PASSPHRASE}
    with subprocess.Popen(
        command(files, "--port", "0", *options),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            if " is served at " not in line:
                process.kill()
                raise AssertionError(line + process.stderr.read())
            yield Served(line.split()[-1], process)
        finally:
            if process.poll() is None:
                process.kill()
