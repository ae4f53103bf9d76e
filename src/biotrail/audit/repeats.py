"""Answers for events that are in the log already: a retry is answered, a mix-up refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import attrs

from biotrail.audit.prepare import Prepared
from biotrail.audit.receipt import Receipt, SignedCheckpoint
from biotrail.audit.state import LogState
from biotrail.canonical import (
    Entry,
    decode_entry,
    decode_payload,
    decode_value,
    event_content,
    is_sealed,
    personal_fields,
)
from biotrail.canonical.cbor import CborValue
from biotrail.errors import BiotrailError, EventConflictError, MissingError
from biotrail.events import ApplicationDecision, Event, Outcome, Reason
from biotrail.stores import StoreReader
from biotrail.stores.tree import node_reader
from biotrail.tlog import (
    Checkpoint,
    inclusion_proof,
    leaf_hash,
    verify_inclusion,
)

if TYPE_CHECKING:
    from biotrail.sealing import Opener

__all__ = ["answer_repeats", "first_receipt"]

# These differ between two encodings of the same event: they hold fresh randomness.
_RANDOM_KEYS = ("payload", "subject", "actor")
# Attempt limits record for these reasons what was to be granted.
_OVERRULING = (Reason.ATTEMPT_LIMIT, Reason.LOCKED_OUT)


def answer_repeats(
    store: StoreReader,
    state: LogState,
    records: Sequence[Prepared],
    taken: Mapping[bytes, int],
    opener: Opener | None = None,
) -> list[Receipt | BiotrailError]:
    """Answer each record whose id is taken with its first receipt, or with a conflict.

    The store is not taken at its word: the entry is proven to be under the present root, and the
    receipt bears the present checkpoint.
    """
    node = node_reader(store, state.size, edges=state.tiles.edges)
    answers: list[Receipt | BiotrailError] = []
    for record in records:
        assert record.event_id is not None
        index = taken.get(record.event_id)
        if index is None:
            raise MissingError("an event that was recorded is not found by its id")
        receipt, decoded = first_receipt(
            store, state, index, UUID(bytes=record.event_id), node=node
        )
        same = _same(store, decoded, record, opener)
        if same and _is_overruled(decoded.content, record):
            receipt = attrs.evolve(receipt, overruled=True)
        answers.append(receipt if same else _conflict(record.event_id, index))
    return answers


def first_receipt(
    store: StoreReader,
    state: LogState,
    index: int,
    event_id: UUID,
    *,
    node: Callable[[int, int], bytes] | None = None,
) -> tuple[Receipt, Entry]:
    """The receipt of an entry that is in the log already, and the entry.

    Args:
        store: The store.
        state: The checked view of the log.
        index: Index of the entry.
        event_id: What the receipt says the event's id is.
        node: The function that proofs at this size need, where there is one already.

    Raises:
        ProofError: What the store shows is not under the present root.
    """
    root = state.tree.root()
    node = node or node_reader(store, state.size, edges=state.tiles.edges)
    entry = _entry(store, index)
    leaf = leaf_hash(entry)
    verify_inclusion(leaf, index, state.size, inclusion_proof(index, state.size, node), root)
    decoded = decode_entry(entry)
    signed = SignedCheckpoint(Checkpoint(str(state.keys.origin), state.size, root), state.note)
    return Receipt(event_id, index, leaf, decoded.recorded, signed, repeated=True), decoded


def _entry(store: StoreReader, index: int) -> bytes:
    one = next(iter(store.entries(index, index + 1)), None)
    if one is None:
        raise MissingError(f"entry {index} is missing", index=index)
    return one.entry


def _same(store: StoreReader, stored: Entry, record: Prepared, opener: Opener | None) -> bool:
    payload = next((data for _, data in store.payloads(stored.index, stored.index + 1)), None)
    if opener is not None and payload is not None and is_sealed(payload):
        return _same_when_opened(stored, payload, record, opener)
    again = decode_value(record.body)
    content = again["event"] if isinstance(again, dict) else None
    if not isinstance(content, dict):
        return False
    if _clear(stored.content) != _clear(_as_recorded(stored.content, content)):
        return False
    if payload is None or record.payload is None:
        # Nothing personal then and now, or erased since: the clear part decides.
        there = record.payload is not None or record.sealed is not None
        return "payload" not in stored.content or there
    return decode_payload(payload).fields == decode_payload(record.payload).fields


def _same_when_opened(stored: Entry, payload: bytes, record: Prepared, opener: Opener) -> bool:
    """Compare as events: which fields are sealed may have changed in between."""
    assert record.event is not None
    opened = opener.open(stored.index, stored.content, payload)
    from biotrail.canonical import decode_event  # loaded here: repeats are rare

    first = _plain(decode_event(stored.content, opened.fields))
    again = _as_recorded(first, _plain(record.event))
    if opened.erased or opened.sealed:  # what is left of it decides
        nested = ("context", "comparison", "provenance")
        return all(again.get(name) == first[name] for name in first if name not in nested)
    return first == again


def _is_overruled(stored: Mapping[str, CborValue], record: Prepared) -> bool:
    """Whether attempt limits recorded as denied what was to be granted."""
    return (
        record.event is not None
        and record.event.decision is ApplicationDecision.GRANTED
        and stored["decision"] == ApplicationDecision.DENIED
        and stored["reason"] in _OVERRULING
    )


def _as_recorded(
    stored: Mapping[str, CborValue], content: Mapping[str, CborValue]
) -> Mapping[str, CborValue]:
    """An event's content as attempt limits record it, where the stored one says that they did."""
    granting = content["decision"] == ApplicationDecision.GRANTED
    if not granting or stored["reason"] not in _OVERRULING:
        return content
    said = {"decision": str(ApplicationDecision.DENIED), "outcome": str(Outcome.FAILURE)}
    return {**content, **said, "reason": stored["reason"]}


def _plain(event: Event) -> dict[str, CborValue]:
    content = event_content(event, subject=None, actor=None, root=None)
    return {**content, **dict(personal_fields(event))}


def _clear(content: Mapping[str, CborValue]) -> dict[str, CborValue]:
    return {key: value for key, value in content.items() if key not in _RANDOM_KEYS}


def _conflict(event_id: bytes, index: int) -> EventConflictError:
    return EventConflictError(
        f"event id {UUID(bytes=event_id)} is taken by another event, at index {index}: give every "
        "event an id of its own"
    )
