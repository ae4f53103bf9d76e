"""Usage that must type-check, as users write it: checked by ``mypy --strict``, never run.

What a change breaks here, it breaks for everybody who checks their own code.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import assert_type
from uuid import UUID

from biotrail.audit import AuditLogger, Receipt, SignedCheckpoint, open_log, rotate_key_file
from biotrail.audit.biometric import BiometricCheck
from biotrail.audit.changes import enrolment_event
from biotrail.errors import BiotrailError, NotRecordedError, UnknownOutcomeError, VerificationError
from biotrail.events import (
    Actor,
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    Context,
    Event,
    Location,
    Modality,
    Outcome,
    Reason,
    Subject,
)
from biotrail.matchers import (
    AttemptHistory,
    Calibration,
    ComparisonScore,
    DecisionPolicy,
    Enrolment,
    FailureToEnrol,
    MatcherBackend,
    ModelCard,
    ReferenceStore,
    ScoreTable,
    calibrate,
    enrol,
    evaluate,
)
from biotrail.matchers.gallery import Gallery
from biotrail.signing import AwsKmsSigner, Ed25519Signer, Pkcs11Signer, Signer, VerifierKey
from biotrail.tlog import Checkpoint, ProofFile, verify_consistency, verify_inclusion
from biotrail.vault import (
    AwsKmsKeyProvider,
    KeyProvider,
    KeyringKeyProvider,
    MemoryKeyProvider,
    PassphraseKeyProvider,
    Pkcs11KeyProvider,
    Vault,
    VaultTransitKeyProvider,
)


def events_take_words_or_their_texts() -> list[Event]:
    """Members of the vocabulary and their texts are taken alike."""
    comparison = Comparison(
        matcher="example-face",
        version="1.0",
        decision=ComparisonDecision.MATCH,
        score=0.83,
        threshold=0.6,
    )
    return [
        Event(action="door.open", decision="denied", modality="face", reason="no_face"),
        Event(
            action="door.open",
            decision=ApplicationDecision.GRANTED,
            actor=Actor(id="alice"),
            subject=Subject(id="alice"),
            modality=Modality.FACE,
            comparison=comparison,
            outcome=Outcome.SUCCESS,
            reason=Reason.MATCH,
            context=Context(
                ip=ip_address("192.0.2.7"), location=Location(latitude=52.5, longitude=13.4)
            ),
            attributes={"floor": 2, "escorted": False},
            occurred=datetime.now(UTC),
        ),
    ]


def events_read_back_as_words(event: Event) -> None:
    """What was given as text is read as the word; personal parts are objects or absent."""
    assert_type(event.decision, ApplicationDecision)
    assert_type(event.modality, Modality)
    assert_type(event.comparison, Comparison | None)
    assert_type(event.actor, Actor | None)
    assert_type(event.id, UUID)


def a_log_records(events: list[Event]) -> SignedCheckpoint:
    """Opening, recording, proving and closing."""
    with open_log("trail.db", origin="example.com/door", passphrase="secret") as log:
        assert_type(log, AuditLogger)
        assert_type(log.record(events[0]), Receipt)
        assert_type(log.record_many(events), list[Receipt])
        assert_type(log.prove(1), ProofFile)
        assert_type(log.prove(1, fields=["ip"]), ProofFile)
        rotate_key_file(log, "trail.db.key", passphrase="secret")
        stolen = log.report_compromise(log.verifier_key, since=1, reason="stolen")
        assert_type(stolen, Receipt)
        return log.checkpoint()


def an_attempt_is_granted_after_its_block(log: AuditLogger, matches: Callable[[], bool]) -> bool:
    """`granted` is a plain boolean, and the block hides no exception."""
    with log.attempt(action="door.open", actor="alice") as attempt:
        if matches():
            attempt.grant()
        else:
            attempt.deny(Reason.NON_MATCH)
    return attempt.granted


async def tasks_record(log: AuditLogger, event: Event) -> Receipt:
    """The same words with an ``a`` before them, and ``async with``."""
    async with log.attempt(action="door.open") as attempt:
        attempt.failed_to_acquire("no_face")
    assert_type(attempt.receipt, Receipt | None)
    return await log.arecord(event)


async def attempts_compare(
    log: AuditLogger, matcher: MatcherBackend, store: ReferenceStore, gallery: Gallery, image: bytes
) -> bool:
    """Checks take their options by name; a reference may be named by its id."""
    with log.attempt(action="door.open") as attempt:
        check = attempt.verify(matcher, "ref-1", image, references=store, threshold=0.6)
        assert_type(check, BiometricCheck)
        assert_type(check.comparison, Comparison | None)
    async with log.attempt(action="door.open") as attempt:
        found = await attempt.aidentify(matcher, gallery, image, policy=None, rule="mean")
    return found.matched


def enrolments_are_answers(matcher: MatcherBackend, images: list[bytes]) -> Event:
    """An enrolment or the reason why not; either becomes an event."""
    found = enrol(matcher, images, consistency=0.6, minimum=2)
    if isinstance(found, Enrolment):
        assert_type(found.reference.id, str | None)
    else:
        assert_type(found, FailureToEnrol)
    return enrolment_event(found, subject="alice")


def thresholds_come_from_people(scores: ScoreTable, card: ModelCard) -> Calibration:
    """Scores of known people become a calibration, which reads what it writes."""
    calibration = calibrate(scores, 1e-3, 0.95, card=card, cohort="staff, front door")
    assert_type(calibration.fmr_upper, float)
    assert_type(evaluate(scores).overall.eer, float)
    return Calibration.from_json(calibration.to_json())


def policies_keep_no_state(
    policy: DecisionPolicy, score: ComparisonScore, history: AttemptHistory
) -> AttemptHistory:
    """A policy is asked with the history and the time, and gives the history back."""
    decided = policy.decide(score, history=history, now=datetime.now(UTC))
    assert_type(decided.granted, bool)
    assert_type(decided.comparison, Comparison | None)
    return decided.history


class DeviceSigner:
    """A signer of the host's own needs no base class."""

    def __init__(self, inner: Ed25519Signer) -> None:
        self._inner = inner

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half."""
        return self._inner.verifier_key

    def sign(self, message: bytes) -> bytes:
        """Sign in the device."""
        return self._inner.sign(message)


def a_signer_of_ones_own() -> Signer:
    """The protocol is met by its two members."""
    return DeviceSigner(Ed25519Signer.generate("example.com/door"))


def signers_in_tokens_and_services(library: str, pin: str) -> list[Signer]:
    """Keys that stay where they are sign like those in a file."""
    return [
        Pkcs11Signer("example.com/door", library, token="door", pin=pin, key="door-1"),
        AwsKmsSigner("example.com/door", "key", region="eu-central-1"),
    ]


def any_key_provider_makes_a_vault(library: str, secret: str) -> list[Vault]:
    """Every provider meets the protocol, and a vault takes earlier ones beside it."""
    providers: list[KeyProvider] = [
        MemoryKeyProvider(),
        PassphraseKeyProvider("vault.keys", passphrase=secret, create=True),
        KeyringKeyProvider("example.com/door"),
        Pkcs11KeyProvider(library, token="door", pin=secret, key="kek", earlier=["before"]),
        AwsKmsKeyProvider("alias/biotrail", region="eu-central-1"),
        VaultTransitKeyProvider("https://bao.example.com", "kek", token=lambda: secret),
    ]
    return [Vault(one, previous=providers[:1]) for one in providers]


def proofs_are_bytes_and_ints(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> None:
    """The maths takes no object of ours and returns nothing: it raises or has been shown."""
    verify_inclusion(bytes(32), 3, new.size, proof, new.root)
    verify_consistency(old.size, old.root, new.size, new.root, proof)


def errors_carry_their_evidence(error: BiotrailError) -> int:
    """A verdict carries its exit code and the first bad index, where one can be named."""
    if isinstance(error, VerificationError):
        assert_type(error.index, int | None)
        return error.exit_code
    if isinstance(error, NotRecordedError):
        return 1 if isinstance(error, UnknownOutcomeError) else 2
    return 3
