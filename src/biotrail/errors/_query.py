"""What goes wrong with questions to a log."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = ["NoSuchFieldError", "QueryError", "QuerySyntaxError"]


class QueryError(BiotrailError, ValueError):
    """A question to a log that cannot be answered as it was asked: the message says what to change.

    The cursor is of another question or another log, a field does not exist, a page is too large.
    """


class QuerySyntaxError(QueryError):
    """The text of a condition cannot be read.

    Attributes:
        text: The text.
        position: Where in it, in characters from 0; its length where something is missing.
        hint: What may have been meant, or what may stand there; None where that is not known.
    """

    def __init__(self, what: str, text: str, position: int, hint: str | None = None) -> None:
        more = "" if hint is None else f"; {hint}"
        super().__init__(f"{what} (character {position + 1}){more}")
        self.what = what
        self.text = text
        self.position = position
        self.hint = hint

    def marked(self) -> str:
        """The line of the text that is meant, and below it a caret under the position."""
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].partition("\n")[0]
        return f"{line}\n{' ' * (self.position - start)}^"


class NoSuchFieldError(BiotrailError):
    """A record has no field of the name that was asked for."""
