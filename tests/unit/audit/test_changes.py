"""Events of enrolment, revocation, deletion, thresholds and matchers; no features in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from biotrail import Event
from biotrail.audit.changes import (
    card_revocation_event,
    deletion_event,
    enrolment_event,
    matcher_event,
    revocation_event,
    threshold_event,
)
from biotrail.errors import EventError, MatcherError
from biotrail.events import Action
from biotrail.matchers.deletion import DeletionReport, PlaceReport
from biotrail.matchers.enrolment import enrol
from tests._components import ROOT
from tests.unit.audit._checking import (
    ALIKE,
    DARK,
    ENROLLED,
    NOW,
    OTHER,
    Camera,
    Trail,
    calibration,
)
from tests.unit.audit._logs import verified

pytestmark = pytest.mark.component("numpy")


@pytest.fixture
def trail() -> Iterator[Trail]:
    """A log in memory, verified in the end."""
    made = Trail()
    yield made
    verified(made.store, made.log.verifier_key)
    made.log.close()


def enrolment(*images: Any, **options: Any) -> Any:
    """An enrolment or a failure, at noon."""
    given = {"consistency": 0.7, "clock": lambda: NOW, "id": "ref-new", **options}
    return enrol(Camera(), images, **given)


def report(left: int = 0, count: int = 1) -> DeletionReport:
    """A report of one place."""
    place = PlaceReport(
        name="store", rows_before=count, rows_after=left, bytes_before=64, bytes_after=8 * left
    )
    names = tuple(f"ref-{number}" for number in range(count))
    return DeletionReport(references=names, places=(place,))


def test_an_enrolment_is_recorded(trail: Trail) -> None:
    """Reference, card, counts, expiry and consistency are in the entry; agreement is personal."""
    found = enrolment(ENROLLED, ALIKE, DARK, minimum=2, valid_for=timedelta(days=1))
    event = enrolment_event(found, subject="ada", actor="registrar-3", modality="face")
    trail.log.record(event)
    last = trail.last()
    assert (last["action"], last["decision"], last["reason"]) == (
        "reference.enrol",
        "granted",
        "policy",
    )
    assert last["labels"] == {
        "reference": "ref-new",
        "matcher": "acme",
        "version": "1",
        "card": Camera().card.digest,
        "samples": 2,
        "not_usable": 1,
        "consistency_micro": 700_000,
        "expires": "2026-11-24T12:00:00.000000Z",
    }
    assert trail.personal()["attributes"] == {"agreement_micro": 800_000}


def test_a_re_enrolment_names_what_it_replaces(trail: Trail) -> None:
    """The old reference is named."""
    trail.log.record(enrolment_event(enrolment(ENROLLED, replaces="ref-old")))
    assert trail.last()["action"] == "reference.re_enrol"
    assert trail.last()["labels"]["replaces"] == "ref-old"


@pytest.mark.parametrize(
    ("images", "options", "reason"),
    [
        ((ENROLLED, OTHER), {}, "inconsistent_samples"),
        ((ENROLLED, DARK), {}, "too_dark"),
        ((ENROLLED,), {"duplicates": lambda _: ["ref-1"]}, "already_enrolled"),
    ],
    ids=("inconsistent", "dark", "duplicate"),
)
def test_a_failure_to_enrol_is_denied(trail: Trail, images: Any, options: Any, reason: str) -> None:
    """A failure has its reason, no reference, and a failed outcome."""
    trail.log.record(enrolment_event(enrolment(*images, **options), subject="ada"))
    last = trail.last()
    assert (last["decision"], last["outcome"], last["reason"]) == ("denied", "failure", reason)
    assert "reference" not in last["labels"]
    assert last["labels"]["samples"] == 0


def test_revocations(trail: Trail) -> None:
    """One reference, or all of a card, with the reason."""
    trail.log.record(revocation_event("ref-1", reason="subject_request", subject="ada"))
    assert (trail.last()["action"], trail.last()["labels"]) == (
        "reference.revoke",
        {"reference": "ref-1"},
    )
    card = Camera().card.digest
    trail.log.record(card_revocation_event(card, count=12, reason="key_compromised"))
    assert trail.last()["labels"] == {"card": card, "count": 12}
    assert trail.last()["reason"] == "key_compromised"


@pytest.mark.parametrize(("left", "outcome"), [(0, "success"), (1, "failure")])
def test_deletions_say_what_is_left(trail: Trail, left: int, outcome: str) -> None:
    """What was held and what is left is counted; something left is no success."""
    trail.log.record(deletion_event(report(left), reason="subject_request", subject="ada"))
    last = trail.last()
    assert (last["action"], last["outcome"]) == ("reference.delete", outcome)
    assert last["labels"] == {
        "reference": "ref-0",
        "references": 1,
        "places": 1,
        "rows_before": 1,
        "rows_after": left,
        "bytes_before": 64,
        "bytes_after": 8 * left,
        "copies_after": 0,
    }
    many = deletion_event(report(count=3), reason="policy")
    assert "reference" not in many.labels


def test_thresholds(trail: Trail) -> None:
    """A plain and a calibrated threshold, and the one before."""
    card = Camera().card
    trail.log.record(threshold_event(card, calibration(0.71), before=0.65, actor="admin"))
    assert trail.last()["labels"] == {
        "card": card.digest,
        "metric": "cosine",
        "threshold_micro": 710_000,
        "before_micro": 650_000,
        "calibration": calibration(0.71).id,
    }
    plain = threshold_event(card, 0.5, before=calibration(0.71))
    assert "calibration" not in plain.labels
    assert plain.labels["before_micro"] == 710_000


def test_any_real_number_is_a_threshold() -> None:
    """A threshold of NumPy's is recorded in whole millionths; what is none is refused."""
    import numpy

    card = Camera().card
    given: list[Any] = [numpy.float32(0.65), numpy.float32(1234.5)]
    event = threshold_event(card, given[0], before=given[1])
    assert event.labels["threshold_micro"] == 650_000
    assert event.labels["before_micro"] == 1_234_500_000
    for wrong in (float("nan"), True, "0.5", None, numpy.float32("inf")):
        with pytest.raises(MatcherError, match="threshold must be a finite number"):
            threshold_event(card, wrong)  # type: ignore[arg-type]


