"""How far a detector has come: a small file, bound to the log and to the entry before.

Nothing personal lies in it: what rules remember of people is made again from the log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from biotrail._durable import replace_durably
from biotrail.errors import DetectionError

__all__ = ["Progress", "ProgressFile"]

_FORMAT = "biotrail/detection-progress/1"
_LARGEST = 16_777_216
_NAMES = {"format", "origin", "next", "leaf_hash", "since", "kept"}


@attrs.frozen
class Progress:
    """Where detection goes on.

    Attributes:
        origin: Origin of the log.
        next: Index of the first record that was not put before the rules yet.
        leaf_hash: Leaf hash of the entry before that, 32 bytes; empty where there is none.
        since: Index of the first record that the rules' memory rests on, at most `next`.
        kept: By name of a rule the memory that is kept here.
    """

    origin: str
    next: int
    leaf_hash: bytes = b""
    since: int = 0
    kept: Mapping[str, Any] = attrs.field(factory=dict)


class ProgressFile:
    """Keeps progress durably."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name a file; it is made when progress is first kept."""
        self.path = Path(path)

    def read(self) -> Progress | None:
        """The progress that is kept; None where there is no file yet.

        Raises:
            DetectionError: It cannot be read, or holds something else.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}") from error
        try:
            return _parsed(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._error(
                "holds no progress of a detector: name another file, or remove it to begin anew"
            ) from None

    def write(self, progress: Progress) -> None:
        """Keep progress; it is durable when this returns, and what was kept stays if it fails.

        Raises:
            DetectionError: It cannot be written.
        """
        told = {"format": _FORMAT, **attrs.asdict(progress, recurse=False)}
        told["leaf_hash"] = progress.leaf_hash.hex()
        try:
            replace_durably(self.path, f"{json.dumps(told)}\n".encode())
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from error

    def _error(self, what: str) -> DetectionError:
        return DetectionError(f"{self.path} {what}", path=str(self.path))


def _parsed(told: dict[str, Any]) -> Progress:
    origin, after, since, kept = told["origin"], told["next"], told["since"], told["kept"]
    if (
        set(told) != _NAMES
        or told["format"] != _FORMAT
        or not isinstance(origin, str)
        or not isinstance(kept, dict)
        or type(after) is not int
        or type(since) is not int
        or not 0 <= since <= after
    ):
        raise ValueError
    leaf_hash = bytes.fromhex(told["leaf_hash"])
    if len(leaf_hash) != (32 if after else 0):
        raise ValueError
    return Progress(origin, after, leaf_hash, since, kept)
