"""Attacks that rules of detection have to notice, and honest days that they must not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.detection import Detector, ImpossibleTravel, ManySubjects, ScoreClimbing
from biotrail.query import field
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN
from tests.unit.vault._providers import CountingProvider

_START = datetime(2026, 11, 23, 8, tzinfo=UTC)
_THRESHOLD = 0.8


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """A log with a vault."""
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    vault = Vault(CountingProvider())
    with biotrail.AuditLogger(MemoryStore(), signer, vault=vault) as opened:
        yield opened


def _attempt(seconds: float, score: float, **changes: Any) -> biotrail.Event:
    match = score >= _THRESHOLD
    return biotrail.Event(
        **{
            "action": "log.in",
            "decision": "granted" if match else "denied",
            "reason": "match" if match else "non_match",
            "modality": "face",
            "subject": "anna",
            "occurred": _START + timedelta(seconds=seconds),
            "comparison": biotrail.Comparison(
                matcher="example",
                version="1",
                decision="match" if match else "non_match",
                score=score,
                threshold=_THRESHOLD,
            ),
            **changes,
        }
    )


def _climb(draw: random.Random) -> list[float]:
    """Scores of an attacker who changes a sample at random and keeps what brings it nearer.

    The template has 32 numbers; the score is the cosine of the sample with it.
    """
    template = [draw.gauss(0, 1) for _ in range(32)]
    sample, best, scores = [draw.gauss(0, 1) for _ in range(32)], -1.0, list[float]()
    while best < _THRESHOLD:
        tried = [one + draw.gauss(0, 0.25) for one in sample]
        dot = sum(a * b for a, b in zip(tried, template, strict=True))
        size = (sum(a * a for a in tried) * sum(b * b for b in template)) ** 0.5
        scores.append(dot / size)
        if dot / size > best:
            sample, best = tried, dot / size
    return scores


def _found(log: biotrail.AuditLogger, tmp_path: Path) -> list[str]:
    rules = [ImpossibleTravel(), ManySubjects(), ScoreClimbing()]
    with Detector(log, rules, state=tmp_path / "state") as detector:
        return [one.finding.rule for one in detector.run_once()]


@pytest.mark.parametrize("seed", range(5))
def test_hill_climbing_is_found_before_it_succeeds(
    log: biotrail.AuditLogger, tmp_path: Path, seed: int
) -> None:
    """An attacker who is told scores climbs to the threshold; it is noticed on the way."""
    scores = _climb(random.Random(seed))
    log.record_many(_attempt(10 * n, score) for n, score in enumerate(scores))
    found = _found(log, tmp_path)
    assert set(found) == {"score_climbing"}
    assert len(found) <= 3  # again where it slackened and went on
    record = next(log.search(field("action") == "detection.score_climbing", sort="index"))
    labels: Any = record.entry.content["labels"]
    last = int(labels["indices"].split(",")[-1])
    succeeded = (field("outcome") == "success") & (field("action") == "log.in")
    first_match = next(log.search(succeeded, sort="index")).index
    assert last < first_match - 5
    assert len(scores) > 20


def test_one_sample_on_many_people_is_found(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """A sample that is tried on one person after another from one address is found at the tenth."""
    draw = random.Random(3)
    log.record_many(
        _attempt(
            20 * n,
            draw.uniform(0, 0.5),
            subject=f"person-{n}",
            context=biotrail.Context(ip=f"2001:db8::{n:x}"),  # one line's network
        )
        for n in range(35)
    )
    assert _found(log, tmp_path) == ["many_subjects", "many_subjects"]


def test_an_honest_day_raises_nothing(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """A hundred people at one terminal, some of whom fail now and then, are no finding."""
    draw = random.Random(5)
    terminal = biotrail.Context(
        ip="192.0.2.1",
        device_id="terminal",
        location=biotrail.Location(latitude=47.37, longitude=8.54, accuracy_m=50),
    )
    log.record_many(
        _attempt(
            30 * n,
            draw.uniform(0.2, 0.79) if draw.random() < 0.03 else draw.uniform(0.8, 1),
            subject=f"person-{draw.randrange(100)}",
            context=terminal,
        )
        for n in range(1_000)
    )
    assert _found(log, tmp_path) == []
