"""What a writer knows of the log: the tree, the last leaf, the last time, the keys.

Opening a log and following other writers are the same act: read what lies beyond what is known,
recompute it, and hold it against a checkpoint signed by a key in force. So a writer never extends
entries that it has not checked, and recovery after a crash is no special path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from biotrail.canonical import FIRST_PREV, Entry, Head, decode_entry, split_entry
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    CanonicalError,
    ForkedError,
    MalformedError,
    MissingError,
    ProofError,
    RolledBackError,
    TruncatedError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey
from biotrail.stores import StoredEntry, StoredHead, StoredTile, StoreReader
from biotrail.stores.tree import node_reader, range_of_edges, stored_edges
from biotrail.tlog import (
    CompactRange,
    TileBuilder,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    unverified_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from biotrail.tlog.tiles import TILE_WIDTH
from biotrail.trust import KEY_KINDS, KeyHistory

__all__ = ["EVENT_BODY", "LogState"]

_SETTING = "configuration_changed"
_DESTROYING = ("subject_erased", "retention_applied")
EVENT_BODY = b"\xa1\x65event"
"""How the body of an event begins: a map of one pair, whose key is the text ``event``."""


class LogState:
    """The writer's checked view of a log.

    Attributes:
        size: Number of entries.
        tree: Compact range over them.
        tiles: Hashes that do not fill a tile yet.
        prev: Leaf hash of the last entry.
        recorded: Time of recording of the last entry, as text; empty before the first.
        note: The signed checkpoint at this size.
        keys: The log's keys.
        settings: Digests of the settings that the log records, by name.
        destroyed: Grows with every entry by which personal data was destroyed.
    """

    def __init__(self, origin: str) -> None:
        """Begin with an empty log of this origin."""
        self.size = 0
        self.tree = CompactRange()
        self.tiles = TileBuilder()
        self.prev = FIRST_PREV
        self.recorded = ""
        self.note = ""
        self.keys = KeyHistory(origin)
        self.settings: dict[str, bytes] = {}
        self.destroyed = 0

    @classmethod
    def read(
        cls, store: StoreReader, head: StoredHead, origin: str, trusted: Iterable[VerifierKey]
    ) -> LogState:
        """Read a log's state up to its head, and check it.

        Args:
            store: The store.
            head: Its head.
            origin: The origin that the log must have.
            trusted: Keys that are trusted beforehand; see `_check_trust`.

        Raises:
            VerificationError: The stored log does not check out; nothing may be appended to it.
        """
        state = cls(origin)
        edges = stored_edges(store, head.size)
        state.size = head.size
        state.tree = range_of_edges(edges)
        state.tiles = TileBuilder(head.size, edges)
        state._take_last(store, head)
        state._check_root(head)
        state._read_keys(store)
        state._accept_head(head, trusted)
        return state

    def filled_by(self, leaves: Sequence[bytes]) -> list[StoredTile]:
        """The tiles that these leaf hashes would fill; nothing is changed."""
        edge = len(self.tiles.edges[0]) if self.tiles.edges else 0
        if edge + len(leaves) < TILE_WIDTH:
            return []
        return [StoredTile(*tile) for tile in self.copy_tiles().extend(leaves)]

    def copy_tiles(self) -> TileBuilder:
        """A builder of its own that goes on from the same hashes."""
        return TileBuilder(self.size, self.tiles.edges)

    def follow(self, store: StoreReader, head: StoredHead) -> None:
        """Take up what other writers have appended since; after an error, drop this state.

        Raises:
            VerificationError: What they appended does not check out.
        """
        if head.size == self.size and head.checkpoint == self.note:
            return
        if head.size < self.size:
            raise _rolled_back(head.size, self.size)
        if head.size == self.size:
            raise AlteredError("the checkpoint at the head was replaced", index=head.size - 1)
        self._take_all(list(store.entries(self.size, head.size)), head)

    def check_continues(self, store: StoreReader, note: str) -> None:
        """Check that this log goes on from a checkpoint that was verified earlier.

        Raises:
            RolledBackError: It is shorter than it was.
            ForkedError: Its history is another one.
        """
        seen = unverified_checkpoint(note)
        if self.size < seen.size:
            raise _rolled_back(self.size, seen.size)
        node = node_reader(store, self.size, edges=self.tiles.edges)
        proof = consistency_proof(seen.size, self.size, node)
        try:
            verify_consistency(seen.size, seen.root, self.size, self.tree.root(), proof)
        except ProofError as error:
            raise ForkedError(
                f"at size {seen.size} the log has another history than this writer has seen",
                index=seen.size - 1,
            ) from error

    def rehearse(self, others: Iterable[tuple[int, bytes]], size: int, signer: VerifierKey) -> None:
        """Refuse entries that break a rule about keys before they are written for good.

        Args:
            others: Index and bytes of the entries that are not events.
            size: Size of the checkpoint that covers them.
            signer: The key that signs it.

        Raises:
            VerificationError: No verifier would accept a log with these entries.
        """
        rehearsal = deepcopy(self.keys)
        for index, entry in others:
            decoded = _decode(entry, index)
            rehearsal.apply(index, decoded.kind, decoded.content)
        rehearsal.check_in_force(signer, size)
        rehearsal.settle(size, signer)

    def advance(
        self,
        others: Iterable[tuple[int, bytes]],
        leaves: Sequence[bytes],
        *,
        tree: CompactRange,
        recorded: str,
        note: str,
        signer: VerifierKey,
    ) -> None:
        """Take up what this writer has just appended itself.

        Args:
            others: Index and bytes of the entries that are not events.
            leaves: Leaf hashes of all entries of the batch.
            tree: The compact range with the batch.
            recorded: Time of recording of the last entry.
            note: The signed checkpoint over the batch.
            signer: The key that signed it.
        """
        for index, entry in others:
            self._take_note(_decode(entry, index))
        self.tiles.extend(leaves)
        self.size, self.tree = tree.size, tree
        self.prev, self.recorded, self.note = leaves[-1], recorded, note
        if others:
            self.keys.settle(self.size, signer)

    def _take_all(self, added: list[StoredEntry], head: StoredHead) -> None:
        if len(added) != head.size - self.size:
            raise MissingError("an entry below the head is missing", index=self.size + len(added))
        tree, tiles = self.tree.copy(), self.copy_tiles()
        prev, recorded = self.prev, self.recorded
        hashes = []
        for index, one in enumerate(added, self.size):
            entry_head = _split(one.entry, index)
            if entry_head.index != index or entry_head.prev != prev:
                raise AlteredError(
                    f"entry {index}, of another writer, does not follow on the one before",
                    index=index,
                    expected=prev.hex(),
                    found=entry_head.prev.hex(),
                )
            prev, recorded = leaf_hash(one.entry), entry_head.recorded
            hashes.append(prev)
            self._take_keys(one, entry_head)
        tree.extend(hashes)
        tiles.extend(hashes)  # the other writer has stored those that became full
        self.size, self.tree, self.tiles = head.size, tree, tiles
        self.prev, self.recorded, self.note = prev, recorded, head.checkpoint
        self._check_root(head)

    def _take_keys(self, one: StoredEntry, entry_head: Head) -> None:
        """Batch by batch, since one batch may bring in the key that signs the next."""
        if not entry_head.body.startswith(EVENT_BODY):
            self._take_note(_decode(one.entry, one.index))
        if one.checkpoint is not None:
            self.keys.accept(one.checkpoint, one.index + 1)

    def _take_note(self, entry: Entry) -> None:
        """Of what an entry that is no event says about keys, settings, or what was destroyed."""
        self.keys.apply(entry.index, entry.kind, entry.content)
        if entry.kind == _SETTING:
            content: Any = entry.content
            self.settings[content["setting"]] = content["digest"]
        elif entry.kind in _DESTROYING:
            self.destroyed += 1

    def _take_last(self, store: StoreReader, head: StoredHead) -> None:
        last = next(iter(store.entries(head.size - 1, head.size)), None)
        if last is None:
            raise TruncatedError(
                f"the head says {head.size} entries, and the last is missing", index=head.size - 1
            )
        entry_head = _split(last.entry, last.index)
        self.prev, self.recorded = leaf_hash(last.entry), entry_head.recorded
        self.note = head.checkpoint

    def _check_root(self, head: StoredHead) -> None:
        claimed = unverified_checkpoint(head.checkpoint)
        if claimed.size != self.size or claimed.root != self.tree.root():
            raise AlteredError(
                "the stored entries and tiles do not lead to the root of the last checkpoint: run "
                "'biotrail verify' to see where",
                expected=claimed.root.hex(),
                found=self.tree.root().hex(),
            )

    def _read_keys(self, store: StoreReader) -> None:
        """Read the entries about keys, each proven to be in the tree, and their checkpoints.

        The columns that point to them are not trusted: a key that is hidden from here signs
        nothing that is accepted here. That a retirement is hidden is found by the auditor, who
        reads every entry.
        """
        root = self.tree.root()
        node = node_reader(store, self.size, edges=self.tiles.edges)
        waiting: tuple[int, str] | None = None
        for index in store.indices_of_other_kinds():
            one = next(iter(store.entries(index, index + 1)))
            decoded = _decode(one.entry, index)
            if decoded.kind not in (*KEY_KINDS, _SETTING):
                continue
            proof = inclusion_proof(index, self.size, node)
            verify_inclusion(leaf_hash(one.entry), index, self.size, proof, root)
            # A checkpoint is judged once every entry that it covers has been taken note of.
            if waiting is not None and waiting[0] <= index:
                self.keys.accept(waiting[1], waiting[0])
            self._take_note(decoded)
            waiting = store.checkpoint_from(index + 1)
        if waiting is not None and waiting[0] < self.size:
            self.keys.accept(waiting[1], waiting[0])

    def _accept_head(self, head: StoredHead, trusted: Iterable[VerifierKey]) -> None:
        if not self.keys.admissions:
            raise MissingError("the log has no genesis entry", index=0)
        _, signer = self.keys.accept(head.checkpoint, head.size)
        known = {str(key) for key in trusted}
        genesis = self.keys.admissions[0].key
        # Trust comes from outside. Either the first key is one of ours, and every later key was
        # brought in under a key in force; or a key of ours vouches for everything below the head.
        if str(genesis) not in known and str(signer) not in known:
            raise WrongKeyError(
                "nothing ties this log to a key that is trusted here: neither its first key nor "
                "the key of its last checkpoint. If it is yours, name its first key (trusted=)",
                index=0,
                expected=sorted(known),
                found=str(genesis),
            )


def _rolled_back(size: int, seen: int) -> RolledBackError:
    return RolledBackError(
        f"the log has {size} entries; this writer has seen {seen}",
        index=size,
        expected=seen,
        found=size,
    )


def _split(entry: bytes, index: int) -> Head:
    try:
        return split_entry(entry)
    except CanonicalError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _decode(entry: bytes, index: int) -> Entry:
    try:
        return decode_entry(entry)
    except BiotrailError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error
