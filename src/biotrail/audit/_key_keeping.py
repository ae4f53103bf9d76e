"""The part of a logger that looks after the log's signing keys."""

from __future__ import annotations

from biotrail.audit import key_changes
from biotrail.audit._open_log import OpenLog
from biotrail.audit.receipt import Receipt
from biotrail.signing import Signer, VerifierKey

__all__ = ["KeyKeeping"]


class KeyKeeping(OpenLog):
    """Admits, rotates and retires keys, and reports stolen ones."""

    def admit_writer(self, key: VerifierKey | str) -> Receipt:
        """Admit another writer's key; it may sign from the next checkpoint on.

        Raises:
            MalformedError: Not a verifier key of this log.
        """
        return self._between_batches(key_changes.admission(key, self.origin))

    def retire_key(self, key: VerifierKey | str, reason: str) -> Receipt:
        """Retire a key; it vouches for nothing after the checkpoint of this entry.

        Raises:
            NotRecordedError: The key is not in force.
        """
        return self._between_batches(key_changes.retirement(key, reason))

    def rotate_key(self, following: Signer, *, next_key_digest: bytes | None = None) -> Receipt:
        """Hand over to another signing key: one batch adds it and retires the present one.

        If the log committed to the key, it signs that batch itself. So a log whose present key is
        lost can be opened with the next one as the signer, and handed over to that.

        Args:
            following: The key that follows; the one whose digest the log committed to, if it did.
            next_key_digest: Digest of the key after that, to commit to it.

        Returns:
            The receipt of the entry that adds the key.

        Raises:
            WrongKeyError: The log committed to another key.
        """
        self._check_process()
        keys = self._committer.exclusively(lambda: self._writer.state.keys)
        present = self._writer.signer.verifier_key
        change = key_changes.rotation(keys, present, following.verifier_key, next_key_digest)
        return self._between_batches(change, following)

    def report_compromise(
        self,
        key: VerifierKey | str,
        *,
        since: int,
        reason: str,
        following: Signer | None = None,
        next_key_digest: bytes | None = None,
    ) -> Receipt:
        """Report that a key was stolen, and take the log over from whoever has it.

        The stolen key, and every key that it let in since, vouch for nothing from here on. What
        they signed since stays, and every verification names it. The report is signed by a key
        that the log committed to before it was used, which a thief cannot have chosen: the next
        key, or one in use that was added later than the stolen one. Where the next key is all that
        is left, open the log with it as the signer; nothing else can be recorded before this.

        Args:
            key: The stolen key.
            since: Index of the first entry that is not to be believed if that key signed for it.
            reason: Why, for readers of the log.
            following: The next key, which signs from here on; the present signer's if None.
            next_key_digest: Digest of the key after that, to commit to it.

        Returns:
            The receipt of the report.

        Raises:
            WrongKeyError: The log never had the key, or the key that would sign may not report it.
            EventError: `since` is no index of this log.
        """
        self._check_process()
        state = self._committer.exclusively(lambda: self._writer.state)
        by = self._writer.signer if following is None else following
        change = key_changes.compromise(
            state.keys,
            key,
            since,
            reason,
            size=state.size,
            by=by.verifier_key,
            then=next_key_digest,
        )
        return self._between_batches(change, by)

    def keys_of_log(self) -> list[VerifierKey]:
        """All verifier keys that the log ever had."""
        admissions = self._committer.exclusively(lambda: self._writer.state.keys.admissions)
        return [one.key for one in admissions]