def test_matchers(trail: Trail) -> None:
    """Another version is another card; the card before is named."""
    old, new = Camera().card, Camera(version="2").card
    trail.log.record(matcher_event(new, before=old))
    assert trail.last()["labels"] == {
        "matcher": "acme",
        "version": "2",
        "card": new.digest,
        "before": old.digest,
    }
    assert "before" not in matcher_event(new).labels


def events() -> list[Event]:
    """One of each."""
    found = enrolment(ENROLLED, ALIKE, valid_for=timedelta(days=1))
    card = Camera().card
    return [
        enrolment_event(found),
        enrolment_event(enrolment(ENROLLED, OTHER, replaces="ref-old")),
        enrolment_event(enrolment(ENROLLED, replaces="ref-old")),
        revocation_event("ref-1", reason="policy"),
        card_revocation_event(card.digest, count=1, reason="policy"),
        deletion_event(report(), reason="policy"),
        threshold_event(card, calibration(), before=0.5),
        matcher_event(card, before=Camera(version="2").card),
    ]


def test_labels_are_those_of_the_specification() -> None:
    """Every action and label is in the page of the specification, and every action is used."""
    page = (ROOT / "docs" / "spec" / "event.md").read_text(encoding="utf-8")
    made = events()
    locking = {action for action in Action if action.startswith("attempt.")}
    assert {event.action for event in made} == set(Action) - locking
    for event in made:
        assert f"`{event.action}`" in page
        assert [name for name in event.labels if f"`{name}`" not in page] == []


def test_hosts_add_labels_of_their_own() -> None:
    """Labels and attributes of the host's own are kept beside; the event's names are taken."""
    found = enrolment(ENROLLED, ALIKE)
    event = enrolment_event(found, labels={"desk": 3}, attributes={"note": "glasses"})
    assert event.labels["desk"] == 3
    assert event.attributes == {"agreement_micro": 800_000, "note": "glasses"}
    with pytest.raises(EventError, match="is a label of this event"):
        enrolment_event(found, labels={"reference": "other"})


def test_references_are_refused_as_fields() -> None:
    """A reference, an enrolment or features cannot get into an event by any field."""
    found = enrolment(ENROLLED, ALIKE)
    for value in (found.reference, found.reference.values, found.reference.to_bytes(), found):
        for name in ("labels", "attributes"):
            with pytest.raises(EventError):
                revocation_event("ref-1", reason="policy", **{name: {"kept": value}})
        for name in ("subject", "actor", "target", "tenant"):
            with pytest.raises(EventError):
                revocation_event("ref-1", reason="policy", **{name: value})
        with pytest.raises(EventError):
            revocation_event(value, reason="policy")
