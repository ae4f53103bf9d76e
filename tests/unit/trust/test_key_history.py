"""Which key may sign which checkpoint: each rule, kept and broken."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.errors import MalformedError, SignatureError, WrongKeyError
from biotrail.signing import Ed25519Signer, VerifierKey, sign_checkpoint
from biotrail.tlog import Checkpoint
from biotrail.trust import KeyHistory

ORIGIN = "biotrail.example/log1"
FIRST, SECOND, THIRD = (Ed25519Signer.from_seed(ORIGIN, bytes([n]) * 32) for n in (1, 2, 3))
ELSEWHERE = Ed25519Signer.from_seed("biotrail.example/log2", bytes([4]) * 32)


def note(size: int, *signers: Ed25519Signer, origin: str = ORIGIN) -> str:
    """Return a signed checkpoint of a size."""
    return sign_checkpoint(Checkpoint(origin, size, bytes([size % 256]) * 32), *signers)


def genesis(signer: Ed25519Signer = FIRST, **more: Any) -> dict[str, Any]:
    """Return the content of a genesis entry."""
    return {"format": "biotrail/1", "origin": ORIGIN, "key": str(signer.verifier_key), **more}


def added(signer: Ed25519Signer, purpose: str, **more: Any) -> dict[str, Any]:
    """Return the content of an entry that adds a key."""
    return {"key": str(signer.verifier_key), "purpose": purpose, **more}


def retired(signer: Ed25519Signer) -> dict[str, Any]:
    """Return the content of an entry that retires a key."""
    return {"key": str(signer.verifier_key), "reason": "host.lost"}


@pytest.fixture
def history() -> KeyHistory:
    """A log of one entry, under the first key."""
    history = KeyHistory(ORIGIN)
    history.apply(0, "genesis", genesis())
    history.accept(note(1, FIRST), 1)
    return history


def keys_of(history: KeyHistory) -> list[VerifierKey]:
    """Return every key that was added."""
    return [one.key for one in history.admissions]


def test_the_first_key_signs_from_the_first_checkpoint_on() -> None:
    """The key of the genesis entry is in force at once, and stays so."""
    history = KeyHistory()
    history.apply(0, "genesis", genesis())
    assert history.origin == ORIGIN
    for size in (1, 2, 100):
        checkpoint, key = history.accept(note(size, FIRST), size)
        assert (checkpoint.size, key) == (size, FIRST.verifier_key)


def test_before_genesis_nobody_signs() -> None:
    """Without a genesis entry no key is in force."""
    with pytest.raises(SignatureError):
        KeyHistory(ORIGIN).accept(note(1, FIRST), 1)


def test_the_origin_must_be_the_expected_one() -> None:
    """A log of another name than the expected is refused with both names."""
    with pytest.raises(WrongKeyError) as caught:
        KeyHistory("biotrail.example/other").apply(0, "genesis", genesis())
    assert (caught.value.expected, caught.value.found) == ("biotrail.example/other", ORIGIN)
    assert caught.value.index == 0


@pytest.mark.parametrize("index", [1, 7])
def test_genesis_stands_only_at_the_beginning(history: KeyHistory, index: int) -> None:
    """A second genesis entry, or one at another index, is refused."""
    for one in (history, KeyHistory(ORIGIN)):
        with pytest.raises(MalformedError) as caught:
            one.apply(index, "genesis", genesis(SECOND))
        assert caught.value.index == index
    with pytest.raises(MalformedError):
        history.apply(0, "genesis", genesis(SECOND))


def test_a_key_comes_into_force_after_the_checkpoint_that_covers_it(history: KeyHistory) -> None:
    """The batch that adds a key is signed by a key that was in force before it."""
    history.apply(1, "key_added", added(SECOND, "writer"))
    with pytest.raises(WrongKeyError) as caught:
        history.open(note(3, SECOND), 3)
    assert caught.value.index == 2
    history.accept(note(3, FIRST), 3)
    assert history.accept(note(4, SECOND), 4)[1] == SECOND.verifier_key
    assert history.accept(note(5, FIRST), 5)[1] == FIRST.verifier_key


def test_a_key_does_not_vouch_for_what_was_before_it(history: KeyHistory) -> None:
    """A key that is in force later does not sign the checkpoint that brought it in, or earlier."""
    history.apply(1, "key_added", added(SECOND, "writer"))
    history.accept(note(3, FIRST), 3)
    for size in (1, 2, 3):
        with pytest.raises(WrongKeyError):
            history.open(note(size, SECOND), size)


def test_a_chain_of_keys_in_one_batch(history: KeyHistory) -> None:
    """A key added in a batch cannot vouch for a third one added in the same batch."""
    history.apply(1, "key_added", added(SECOND, "writer"))
    history.apply(2, "key_added", added(THIRD, "writer"))
    for signer in (SECOND, THIRD):
        with pytest.raises(WrongKeyError):
            history.open(note(3, signer), 3)
    history.accept(note(3, FIRST), 3)
    history.accept(note(4, THIRD), 4)


def test_a_retired_key_signs_the_checkpoint_that_covers_its_end(history: KeyHistory) -> None:
    """A key signs up to and including the first checkpoint that covers its retirement."""
    history.apply(1, "key_added", added(SECOND, "rotation"))
    history.accept(note(2, FIRST), 2)
    history.apply(2, "key_retired", retired(FIRST))
    history.accept(note(5, FIRST), 5)
    with pytest.raises(WrongKeyError):
        history.open(note(6, FIRST), 6)
    assert history.accept(note(6, SECOND), 6)[1] == SECOND.verifier_key
    assert history.open(note(4, FIRST), 4)[1] == FIRST.verifier_key


def test_a_key_that_retires_itself_may_be_the_last(history: KeyHistory) -> None:
    """After the only key is retired and covered, no key is left to sign."""
    history.apply(1, "key_retired", retired(FIRST))
    history.accept(note(2, FIRST), 2)
    with pytest.raises(WrongKeyError):
        history.open(note(3, FIRST), 3)


def test_retiring_what_is_not_there(history: KeyHistory) -> None:
    """Retiring a key that was never added, or twice, is refused."""
    with pytest.raises(MalformedError) as caught:
        history.apply(1, "key_retired", retired(SECOND))
    assert caught.value.index == 1
    history.apply(1, "key_retired", retired(FIRST))
    with pytest.raises(MalformedError):
        history.apply(2, "key_retired", retired(FIRST))


@pytest.mark.parametrize("purpose", ["rotation", "writer"])
def test_a_key_is_added_once(history: KeyHistory, purpose: str) -> None:
    """A key that is or was in the log is not added again, retired or not."""
    with pytest.raises(MalformedError):
        history.apply(1, "key_added", added(FIRST, purpose))
    history.apply(1, "key_retired", retired(FIRST))
    history.accept(note(2, FIRST), 2)
    with pytest.raises(MalformedError) as caught:
        history.apply(2, "key_added", added(FIRST, purpose))
    assert caught.value.index == 2


def test_a_rotation_keeps_the_commitment() -> None:
    """Where the log committed to its next key, a rotation to another one is refused."""
    history = KeyHistory(ORIGIN)
    digest = SECOND.verifier_key.digest()
    history.apply(0, "genesis", genesis(next=digest))
    assert history.next_digest == digest
    with pytest.raises(WrongKeyError) as caught:
        history.apply(1, "key_added", added(THIRD, "rotation"))
    assert caught.value.expected == digest.hex()
    assert caught.value.found == THIRD.verifier_key.digest().hex()
    assert keys_of(history) == [FIRST.verifier_key]
    history.apply(1, "key_added", added(SECOND, "rotation", next=THIRD.verifier_key.digest()))
    assert history.next_digest == THIRD.verifier_key.digest()
    history.apply(2, "key_added", added(THIRD, "rotation"))
    assert history.next_digest is None


def test_further_writers_keep_the_commitment() -> None:
    """A further writer's key is no rotation: what the log committed to stays."""
    history = KeyHistory(ORIGIN)
    history.apply(0, "genesis", genesis(next=SECOND.verifier_key.digest()))
    history.apply(1, "key_added", added(THIRD, "writer", next=bytes(32)))
    assert history.next_digest == SECOND.verifier_key.digest()


