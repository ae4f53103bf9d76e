"""Enrol a person, verify, enrol again, and delete everything: each step in the log."""

# needs: numpy

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.audit.changes import deletion_event, enrolment_event, revocation_event
from biotrail.matchers import (
    EmbeddingMatcher,
    Enrolment,
    ProjectionKey,
    ReferenceStore,
    RenewableMatcher,
    delete_references,
    enrol,
)

THRESHOLD = 0.2
"""Share of bits that may differ. Made up: yours comes from `biotrail calibrate`."""

# What a camera and a network would give: three captures of Ada, one of Eve.
ADA = [[(7 * n % 13) - 6 + 0.3 * (n * k % 5 - 2) for n in range(64)] for k in (1, 2, 3)]
EVE = [(5 * n % 11) - 5.0 for n in range(64)]


def enrol_person(
    log: biotrail.AuditLogger,
    store: ReferenceStore,
    matcher: RenewableMatcher,
    captures: list[list[float]],
    *,
    replaces: str | None = None,
) -> str | None:
    """Enrol, or say in the log why not; returns the new reference's id."""
    found = enrol(matcher, captures, consistency=THRESHOLD, replaces=replaces)
    if isinstance(found, Enrolment):
        if replaces is None:
            store.add(found.reference, subject="ada")
        else:
            store.replace(replaces, found.reference)
    log.record(enrolment_event(found, subject="ada", actor="registrar", modality="face"))
    return found.reference.id if isinstance(found, Enrolment) else None


def enter(
    log: biotrail.AuditLogger,
    store: ReferenceStore,
    matcher: RenewableMatcher,
    reference: str,
    capture: list[float],
) -> bool:
    """Let a person in who matches the reference."""
    with log.attempt(action="door.open", subject="ada", modality="face") as attempt:
        check = attempt.verify(matcher, reference, capture, references=store, threshold=THRESHOLD)
        if check.matched:
            attempt.grant()
        elif check.denied is None:
            attempt.deny("non_match")
    return attempt.granted


def main() -> None:
    """The life of one person's references, and the auditor's verdict."""
    network = EmbeddingMatcher(model="example-network", version="1.0", dimension=64)
    matcher = RenewableMatcher(network, ProjectionKey.generate())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        key = bytes(range(32))  # from your key store
        with (
            biotrail.open(path, origin="example.com/door", passphrase="example") as log,
            ReferenceStore(Path(folder) / "references.db", key) as store,
        ):
            assert enrol_person(log, store, matcher, [ADA[0], EVE]) is None
            first = enrol_person(log, store, matcher, ADA[:2])
            assert first is not None
            assert enter(log, store, matcher, first, ADA[2])
            assert not enter(log, store, matcher, first, EVE)

            second = enrol_person(log, store, matcher, ADA[1:], replaces=first)
            assert second is not None
            log.record(revocation_event(first, reason="re_enrolled", subject="ada"))
            assert not enter(log, store, matcher, first, ADA[0])
            assert enter(log, store, matcher, second, ADA[0])

            report = delete_references(store.ids(subject="ada", revoked=True), [store])
            version = store.version  # the log remembers it; an older copy of the file has less
            labels = {"store_version": version}
            log.record(
                deletion_event(report, reason="subject_request", subject="ada", labels=labels)
            )
            assert not enter(log, store, matcher, second, ADA[0])
            verifier_key, kept = log.verifier_key, log.checkpoint().note
        ReferenceStore(Path(folder) / "references.db", key, expect_at_least=version).close()
        found = biotrail.verify_log(path, verifier_key, from_checkpoint=kept)
    print(f"{report.rows_before} references deleted, {report.rows_after} left;", end=" ")
    print(f"{found.events} events in the log, all verified")


if __name__ == "__main__":
    main()
