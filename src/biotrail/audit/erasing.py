"""What a log with a vault does about erasures when it is opened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from biotrail.audit.erasure import Erasures
from biotrail.audit.ledger import ErasureLedger
from biotrail.audit.vaulted import VaultedLog
from biotrail.errors import BiotrailError

__all__ = ["begin_erasures", "ledger_beside"]

_LOGGER = logging.getLogger("biotrail")


def ledger_beside(store: object) -> ErasureLedger | None:
    """The ledger beside the file of a store: ``<path>.erasures``; None for one without a file."""
    path = getattr(store, "path", None)
    return ErasureLedger(f"{path}.erasures") if isinstance(path, Path) else None


def begin_erasures(vaulted: VaultedLog, **options: Any) -> Erasures:
    """Take up the erasures of a log that is being opened, and finish those that were begun.

    One that still cannot be finished does not keep the log from recording: it is listed by
    `AuditLogger.unfinished_erasures`, and what is left of it is shown by verification.
    """
    erasures = Erasures(vaulted, ledger=ledger_beside(vaulted.store), **options)
    try:
        erasures.resume()
    except BiotrailError as error:
        _LOGGER.warning("an erasure is unfinished: %s", error)
    return erasures