@pytest.mark.parametrize("key", ["", "no key", str(FIRST.verifier_key)[:-2], "a+b+c"])
def test_what_is_no_key(history: KeyHistory, key: str) -> None:
    """A text that is no verifier key is refused at its index, wherever it stands."""
    for kind in ("key_added", "key_retired"):
        with pytest.raises(MalformedError):
            history.apply(1, kind, {"key": key, "purpose": "writer", "reason": "x"})
    with pytest.raises(MalformedError) as caught:
        KeyHistory(ORIGIN).apply(0, "genesis", {**genesis(), "key": key})
    assert caught.value.index == 0


def test_keys_bear_the_name_of_the_log(history: KeyHistory) -> None:
    """A key of another name is refused, as the first key and as a further one."""
    with pytest.raises(MalformedError) as caught:
        history.apply(1, "key_added", added(ELSEWHERE, "writer"))
    assert caught.value.found == "biotrail.example/log2"
    with pytest.raises(MalformedError):
        KeyHistory(ORIGIN).apply(0, "genesis", genesis(ELSEWHERE))


def test_checkpoints_of_another_size(history: KeyHistory) -> None:
    """A good checkpoint of another size than expected is refused."""
    with pytest.raises(SignatureError, match="for size 2, not 3"):
        history.open(note(2, FIRST), 3)


def test_checkpoints_of_another_log(history: KeyHistory) -> None:
    """A checkpoint of another log, signed by that log's own key, is refused."""
    with pytest.raises(SignatureError):
        history.open(note(2, ELSEWHERE, origin=ELSEWHERE.verifier_key.name), 2)


