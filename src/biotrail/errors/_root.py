"""What all errors have in common, and the error of an optional package that is not installed."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["BiotrailError", "MissingDependencyError"]

_DOOR: Final = "biotrail.errors"
"""Where every error is imported from: the file that it stands in is nobody's concern."""


class BiotrailError(Exception):
    """Root of every error that biotrail raises on purpose. Any of them can be pickled."""

    __module__ = _DOOR

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(f"{_DOOR}."):
            cls.__module__ = _DOOR

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[BiotrailError], args: tuple[Any, ...], evidence: Any) -> BiotrailError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(evidence)
    return error


_restore.__module__ = _DOOR


class MissingDependencyError(BiotrailError, ImportError):
    """A feature needs an optional package that is not installed; the message names the extra."""
