"""Settings that the log records by their digest, when a writer begins to go by another."""

from __future__ import annotations

from collections.abc import Mapping

from biotrail.audit.prepare import Prepared, prepare_other
from biotrail.canonical.cbor import CborValue

__all__ = ["ATTEMPT_LIMITS_SETTING", "PERSONAL_FIELDS_SETTING", "setting_change"]

PERSONAL_FIELDS_SETTING = "personal_fields"
ATTEMPT_LIMITS_SETTING = "attempt_limits"


def setting_change(setting: str, digest: bytes, settings: Mapping[str, bytes]) -> list[Prepared]:
    """The entry that records a setting, where the log does not say so yet.

    Args:
        setting: Its name.
        digest: SHA-256 of what it is now, 32 bytes.
        settings: What the log says, by name.
    """
    before = settings.get(setting)
    if digest == before:
        return []
    content: dict[str, CborValue] = {"setting": setting, "digest": digest}
    if before is not None:
        content["before"] = before
    return [prepare_other("configuration_changed", content)]
