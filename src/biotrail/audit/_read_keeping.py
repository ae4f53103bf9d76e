"""A log that records who reads it: the acts of a logger about reads."""

from __future__ import annotations

from typing import Any

from biotrail.audit._open_log import OpenLog
from biotrail.audit.answers import every, not_recorded
from biotrail.audit.receipt import Receipt

__all__ = ["ReadKeeping"]


class ReadKeeping(OpenLog):
    """Records reads."""

    def record_read(self, **read: Any) -> Receipt:
        """Record that the log is read, before what was read is handed out.

        Args:
            **read: The fields of `biotrail.audit.Read`: ``reader``, ``purpose``, ``route``,
                ``rows``; and if need be ``query``, ``revealed``, ``reason``, ``name``, ``tenant``.

        Returns:
            The receipt of the entry ``log_read``. If anything of the read may be personal, it is
            in an event (action ``log.read``) that the entry names by its id.

        Raises:
            EventError: A field is not as it must be.
            NotRecordedError: It could not be recorded; hand nothing out.
            UnknownOutcomeError: It may or may not be durable; hand nothing out.
            ClosedError: The log is closed.
        """
        from biotrail.audit.reads import Read, prepare_read

        self._check_process()
        self._committer.check_open()
        asked = Read(**read)
        with not_recorded:
            prepared = prepare_read(asked, self._preparer)
        receipt = every(self._submit(prepared))[-1]
        if self._recovery is not None:
            self._recovery.attempt()
        return receipt

    async def arecord_read(self, **read: Any) -> Receipt:
        """Record a read from a task; see `record_read`."""
        import asyncio

        from biotrail.audit.reads import Read, prepare_read

        self._check_process()
        self._committer.check_open()
        asked = Read(**read)

        def prepare() -> Any:
            with not_recorded:
                return prepare_read(asked, self._preparer)

        # Sealing may have to ask a key provider, which the loop must not wait for.
        vaulted = self._preparer.sealer is not None
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(None, prepare) if vaulted else prepare()
        receipt = every(await self._submit_async(prepared))[-1]
        await self._recover_async()
        return receipt

    def record_configuration(self, setting: str, digest: bytes) -> Receipt:
        """Record that a setting which concerns the log was changed.

        Args:
            setting: Its name: a word.
            digest: SHA-256 of what it is now, 32 bytes. The one before is recorded with it.

        Raises:
            EventError: A name that is no word or is the log's own, or a digest of another size.
            NotRecordedError: It could not be recorded.
        """
        from biotrail.audit.reads import configuration_content

        self._check_process()
        before = self._writer.state.settings.get(setting)
        return self._write("configuration_changed", configuration_content(setting, digest, before))
