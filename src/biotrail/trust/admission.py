"""One key of a log, and the part of the log that it may vouch for."""

from __future__ import annotations

import attrs

from biotrail.signing import VerifierKey

__all__ = ["Admission"]


@attrs.define
class Admission:
    """One key and the part of the log that it may vouch for.

    Attributes:
        key: The verifier key.
        added: Index of the entry that adds it.
        purpose: ``"genesis"``, ``"rotation"`` or ``"writer"``.
        retired: Index of the entry that ends it, if any: one that retires it, reports it as
            compromised, or reports a key that let it in.
        after: Size of the checkpoint after which it is in force; None while that is not known yet.
        until: Size of the last checkpoint that it may sign; None while it is not retired.
        precommitted: Whether the log had committed to it beforehand, by a commitment that stands.
        signer: The key that signed the first checkpoint which covers the entry that adds it.
    """

    key: VerifierKey
    added: int
    purpose: str
    retired: int | None = None
    after: int | None = None
    until: int | None = None
    precommitted: bool = False
    signer: VerifierKey | None = None

    def admits(self, size: int) -> bool:
        """Whether a checkpoint of this size may bear its signature."""
        if self.after is None:
            # The checkpoint at hand is the first that covers the entry which adds the key.
            return self.signs_own_admission and size > self.added
        return self.after < size and (self.until is None or size <= self.until)

    @property
    def signs_own_admission(self) -> bool:
        """Whether it may sign the checkpoint that covers the entry which adds it."""
        return self.precommitted and self.retired is None

    def come_into_force(self, size: int, signer: VerifierKey) -> None:
        """Take note of the first checkpoint that covers the entry which adds the key."""
        self.after = size - 1 if self.signs_own_admission else size
        self.signer = signer

    def end(self, index: int) -> None:
        """Take note of an entry that ends the key; the first of them counts."""
        if self.retired is None:
            self.retired = index
