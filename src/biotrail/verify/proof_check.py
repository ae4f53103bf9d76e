"""Proof files, checked offline: is this record in the log that this key signs for?

Four steps, each of which must hold:

1. the file has its one form, and carries one entry;
2. its checkpoint is signed by a key that the reader trusts;
3. the entry's leaf hash, with the hashes of the proof, leads to the checkpoint's root;
4. the entry has its one form, and says itself that it is at the index of the proof.

Whether the key was in force at the checkpoint's size cannot be seen from one proof file: that is
what `verify_log` is for.
"""

from __future__ import annotations

import attrs

from biotrail.canonical import Entry, decode_entry
from biotrail.canonical.disclosure_codec import is_disclosure
from biotrail.canonical.proof_entry import decode_proof_entry
from biotrail.errors import BiotrailError, CanonicalError, ForkedError, MalformedError, ProofError
from biotrail.signing import VerifierKey, open_checkpoint, parse_note
from biotrail.tlog import Checkpoint, ProofFile, leaf_hash, verify_inclusion
from biotrail.verify.cosigned import GivenCosigners, check_cosigned
from biotrail.verify.keys import GivenKeys, parse_keys

__all__ = ["ProvenEntry", "check_proof_file", "verify_proof"]


@attrs.frozen
class ProvenEntry:
    """An entry that was proven to be in a log.

    Attributes:
        entry: The entry, decoded.
        data: Its bytes.
        leaf_hash: Its leaf hash, 32 bytes.
        checkpoint: The checkpoint that vouches for it.
        key: The trusted key that signed the checkpoint.
        hashes: How many hashes lead from the entry to the root.
    """

    entry: Entry
    data: bytes
    leaf_hash: bytes
    checkpoint: Checkpoint
    key: VerifierKey
    hashes: int

    @property
    def index(self) -> int:
        """Index of the entry in the log, zero-based."""
        return self.entry.index


def verify_proof(
    data: bytes | str,
    key: GivenKeys,
    *,
    checkpoint: str | None = None,
    require_post_quantum: GivenCosigners = (),
) -> ProvenEntry:
    """Verify a proof file, or raise what is wrong with it.

    Args:
        data: The proof file's content.
        key: A verifier key of the log that you trust, or several; one of them must have signed.
        checkpoint: A signed checkpoint that you kept: the proof must lead to it, and not to
            another one.
        require_post_quantum: Verifier keys of type 0x06: the proof's checkpoint must bear a good
            ML-DSA-44 cosignature of one of them.

    Returns:
        What was proven.

    Raises:
        MalformedError: A key, the file, the entry in it, or a checkpoint has not its one form.
        NotCosignedError: A post-quantum cosignature that was asked for is not there, or is wrong.
        SignatureError: No key that was given signed the checkpoint, or a signature is wrong.
        ProofError: The proof does not lead to the checkpoint's root, or is against a checkpoint
            of another log or size than the one that was given.
        ForkedError: The proof is against another history than the checkpoint that was given.
    """
    proof = ProofFile.parse(data)
    found = check_proof_file(proof, _carried_entry(proof), key, checkpoint)
    check_cosigned([proof.checkpoint_note], require_post_quantum)
    return found


def check_proof_file(
    proof: ProofFile,
    carried: bytes,
    key: GivenKeys,
    checkpoint: str | None,
) -> ProvenEntry:
    """Check a proof file that was parsed, and the entry that its extra line carries.

    Args:
        proof: The file.
        carried: The entry's bytes.
        key: As `verify_proof`.
        checkpoint: As `verify_proof`.

    Raises:
        MalformedError: As `verify_proof`, as are the next.
        SignatureError: Likewise.
        ProofError: Likewise.
        ForkedError: Likewise.
    """
    trusted = parse_keys(key)
    _refuse_malformed(proof.checkpoint_note, "the checkpoint in the proof file")
    vouched, signed_by = open_checkpoint(proof.checkpoint_note, trusted)
    if checkpoint is not None:
        _refuse_malformed(checkpoint, "the checkpoint that was given")
        _check_same(vouched, open_checkpoint(checkpoint, trusted)[0])
    leaf = leaf_hash(carried)
    verify_inclusion(leaf, proof.index, vouched.size, proof.hashes, vouched.root)
    entry = _decoded(carried, proof.index)
    return ProvenEntry(entry, carried, leaf, vouched, signed_by, len(proof.hashes))


def _carried_entry(proof: ProofFile) -> bytes:
    if proof.extra is None:
        raise MalformedError("the proof file carries no entry: it has no extra line")
    if is_disclosure(proof.extra):
        raise MalformedError(
            "the file shows personal fields besides, which are not checked here: use "
            "biotrail.verify_disclosure"
        )
    try:
        return decode_proof_entry(proof.extra)
    except CanonicalError as error:
        raise MalformedError(f"the extra line of the proof file: {error}") from error


def _refuse_malformed(note: str, what: str) -> None:
    try:
        Checkpoint.parse(parse_note(note).text)
    except BiotrailError as error:
        raise MalformedError(f"{what} cannot be read: {error}") from error


def _check_same(proven: Checkpoint, kept: Checkpoint) -> None:
    if proven == kept:
        return
    if proven.origin != kept.origin:
        raise ProofError(
            f"the proof is of the log {proven.origin!r}, and the checkpoint that was given is one "
            f"of {kept.origin!r}"
        )
    if proven.size != kept.size:
        raise ProofError(
            f"the proof is against the checkpoint of size {proven.size}, not against the one of "
            f"size {kept.size} that was given: ask for a proof against that one"
        )
    raise ForkedError(
        f"the proof is against another history of size {proven.size} than the checkpoint that was "
        "given, and both are signed: a split view; keep both",
        index=proven.size - 1,
        expected=kept.root.hex(),
        found=proven.root.hex(),
    )


def _decoded(carried: bytes, index: int) -> Entry:
    try:
        entry = decode_entry(carried)
    except CanonicalError as error:
        raise MalformedError(
            f"the log has these bytes at {index}, but they are no entry: {error}", index=index
        ) from error
    if entry.index != index:
        raise MalformedError(
            f"the entry says that it is at {entry.index}, the proof says {index}",
            index=index,
            expected=index,
            found=entry.index,
        )
    return entry
