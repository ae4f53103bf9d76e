"""The keys of a log over its life.

The rules, which writer and auditor share:

1. The genesis entry names the first key; it is in force from the first checkpoint on.
2. A key that an entry adds comes into force *after* the first checkpoint that covers the entry,
   so that checkpoint is signed by a key which was in force before.
3. A key that an entry retires stays in force up to and including the first checkpoint that covers
   the entry, and no further.
4. A rotation adds exactly the key to whose digest the log committed before, where it did.
5. No two keys of a log share a key id, and none is added or retired twice.
6. A pre-committed key is in force one checkpoint earlier: it may sign the one that covers the entry
   which adds it. So whoever holds it needs no other key, whatever a thief did to those.
7. A pre-committed key, and no other, may report keys that were added before it as compromised. That
   ends them, and every key that they let in since.

A key is pre-committed if it is the one that the log had committed to, and that commitment stands:
it was made by the genesis entry, or under the signature of the key whose entry made it. (Where only
the key before signed it, its thief may have named the next one.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from biotrail.errors import BiotrailError, MalformedError, SignatureError, WrongKeyError
from biotrail.signing import VerifierKey, open_checkpoint
from biotrail.tlog import Checkpoint
from biotrail.trust.admission import Admission

if TYPE_CHECKING:
    from biotrail.trust.compromise import Disbelief, Report

__all__ = ["KEY_KINDS", "KeyHistory"]

KEY_KINDS = ("genesis", "key_added", "key_retired", "key_compromised")
"""The kinds of entries that are about keys."""


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
        self._reports: list[Report] = []
        self._stands = False
        self._promised: VerifierKey | None = None

    @property
    def admissions(self) -> tuple[Admission, ...]:
        """Every key that was ever added, in order."""
        return tuple(self._admissions.values())

    def find(self, key: VerifierKey) -> Admission | None:
        """The admission of a key, if the log ever added it."""
        return self._admissions.get(key)

    def is_promised(self, key: VerifierKey) -> bool:
        """Whether a key that is not added yet would be pre-committed."""
        return self._stands and self.next_digest == key.digest()

    def reported(self, key: VerifierKey, since: int, by: VerifierKey) -> int | None:
        """Index of the entry by which a key reported another as stolen, if there is one."""
        for one in self._reports:
            if (one.key, one.since, one.signer) == (key, since, by):
                return one.index
        return None

    def disbelieved(self) -> Mapping[VerifierKey, Disbelief]:
        """The keys that signed what is not to be believed, and since which index.

        A report that a thief wrote, as a later one shows, has no part in it.
        """
        if not self._reports:
            return {}
        from biotrail.trust.compromise import disbelieved

        return disbelieved(self.admissions, self._reports)

    def apply(self, index: int, kind: str, content: Mapping[str, Any]) -> None:
        """Take note of an entry; entries that are not about keys change nothing.

        Raises:
            MalformedError: The entry breaks a rule above, or names something that is no key.
            WrongKeyError: A rotation to another key than the one that was committed to. (Whether a
                key may be reported is known only when a key has signed the report: see `settle`.)
        """
        if kind == "genesis":
            self._begin(index, content)
        elif kind == "key_added":
            self._add(index, content)
        elif kind == "key_retired":
            self._retire(index, content)
        elif kind == "key_compromised":
            self._report(index, content)

    def accept(self, note: str, size: int) -> tuple[Checkpoint, VerifierKey]:
        """Take the next checkpoint, after the entries that it covers.

        Args:
            note: The signed checkpoint.
            size: The size that it must have.

        Returns:
            The checkpoint, and the key that signed it.

        Raises:
            SignatureError: Malformed, a signature is wrong, or no key of this log signed.
            WrongKeyError: The key that signed is not in force at this size, or may not report what
                an entry reports.
        """
        checkpoint, key = self.open(note, size)
        self.settle(size, key)
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

    def settle(self, size: int, signer: VerifierKey) -> None:
        """Let keys come into force, or out of it, at a checkpoint that holds.

        Args:
            size: Its size.
            signer: The key that signed it, which is in force there.

        Raises:
            WrongKeyError: An entry that it covers reports a key which the signer may not report.
        """
        fresh = [one for one in self._reports if one.signer is None]
        for report in fresh:
            self._check_reporter(report, signer)
        for report in fresh:
            report.signer = signer
        for one in self._admissions.values():
            if one.after is None and one.added < size:
                one.come_into_force(size, signer)
        if self._promised is not None:
            self._stands, self._promised = signer == self._promised, None
        if fresh:
            self._end_tainted(fresh)
        for one in self._admissions.values():
            if one.until is None and one.retired is not None and one.retired < size:
                one.until = size

    def _end_tainted(self, reports: Iterable[Report]) -> None:
        from biotrail.trust.compromise import tainted

        for report in reports:
            for key in tainted(self.admissions, report):
                self._admissions[key].end(report.index)

    def _check_reporter(self, report: Report, signer: VerifierKey) -> None:
        by, reported = self._admissions.get(signer), self._admissions[report.key]
        if by is None or not by.precommitted or by.added <= reported.added:
            raise WrongKeyError(
                f"entry {report.index} reports key {report.key.key_id.hex()} as compromised, and "
                f"key {signer.key_id.hex()}, which signed it, may not: only a key may that was "
                "added later and that the log had committed to beforehand",
                index=report.index,
                found=str(signer),
            )

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
        self.next_digest, self._stands = content.get("next"), True

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
        precommitted = self.is_promised(key)
        if purpose == "rotation":
            if self.next_digest not in (None, key.digest()):
                raise WrongKeyError(
                    "a rotation to another key than the one that the log committed to",
                    index=index,
                    expected=(self.next_digest or b"").hex(),
                    found=key.digest().hex(),
                )
            self.next_digest = content.get("next")
            self._stands, self._promised = False, key
        self._admissions[key] = Admission(key, index, purpose, precommitted=precommitted)

    def _retire(self, index: int, content: Mapping[str, Any]) -> None:
        admission = self._admissions.get(self._key(index, content))
        if admission is None or admission.retired is not None:
            raise MalformedError("an entry retires a key that is not in force", index=index)
        admission.retired = index

    def _report(self, index: int, content: Mapping[str, Any]) -> None:
        admission, since = self._admissions.get(self._key(index, content)), content["since"]
        if admission is None:
            raise MalformedError("an entry reports a key that was never added", index=index)
        if since > index:
            raise MalformedError(
                "an entry reports a key as compromised since a later entry",
                index=index,
                expected=index,
                found=since,
            )
        # Loaded here: few logs have such an entry.
        from biotrail.trust.compromise import Report

        self._reports.append(Report(index, admission.key, since))
        admission.end(index)

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
