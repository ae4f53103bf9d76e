"""Threat: malformed CBOR, by the thousand, signed by a key of the log."""

from __future__ import annotations

from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail import AuditLogger, MemoryStore, SQLiteStore, verify_log
from biotrail.canonical import frame_entry, split_entry
from biotrail.errors import MalformedError, VerificationError
from biotrail.signing import sign_checkpoint
from biotrail.stores import Batch, Lookup, WrittenEntry
from biotrail.tlog import Checkpoint, CompactRange, leaf_hash
from tests.attacks._tools import event, flipped, forge, key_of, rows_of, signer, verdict

_TIME = "2999-12-31T23:59:59.999999Z"


def _signed_log(body: bytes) -> MemoryStore:
    """A log of three entries, well chained and signed, whose second has this body."""
    store = MemoryStore()
    AuditLogger(store, signer())
    tree = CompactRange()
    prev = leaf_hash(next(iter(store.entries(0, 1))).entry)
    tree.append(prev)
    for index, one in ((1, body), (2, b"\xa1\x6blog_stopped\xa1\x66writer\x48" + bytes(8))):
        entry = frame_entry(index, prev, _TIME, one)
        prev = leaf_hash(entry)
        tree.append(prev)
        checkpoint = Checkpoint(signer().verifier_key.name, tree.size, tree.root())
        note = sign_checkpoint(checkpoint, signer())
        lookup = Lookup("log_stopped", 32503679999999999)
        store.append(Batch(index, [WrittenEntry(entry, None, lookup)], note))
    return store


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
_KINDS = st.sampled_from(["event", "genesis", "key_added", "key_retired", "log_read", "else"])


@settings(max_examples=600)
@given(st.binary(min_size=1, max_size=200) | _VALUES.map(cbor2.dumps))
def test_any_body(body: bytes) -> None:
    """Whatever stands in the place of a body: the log reads as it is, or the verdict has a name."""
    _check(body)


@settings(max_examples=600)
@given(_KINDS, _VALUES)
def test_any_content_of_a_kind(kind: str, content: object) -> None:
    """The same for any content of a kind that there is."""
    _check(cbor2.dumps({kind: content}))


@settings(max_examples=300)
@given(st.data())
def test_a_true_body_with_changed_bits(data: st.DataObject) -> None:
    """The same for the body of an event with some bits changed."""
    body = _true_body()
    for _ in range(data.draw(st.integers(1, 3))):
        body = flipped(body, data.draw(st.integers(0, len(body) - 1)))
    _check(body)


def _true_body() -> bytes:
    store = MemoryStore()
    AuditLogger(store, signer()).record(event(1))
    return split_entry(next(iter(store.entries(1, 2))).entry).body


def _check(body: bytes) -> None:
    store = _signed_log(body)
    choices: tuple[dict[str, bool], ...] = (
        {"payloads": False, "lookups": False, "strict": True},
        {"payloads": True},
        {"payloads": False},
    )
    assert all(_bad_index(store, **options) in (None, 1) for options in choices)


def _bad_index(store: MemoryStore, *, strict: bool = False, **options: bool) -> int | None:
    try:
        verify_log(store, key_of(), strict=strict, **options)  # type: ignore[arg-type]
    except VerificationError as error:
        return error.index
    return None


@pytest.mark.parametrize(
    "body",
    [
        b"\xa1\x65event\xa0",
        b"\xa1\x78\x05event\xa0",
        b"\xbf\x65event\xa0\xff",
        b"\xa2\x65event\xa0\x68log_read\xa0",
        b"\xa1\x68log_read\xa1\x61a\xf9\x00\x00",
        b"\xa1\x68log_read\xa2\x61a\x00\x61a\x00",
        b"\xa1\x68log_read\xa2\x61b\x00\x61a\x00",
        b"\xa1\x68log_read\xa1\x61a\x18\x01",
        b"\xa1\x68log_read\xa0\x00",
        b"\xa1\x68log_read\xa1\x61a\xc0\x00",
        b"\xa1\x68log_read\xa1\x61a\x61",
        b"\xa1\x68log_read\xa1\x61a\x61\xff",
        b"\xa1\x68log_read\xa1\x01\x00",
        b"\xa1\x68log_read\xa1\x61a" + b"\x81" * 500 + b"\x00",
        b"\xa1\x68log_read\xa1\x61a\x63e\xcc\x81",
        b"\xa1\x64else\xa0",
        b"\xa0",
        b"\x00",
        b"\xff",
    ],
)
def test_what_is_signed_but_not_canonical(tmp_path: Path, body: bytes) -> None:
    """Bytes that the log's own key signed, but that are no entry in canonical form: malformed."""
    path = tmp_path / "log.db"
    AuditLogger(SQLiteStore(path), signer()).close()
    prev = leaf_hash(rows_of(path)[0].entry)
    entry = frame_entry(1, prev, _TIME, body)
    forge(path, [([WrittenEntry(entry, None, Lookup("log_read", 32503679999999999))], signer())])
    error = verdict(path, MalformedError, 1)
    assert error.exit_code == 19
    verdict(path, MalformedError, 1, strict=True, payloads=False, lookups=False)
