"""Disclosures, checked offline: are these the personal fields that were recorded?

A disclosure is a proof file that shows chosen fields of its record besides. That the entry is in
the log is checked as for every proof file; that the fields are the entry's, by calculating its
payload root from what is shown, and the commitments of what is not. No store is needed, and no key
but the log's verifier key. Specified in ``docs/spec/disclosure.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from biotrail.canonical.disclosure import Disclosed, DisclosedPart, ShownField, disclosed_root
from biotrail.canonical.disclosure_codec import decode_disclosure, is_disclosure
from biotrail.canonical.owners import owners_of
from biotrail.errors import CanonicalError, MalformedError, ProofError
from biotrail.tlog import ProofFile
from biotrail.verify.cosigned import GivenCosigners, check_cosigned
from biotrail.verify.keys import GivenKeys
from biotrail.verify.proof_check import ProvenEntry, check_proof_file

__all__ = ["ProvenFields", "carries_fields", "verify_disclosure"]


@attrs.frozen
class ProvenFields:
    """Fields that were proven to be those of a record, and the record.

    Attributes:
        proof: The entry, and what proves it.
        fields: The fields that are shown, as plain values: an address is bytes, a score is in
            millionths.
        hidden: How many fields of the same parts of the payload are not shown. (How many those of
            other parts are is not said.)
    """

    proof: ProvenEntry
    fields: Mapping[str, Any]
    hidden: int


def carries_fields(data: bytes | str) -> bool:
    """Whether a proof file is a disclosure, so that `verify_disclosure` is to check it.

    Raises:
        MalformedError: It is no proof file.
    """
    extra = ProofFile.parse(data).extra
    return extra is not None and is_disclosure(extra)


def verify_disclosure(
    data: bytes | str,
    key: GivenKeys,
    *,
    checkpoint: str | None = None,
    require_post_quantum: GivenCosigners = (),
) -> ProvenFields:
    """Verify a disclosure, or raise what is wrong with it.

    Args:
        data: The file's content.
        key: A verifier key of the log that you trust, or several: one of them must have signed.
        checkpoint: A signed checkpoint that you kept, to which the proof must lead.
        require_post_quantum: As `biotrail.verify_proof`.

    Returns:
        What was proven.

    Raises:
        MalformedError: A key, the file, the entry in it, what it shows, or a checkpoint has not its
            one form; or the file shows no fields: see `biotrail.verify_proof`.
        NotCosignedError: A post-quantum cosignature that was asked for is not there, or is wrong.
        SignatureError: No key that was given signed the checkpoint, or a signature is wrong.
        ProofError: The proof does not lead to the checkpoint's root, or the fields not to the
            entry's; or it is against a checkpoint of another log or size than the one given.
        ForkedError: The proof is against another history than the checkpoint that was given.
    """
    file = ProofFile.parse(data)
    disclosed = _disclosed(file)
    proof = check_proof_file(file, disclosed.entry, key, checkpoint)
    check_cosigned([file.checkpoint_note], require_post_quantum)
    _check_fields(proof, disclosed)
    hidden = sum(
        not isinstance(field, ShownField)
        for part in disclosed.parts
        if isinstance(part, DisclosedPart)
        for field in part.fields
    )
    return ProvenFields(proof, disclosed.fields, hidden)


def _disclosed(file: ProofFile) -> Disclosed:
    if file.extra is None or not is_disclosure(file.extra):
        raise MalformedError(
            "the proof file shows no personal fields: check it with biotrail.verify_proof"
        )
    try:
        return decode_disclosure(file.extra)
    except CanonicalError as error:
        raise MalformedError(f"the extra line of the disclosure: {error}") from error


def _check_fields(proof: ProvenEntry, disclosed: Disclosed) -> None:
    entry, parts = proof.entry, disclosed.parts
    root: Any = entry.content.get("payload") if entry.kind == "event" else None
    if root is None:
        raise ProofError(f"entry {entry.index} has no personal fields, and the file shows some")
    owners = [part.owner for part in parts]
    content: Any = entry.content
    named = list(owners_of(content.get("subject"), content.get("actor")))
    if owners not in ([None], named):
        raise ProofError(
            f"the file shows parts of others than those whom entry {entry.index} names"
        )
    event_id: Any = entry.content["id"]
    if disclosed_root(event_id, parts) != root:
        raise ProofError(
            f"the fields that the file shows are not those that entry {entry.index} commits to"
        )
