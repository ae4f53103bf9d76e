"""Looking at a gallery's rows while others change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from biotrail.matchers.search.view import View

if TYPE_CHECKING:
    from biotrail.matchers.search.kernels import Kernel

__all__ = ["Look", "Moment"]


@attrs.define(eq=False)
class Moment:
    """What a gallery was when a search began."""

    version: int
    size: int
    view: View


class Looked(Protocol):
    """What can be looked at."""

    def begin(self, kernel: Kernel, /) -> tuple[int, Moment]:
        """Begin to look."""
        ...

    def end(self, tick: int, /) -> None:
        """End to look."""
        ...


class Look:
    """A context in which a search looks at a table."""

    def __init__(self, table: Looked, kernel: Kernel) -> None:
        self._table = table
        self._kernel = kernel
        self._tick = 0

    def __enter__(self) -> Moment:
        self._tick, moment = self._table.begin(self._kernel)
        return moment

    def __exit__(self, *_error: object) -> None:
        self._table.end(self._tick)
