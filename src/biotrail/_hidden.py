"""Secrets that no repr, pickle or report of a failure shows.

A failure is told with its frames by many tools (pytest, rich, Sentry), and with what the variables
in them hold. So a secret is held by something that does not show it, and taken out only where it is
used.
"""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

__all__ = ["Hidden", "without_trace"]

Secret = TypeVar("Secret")
Error = TypeVar("Error", bound=BaseException)


class Hidden(Generic[Secret]):
    """Holds a secret, and does not show it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: Secret) -> None:
        """Hold a secret."""
        self._secret = secret

    def reveal(self) -> Secret:
        """The secret: use it, and bind it to no name in a frame from which errors are raised."""
        return self._secret

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def without_trace(error: Error) -> Error:
    """The error, cut off from the frames that it came through and from the errors before it."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
