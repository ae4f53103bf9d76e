"""The keys of a log over its life.

The rules, which writer and auditor share:

1. The genesis entry names the first key; it is in force from the first checkpoint on.
2. A key that an entry adds comes into force *after* the first checkpoint that covers the entry,
   so that checkpoint is signed by a key which was in force before.
3. A key that an entry retires stays in force up to and including the first checkpoint that covers
   the entry, and no further.
4. A rotation adds exactly the key to whose digest the log committed before, where it did.
5. No two keys of a log share a key id, and none is added or retired twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from biotrail.errors import BiotrailError, MalformedError, SignatureError, WrongKeyError
from biotrail.signing import VerifierKey, open_checkpoint
from biotrail.tlog import Checkpoint

__all__ = ["Admission", "KeyHistory"]


@attrs.define
class Admission:
    """One key and the part of the log that it may vouch for.

    Attributes:
        key: The verifier key.
        added: Index of the entry that adds it.
        purpose: ``"genesis"``, ``"rotation"`` or ``"writer"``.
        retired: Index of the entry that retires it, if any.
        after: Size of the checkpoint after which it is in force; None while not in force yet.
        until: Size of the last checkpoint that it may sign; None while it is not retired.
    """

    key: VerifierKey
    added: int
    purpose: str
    retired: int | None = None
    after: int | None = None
    until: int | None = None

    def admits(self, size: int) -> bool:
        """Whether a checkpoint of this size may bear its signature."""
        if self.after is None or size <= self.after:
            return False
        return self.until is None or size <= self.until


class KeyHistory:
    """The keys of one log, followed entry by entry and checkpoint by checkpoint, in order."""

    def __init__(self, origin: str | None = None) -> None:
        """Begin before the genesis entry.

        Args:
            origin: The origin that the log must have; None to take the log's word for it.
        """
        self.origin = origin
        self.next_digest: bytes | None = None
        self._admissions: dict[VerifierKey, Admission] = {}

    @property
    def admissions(self) -> tuple[Admission, ...]:
        """Every key that was ever added, in order."""
        return tuple(self._admissions.values())

    def find(self, key: VerifierKey) -> Admission | None:
        """The admission of a key, if the log ever added it."""
        return self._admissions.get(key)

    def apply(self, index: int, kind: str, content: Mapping[str, Any]) -> None:
        """Take note of an entry; entries that are not about keys change nothing.

        Raises:
            MalformedError: The entry breaks a rule above, or names something that is no key.
            WrongKeyError: A rotation to another key than the one that was committed to.
        """
        if kind == "genesis":
            self._begin(index, content)
        elif kind == "key_added":
            self._add(index, content)
        elif kind == "key_retired":
            self._retire(index, content)

    def accept(self, note: str, size: int) -> tuple[Checkpoint, VerifierKey]:
        """Take the next checkpoint, after the entries that it covers.

        Args:
            note: The signed checkpoint.
            size: The size that it must have.

        Returns:
            The checkpoint, and the key that signed it.

        Raises:
            SignatureError: Malformed, a signature is wrong, or no key of this log signed.
            WrongKeyError: The key that signed is not in force at this size.
        """
        checkpoint, key = self.open(note, size)
        self.settle(size)
        return checkpoint, key

    def open(self, note: str, size: int) -> tuple[Checkpoint, VerifierKey]:
        """Open a checkpoint of this log whose entries have been taken note of; see `accept`."""
        keys = [one.key for one in self._admissions.values()]
        checkpoint, key = open_checkpoint(note, keys)
        if checkpoint.size != size:
            raise SignatureError(f"the checkpoint is for size {checkpoint.size}, not {size}")
        self.check_in_force(key, size)
        return checkpoint, key

    def check_in_force(self, key: VerifierKey, size: int) -> None:
        """Check that a key may sign a checkpoint of this size.

        Raises:
            WrongKeyError: The log never added it, or it is not in force at this size.
        """
        admission = self._admissions.get(key)
        if admission is None or not admission.admits(size):
            raise WrongKeyError(
                f"the checkpoint of size {size} is signed by key {key.key_id.hex()}, which is not "
                "in force there",
                index=size - 1,
                found=str(key),
            )

    def settle(self, size: int) -> None:
        """Let keys come into force, or out of it, at an accepted checkpoint of this size."""
        for one in self._admissions.values():
            if one.after is None and one.added < size:
                one.after = size
            if one.until is None and one.retired is not None and one.retired < size:
                one.until = size

    def _begin(self, index: int, content: Mapping[str, Any]) -> None:
        if index != 0 or self._admissions:
            raise MalformedError("a genesis entry stands only at index 0", index=index)
        if self.origin is not None and content["origin"] != self.origin:
            raise WrongKeyError(
                f"this is the log {content['origin']!r}, not {self.origin!r}",
                index=0,
                expected=self.origin,
                found=content["origin"],
            )
        self.origin = content["origin"]
        key = self._key(index, content)
        self._admissions[key] = Admission(key, index, "genesis", after=0)
        self.next_digest = content.get("next")

    def _add(self, index: int, content: Mapping[str, Any]) -> None:
        key, purpose = self._key(index, content), content["purpose"]
        if key in self._admissions:
            raise MalformedError(f"key {key.key_id.hex()} is added twice", index=index)
        if any(one.key.key_id == key.key_id for one in self.admissions):
            raise MalformedError(
                f"another key has the key id {key.key_id.hex()}: signatures of the two could not "
                "be told apart",
                index=index,
            )
        if purpose == "rotation":
            if self.next_digest not in (None, key.digest()):
                raise WrongKeyError(
                    "a rotation to another key than the one that the log committed to",
                    index=index,
                    expected=(self.next_digest or b"").hex(),
                    found=key.digest().hex(),
                )
            self.next_digest = content.get("next")
        self._admissions[key] = Admission(key, index, purpose)

    def _retire(self, index: int, content: Mapping[str, Any]) -> None:
        admission = self._admissions.get(self._key(index, content))
        if admission is None or admission.retired is not None:
            raise MalformedError("an entry retires a key that is not in force", index=index)
        admission.retired = index

    def _key(self, index: int, content: Mapping[str, Any]) -> VerifierKey:
        try:
            key = VerifierKey.parse(content["key"])
        except BiotrailError as error:
            raise MalformedError(f"not a verifier key: {error}", index=index) from error
        if key.name != self.origin:
            raise MalformedError(
                "a key of a log bears the name of its origin",
                index=index,
                expected=self.origin,
                found=key.name,
            )
        return key
