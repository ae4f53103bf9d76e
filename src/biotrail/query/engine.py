"""What questions to one log rest on: its verified checkpoints, columns, tags and keys."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import QueryError, SealedError, VaultError
from biotrail.query.answering import Answering
from biotrail.query.by_device import devices_of
from biotrail.query.checkpoints import Checkpoints
from biotrail.query.columns import Columns
from biotrail.query.condition import Condition
from biotrail.query.cursor import Asked, Position, read_cursor, write_cursor
from biotrail.query.fields import Field
from biotrail.query.opening import Opening
from biotrail.query.plan import Sources, make_plan
from biotrail.query.question import Question
from biotrail.query.record import Record
from biotrail.query.tagged import TagLookUp
from biotrail.query.verified import Page, VerifiedEntry
from biotrail.query.walk import SORTS, Sort
from biotrail.query.where import Where
from biotrail.sealing import Keyring, Opener
from biotrail.signing import SignedCheckpoint, VerifierKey
from biotrail.stores import StoreReader
from biotrail.tlog import ProofFile
from biotrail.vault import TAG_REFERENCE, PersonalFields

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = ["MAXIMUM_PAGE", "AsOf", "Engine", "as_condition"]

MAXIMUM_PAGE = 1_000
"""The most answers of one page."""

AsOf = str | int | SignedCheckpoint | None


def as_condition(where: Condition | Where | str | None) -> Condition | None:
    """A condition, however it was given; None asks for everything.

    Raises:
        QuerySyntaxError: A text cannot be read.
        QueryError: It is something else.
    """
    if where is None or isinstance(where, Condition):
        return where
    if isinstance(where, Where):
        return where.condition()
    from biotrail.query.syntax import parse_condition

    return parse_condition(where)


class Engine:
    """Answers questions to one log. Not thread-safe: whoever shares it holds its lock.

    Attributes:
        lock: Held by whoever asks. Proofs take it themselves, as answers make them later.
    """

    def __init__(
        self, store: StoreReader, trusted: Sequence[VerifierKey], vault: Vault | None
    ) -> None:
        """Ask one log; see `LogQuery`."""
        self.store = store
        self.lock = threading.RLock()
        self.checkpoints = Checkpoints(store, trusted)
        self.origin = self.checkpoints.origin
        self._keyring: Keyring | None = None
        if vault is not None:
            if not hasattr(store, "sealed_of"):
                raise VaultError(f"{type(store).__name__} keeps no sealed payloads")
            sealed: Any = store
            self._keyring = Keyring(sealed, vault, self.origin)
        self._opening = Opening(store, self.origin, self._keyring)
        self._columns = Columns(store)
        self._tags = TagLookUp(store, self._columns, self._keyring)

    def checkpoint(self, as_of: AsOf) -> SignedCheckpoint:
        """The checkpoint that a question is about."""
        return self.checkpoints.latest() if as_of is None else self.checkpoints.at(as_of)

    def question(
        self,
        condition: Condition | None,
        as_of: AsOf,
        *,
        besides: Iterable[Field] = (),
        counts: bool = False,
    ) -> Question:
        """Ask a question.

        Args:
            condition: The condition; None for everything.
            as_of: Up to which checkpoint.
            besides: Fields that the answer needs too.
            counts: Whether answers are counted only, by what lies beside the log.
        """
        checkpoint = self.checkpoint(as_of)
        # The columns reach as far as the log does; what is asked may end before.
        self._columns.size = self.checkpoints.tree.size
        fields = [*besides, *(() if condition is None else condition.fields())]
        self.check_open(fields)
        sources = Sources(
            self.store, self._columns, self._tags, checkpoint.size, self.moves, counts
        )
        answering = Answering(
            self.store,
            self.checkpoints.tree,
            self._opening,
            condition,
            by_payload=self.needs_payload(fields),
        )
        return Question(checkpoint, make_plan(condition, sources), self._columns, answering)

    def devices(self, question: Question, field: Field) -> Counter[str] | None:
        """How many answers each device has, by tags; None where they cannot tell."""
        if self._keyring is None or self.moves:
            return None
        return devices_of(self.store, question, field, self._keyring)

    @property
    def moves(self) -> bool:
        """Whether the log has fields elsewhere than usual, by a policy of its host's."""
        usual = PersonalFields().digest()
        own = self._keyring is not None and not self._keyring.vault.policy.is_default
        return own or any(one != usual for one in self.checkpoints.settings)

    def needs_payload(self, fields: Iterable[Field]) -> bool:
        """Whether what these fields are can only be said with the payload at hand."""
        moves = self.moves
        return any(one.personal is not None or (moves and one.movable) for one in fields)

    def check_open(self, fields: Iterable[Field]) -> None:
        """Refuse to ask for what is sealed.

        Raises:
            SealedError: The log seals one of the fields, and the vault was not given.
        """
        if self._keyring is not None or not self._seals():
            return
        moves = self.moves
        for field in fields:
            always = field.personal is not None and not (moves and field.movable)
            if always or (moves and field.movable and field.personal is None):
                may = "is" if always else "may be"
                raise SealedError(
                    f"{field.name} {may} sealed in this log: to ask for it, give the log's vault"
                )

    def _seals(self) -> bool:
        store: Any = self.store
        return hasattr(store, "data_keys") and bool(store.data_keys([TAG_REFERENCE]))

    def page(
        self,
        condition: Condition | None,
        *,
        sort: Sort,
        limit: int,
        cursor: str | None,
        as_of: AsOf,
    ) -> Page:
        """One page of answers; see `LogQuery.query`."""
        if sort not in SORTS:
            raise QueryError(f"the order is one of {', '.join(SORTS)}, not {sort!r}")
        if type(limit) is not int or not 1 <= limit <= MAXIMUM_PAGE:
            raise QueryError(f"a page has 1 to {MAXIMUM_PAGE:,} records, not {limit!r}")
        asked = Asked(self.origin, f"{sort}\n{'' if condition is None else condition}")
        after: Position | None = None
        if cursor is not None:
            as_of, after = self._resumed(cursor, asked, as_of)
        question = self.question(condition, as_of)
        checkpoint = question.checkpoint
        found = question.page(sort, limit, after)
        following = None
        if found.last is not None:
            following = write_cursor(asked, checkpoint.size, checkpoint.root, found.last)
        records = tuple(self.verified(one, checkpoint) for one in found.records)
        return Page(records, following, checkpoint, tuple(found.misleading))

    def _resumed(self, text: str, asked: Asked, as_of: AsOf) -> tuple[SignedCheckpoint, Position]:
        cursor = read_cursor(text, asked)
        latest = self.checkpoints.latest()
        if not 0 < cursor.size <= latest.size:
            raise QueryError("this cursor is of a longer log, or was altered: begin again")
        cursor.check(self.checkpoints.tree.root_at(cursor.size))
        if as_of is None:
            return self.checkpoints.at(cursor.size), cursor.position
        checkpoint = self.checkpoints.at(as_of)
        if checkpoint.size != cursor.size:
            raise QueryError(
                f"this cursor goes on with the log as of size {cursor.size}, not {checkpoint.size}"
            )
        return checkpoint, cursor.position

    def verified(self, record: Record, checkpoint: SignedCheckpoint) -> VerifiedEntry:
        """A record whose entry was held against the tree, as an answer."""
        return VerifiedEntry(record, checkpoint, self.prove)

    def prove(
        self, record: Record, checkpoint: SignedCheckpoint, fields: Collection[str]
    ) -> ProofFile:
        """The proof file of a record; see `VerifiedEntry.proof`."""
        with self.lock:
            hashes = self.checkpoints.tree.inclusion(record.index, checkpoint.size)
            extra = encode_proof_entry(record.data)
            if fields:
                from biotrail.sealing.disclosing import proof_extra

                opener = Opener(self.origin, self._keyring)
                extra = proof_extra(self.store, opener, record.index, record.data, fields)
        return ProofFile(record.index, tuple(hashes), checkpoint.note, extra)
