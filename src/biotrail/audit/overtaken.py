"""What somebody else did first, seen when it is this writer's turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from biotrail.audit.receipt import Receipt

__all__ = ["Overtaken", "Write"]


class Overtaken(Exception):
    """An entry was not written, since something was in the log or beside it by then.

    Attributes:
        by: What was found: the index of an entry, or an erasure's id.
    """

    def __init__(self, by: Any = None) -> None:
        super().__init__("overtaken")
        self.by = by


class Write(Protocol):
    """Appends an entry that is no event."""

    def __call__(
        self, kind: str, content: dict[str, Any], *, unless: Callable[[], None] | None = None
    ) -> Receipt:
        """Append it, unless `unless` raises, which is called when nobody else appends."""
        ...