def test_keys_that_nobody_added(history: KeyHistory) -> None:
    """A key that the log never added signs nothing, whatever its name."""
    with pytest.raises(SignatureError):
        history.open(note(2, THIRD), 2)
    with pytest.raises(WrongKeyError):
        history.check_in_force(THIRD.verifier_key, 2)
    assert history.find(THIRD.verifier_key) is None


def test_a_refused_checkpoint_changes_nothing(history: KeyHistory) -> None:
    """A checkpoint that is refused brings no key into force."""
    history.apply(1, "key_added", added(SECOND, "writer"))
    with pytest.raises(WrongKeyError):
        history.accept(note(2, SECOND), 2)
    with pytest.raises(WrongKeyError):
        history.accept(note(3, SECOND), 3)
    admission = history.find(SECOND.verifier_key)
    assert admission is not None
    assert (admission.added, admission.purpose, admission.after) == (1, "writer", None)


@pytest.mark.parametrize("kind", ["event", "log_read", "subject_erased"])
def test_other_entries_change_nothing(history: KeyHistory, kind: str) -> None:
    """Entries that are not about keys are passed over, whatever they hold."""
    before = history.admissions
    history.apply(1, kind, added(SECOND, "writer"))
    assert history.admissions == before


# --- keys that were committed to, and keys that were stolen ---------------------------------------


def compromised(signer: Ed25519Signer, since: int) -> dict[str, Any]:
    """Return the content of an entry that reports a key as stolen."""
    return {"key": str(signer.verifier_key), "since": since, "reason": "host.stolen"}


@pytest.fixture
def committed() -> KeyHistory:
    """A log of one entry, under the first key, committed to the second."""
    history = KeyHistory(ORIGIN)
    history.apply(0, "genesis", genesis(next=SECOND.verifier_key.digest()))
    history.accept(note(1, FIRST), 1)
    return history


def test_the_key_that_was_committed_to_signs_its_own_admission(committed: KeyHistory) -> None:
    """It signs the checkpoint that covers the entry which adds it, and none before."""
    assert committed.is_promised(SECOND.verifier_key)
    assert not committed.is_promised(THIRD.verifier_key)
    then = THIRD.verifier_key.digest()
    committed.apply(1, "key_added", added(SECOND, "rotation", next=then))
    assert not committed.is_promised(THIRD.verifier_key)  # no checkpoint covers that entry yet
    assert committed.accept(note(3, SECOND), 3)[1] == SECOND.verifier_key
    assert committed.is_promised(THIRD.verifier_key)
    for size in (1, 2):
        with pytest.raises(WrongKeyError):
            committed.check_in_force(SECOND.verifier_key, size)


def test_a_commitment_that_the_key_before_signed_does_not_stand(committed: KeyHistory) -> None:
    """Where the key before signed the rotation, its commitment binds and gives no power."""
    then = THIRD.verifier_key.digest()
    committed.apply(1, "key_added", added(SECOND, "rotation", next=then))
    committed.accept(note(2, FIRST), 2)
    assert committed.next_digest == then
    assert not committed.is_promised(THIRD.verifier_key)
    committed.apply(2, "key_added", added(THIRD, "rotation"))
    with pytest.raises(WrongKeyError):
        committed.open(note(3, THIRD), 3)


def test_a_report_ends_the_key_and_whom_it_let_in(committed: KeyHistory) -> None:
    """The stolen key and the keys that it let in since are out of force behind the report."""
    committed.apply(1, "key_added", added(THIRD, "writer"))
    committed.accept(note(2, FIRST), 2)
    committed.apply(2, "key_compromised", compromised(FIRST, 1))
    committed.apply(3, "key_added", added(SECOND, "rotation"))
    committed.accept(note(4, SECOND), 4)
    assert [one.until for one in committed.admissions] == [4, 4, None]
    found = committed.disbelieved()
    assert {key: one.since for key, one in found.items()} == {
        FIRST.verifier_key: 1,
        THIRD.verifier_key: 1,
    }
    assert {one.report for one in found.values()} == {2}
    assert committed.reported(FIRST.verifier_key, 1, SECOND.verifier_key) == 2
    assert committed.reported(FIRST.verifier_key, 2, SECOND.verifier_key) is None


def test_a_refused_report_changes_nothing(committed: KeyHistory) -> None:
    """A report that its signer may not make is refused at its own index, and ends no key."""
    committed.apply(1, "key_added", added(THIRD, "writer"))
    committed.accept(note(2, FIRST), 2)
    committed.apply(2, "key_compromised", compromised(FIRST, 1))
    with pytest.raises(WrongKeyError) as caught:
        committed.accept(note(4, THIRD), 4)
    assert caught.value.index == 2
    assert committed.disbelieved() == {}
    assert [one.until for one in committed.admissions] == [None, None]


@pytest.mark.parametrize("since", [3, 2**64 - 1])
def test_a_report_since_the_future(committed: KeyHistory, since: int) -> None:
    """A report since an entry behind its own is malformed, and so is one of a stranger."""
    for content in (compromised(FIRST, since), compromised(THIRD, 1)):
        with pytest.raises(MalformedError) as caught:
            committed.apply(2, "key_compromised", content)
        assert caught.value.index == 2
