"""A log of one working day, and the auditor's page over it, served to a browser on this machine."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import uvicorn
from fastapi import FastAPI

import biotrail
from biotrail import Comparison, Context, Event, Location
from biotrail.stores import SQLiteStore
from biotrail.vault import Vault
from biotrail.web.app import create_app
from biotrail.web.settings import WebSettings
from biotrail.web.tokens import TokenBook
from tests.unit.vault._providers import CountingProvider

ORIGIN = "example.com/north-campus"
NOON = datetime(2026, 11, 24, 15, 42, 7, tzinfo=UTC)
EVERY = ("read", "reveal", "export", "report", "admin")
ERASED = "person-3"
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202egnp.exe"
_START = NOON - timedelta(hours=26)
_HOURS = (1, 1, 1, 2, 3, 9, 22, 26, 14, 10, 9, 12, 16, 11, 8, 9, 17, 19, 8, 4, 3, 2, 1, 1, 2, 6)
_DOORS = ("door-1", "door-2", "server-room", "laboratory", "archive")


class Clock:
    """A clock that stands, but for a moment with each look at it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=3)
        return self.now


@attrs.frozen
class Site:
    """A page that is served.

    Attributes:
        url: Where.
        log: The log, to record in.
        tokens: The tokens.
        token: The text of one that may do everything.
        clock: What time it is.
        app: The application.
    """

    url: str
    log: biotrail.AuditLogger
    tokens: TokenBook
    token: str
    clock: Clock
    app: FastAPI

    def first(self, **is_: str) -> int:
        """Index of the newest event with these fields."""
        where = biotrail.parse_condition(
            " and ".join(["attempt = yes", *(f'{name} = "{value}"' for name, value in is_.items())])
        )
        return self.log.query(where, limit=1).records[0].index


def attempt(number: int, luck: random.Random, now: datetime, **changes: Any) -> Event:
    """One attempt of many, of every kind, a moment ago."""
    modality = luck.choices(("face", "fingerprint", "iris", "none"), (60, 25, 8, 7))[0]
    score = min(
        max(luck.gauss(0.78, 0.09) if luck.random() < 0.84 else luck.gauss(0.42, 0.1), 0), 1
    )
    matched = score >= 0.6
    comparison = Comparison(
        matcher={"face": "arcface-r100", "fingerprint": "minutiae-c"}.get(modality, "iris-gabor"),
        version="2.4.1",
        decision="match" if matched else "non_match",
        score=round(score, 4),
        threshold=0.6,
        type="verification",
        reference=f"ref-{number % 17:02}",
        presentation_attack="bona_fide",
    )
    captured = luck.random() > 0.05
    is_biometric = modality != "none"
    granted = (matched and captured) or not is_biometric
    reason = "other_factor" if not is_biometric else comparison.decision
    fields: dict[str, Any] = {
        "occurred": now - timedelta(milliseconds=luck.randrange(200, 1900)),
        "action": luck.choices(("door.open", "login", "session.step_up"), (70, 24, 6))[0],
        "decision": "granted" if granted else "denied",
        "reason": reason
        if captured or not is_biometric
        else luck.choice(("blur", "pose", "no_face")),
        "outcome": "unknown" if granted and luck.random() < 0.04 else None,
        "modality": modality,
        "factors": () if is_biometric else ("badge", "pin"),
        "target": luck.choice(_DOORS),
        "subject": f"person-{luck.randrange(12)}",
        "actor": None,
        "comparison": comparison if is_biometric and captured else None,
        "context": Context(
            ip=f"10.20.{luck.randrange(4)}.{luck.randrange(1, 250)}",
            device_id=f"terminal-{luck.randrange(6)}",
            device_model="Terminal T4",
            os="Linux 6.6",
            location=Location(latitude=52.5163, longitude=13.3777, country="DE", city="Berlin"),
            trace_id=f"{luck.getrandbits(128):032x}",
            user_agent="terminal/4.2",
            provenance={"ip": "observed", "device_id": "attested", "location": "proxy_asserted"},
        ),
        "labels": {"building": "north", "floor": number % 4},
        **changes,
    }
    return Event(**fields)


def nasty(now: datetime) -> Event:
    """An attempt with hostile text wherever an event takes text of the host's."""
    plain = NASTY.replace("\u202e", "")
    return Event(
        action=plain,
        occurred=now,
        decision="denied",
        reason=f"host.{plain}"[:64],
        target=plain,
        modality="face",
        tenant=plain,
        subject=plain,
        actor=plain,
        labels={"<b>label</b>": NASTY},
        attributes={"<i>own</i>": NASTY},
        comparison=Comparison(
            matcher=plain,
            version="<u>1</u>",
            decision="non_match",
            score=0.1,
            threshold=0.6,
            metric="<s>metric</s>",
            reference=plain,
            gallery=plain,
            calibration=plain,
        ),
        context=Context(
            device_id=plain,
            device_model=plain,
            os=plain,
            user_agent=NASTY + "\r\nX-Injected: yes",
            session_id=plain,
            request_id=plain,
            trace_id=plain,
            location=Location(latitude=1, longitude=2, region=plain, city=plain),
        ),
    )


def write_day(log: biotrail.AuditLogger, clock: Clock) -> None:
    """Record a day, with an erasure and a hostile event in it."""
    luck, number = random.Random(7), 0
    for hour, count in enumerate(_HOURS):
        clock.now = max(clock.now, _START + timedelta(hours=hour, minutes=luck.randrange(20)))
        log.record_many([attempt(number + one, luck, clock.now) for one in range(count // 2)])
        clock.now = max(clock.now, _START + timedelta(hours=hour, minutes=luck.randrange(25, 50)))
        log.record_many(
            [attempt(number + one, luck, clock.now) for one in range(count // 2, count)]
        )
        number += count
    log.erase(ERASED, reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
    log.record(nasty(clock.now))
    clock.now = max(clock.now, NOON - timedelta(minutes=2))
    log.record(attempt(number + 1, luck, clock.now, subject="person-5", modality="face"))
    clock.now = max(clock.now, NOON)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application in a thread of its own."""
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_level="error", access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = True
        server.should_exit = True
        thread.join()


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A log of one day, and its page, served."""
    clock = Clock(_START)
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
    store = SQLiteStore(folder / "log.db")
    log = biotrail.AuditLogger(store, signer, vault=Vault(CountingProvider()), clock=clock)
    tokens = TokenBook(folder / "tokens.json", clock=clock)
    with log:
        write_day(log, clock)
        text, _ = tokens.create(
            scopes=EVERY,
            purposes=["incident-review"],
            expires=NOON + timedelta(days=1),
            name="R. Okafor",
        )
        # Short pages: what is looked at closely takes its time with every row.
        app = create_app(log, tokens=tokens, clock=clock, settings=WebSettings(page_limit=15))
        with served(app) as url:
            yield Site(url, log, tokens, text, clock, app)
