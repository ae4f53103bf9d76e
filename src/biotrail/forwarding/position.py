"""How far a forwarder has come: a small file, bound to the log and to the entry before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs

from biotrail._durable import replace_durably
from biotrail.errors import PositionError

__all__ = ["Position", "PositionFile"]

_FORMAT = "biotrail/forwarding-position/1"
_LARGEST = 4_096


@attrs.frozen
class Position:
    """Where forwarding goes on.

    Attributes:
        origin: Origin of the log.
        next: Index of the first record that is not delivered yet.
        leaf_hash: Leaf hash of the entry before that, 32 bytes; empty where there is none.
    """

    origin: str
    next: int
    leaf_hash: bytes = b""


class PositionFile:
    """Keeps a position durably: written beside, synced, and put in place in one step."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name a file; it is made when the first position is kept."""
        self.path = Path(path)

    def read(self) -> Position | None:
        """The position that is kept; None where there is no file yet.

        Raises:
            PositionError: It cannot be read, or holds something else.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PositionError(f"{self.path} cannot be read: {error.strerror}") from error
        try:
            return _parsed(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise PositionError(
                f"{self.path} holds no position of a forwarder: name another file, or remove it to "
                "begin anew"
            ) from None

    def write(self, position: Position) -> None:
        """Keep a position; it is durable when this returns, and the old one is kept if it fails.

        Raises:
            PositionError: It cannot be written.
        """
        told = {
            "format": _FORMAT,
            "origin": position.origin,
            "next": position.next,
            "leaf_hash": position.leaf_hash.hex(),
        }
        try:
            replace_durably(self.path, f"{json.dumps(told)}\n".encode())
        except OSError as error:
            raise PositionError(
                f"{self.path} cannot be written: {error.strerror}. What was delivered last is "
                "delivered again when it can"
            ) from error


def _parsed(told: dict[str, object]) -> Position:
    origin, after, leaf_hash = told["origin"], told["next"], told["leaf_hash"]
    if (
        set(told) != {"format", "origin", "next", "leaf_hash"}
        or told["format"] != _FORMAT
        or not isinstance(origin, str)
        or type(after) is not int
        or not isinstance(leaf_hash, str)
    ):
        raise ValueError
    found = bytes.fromhex(leaf_hash)
    if after < 0 or len(found) != (32 if after else 0):
        raise ValueError
    return Position(origin, after, found)
