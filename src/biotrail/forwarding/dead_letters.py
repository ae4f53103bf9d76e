"""Records that a receiver refuses for good: which they are, why, and what became of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from biotrail.canonical import format_time, parse_time
from biotrail.errors import CanonicalError, ForwardingError, PositionError
from biotrail.forwarding.document import one_line
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.file import append_lines

__all__ = ["DeadLetter", "DeadLetters"]

_LONGEST_LINE = 65_536
_LONGEST_REASON = 2_000


@attrs.frozen(kw_only=True)
class DeadLetter:
    """A record that was refused, and is neither delivered since nor given up.

    Attributes:
        origin: Origin of the log.
        index: The record's index.
        leaf_hash: Its leaf hash in hexadecimal.
        refused: When it was refused, for the last time.
        format: In which format.
        reason: Why, in the receiver's words.
    """

    origin: str
    index: int
    leaf_hash: str
    refused: datetime
    format: str
    reason: str


class DeadLetters:
    """A file with one JSON document a line, to which lines are added only.

    It names the record by index and leaf hash and does not repeat what it says: the log has that,
    and an erasure must not have to look here. A later line says that the record was delivered after
    all, or dropped, and why. A line that a crash broke off counts for nothing: the position did
    not move either, so that the record is refused once more.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Name the file; it is made when it is needed."""
        self.path, self._clock = Path(path), clock

    def add(self, message: Message, how: Format, reason: str) -> None:
        """Add a record; durable when this returns.

        Raises:
            PositionError: It cannot be written, so that the position must not move either.
        """
        self._append(
            "refused", (message.origin, message.index, message.leaf_hash), how.name, reason
        )

    def delivered(self, messages: Sequence[Message], how: Format) -> None:
        """Note that records were delivered after all; durable when this returns.

        Raises:
            PositionError: It cannot be written: they are delivered again by the next one to try.
        """
        told = [
            self._told("delivered", (one.origin, one.index, one.leaf_hash), how.name, None)
            for one in messages
        ]
        self._write(told)

    def drop(self, index: int, reason: str) -> None:
        """Note that a record is given up, and why; durable when this returns.

        Args:
            index: The record's index.
            reason: Why, in your words.

        Raises:
            ForwardingError: There is no dead letter of this record, or the reason is empty.
            PositionError: The file cannot be read or written.
        """
        if not reason.strip():
            raise ForwardingError("say why the record is given up")
        for one in self.chosen({index}):
            self._append("dropped", (one.origin, one.index, one.leaf_hash), None, reason)

    def chosen(self, indices: Collection[int] | None) -> list[DeadLetter]:
        """The dead letters of some records; of all if None.

        Raises:
            ForwardingError: There is none of one of them.
            PositionError: As `read`.
        """
        letters = self.read()
        if indices is None:
            return list(letters)
        absent = sorted(set(indices) - {one.index for one in letters})
        if absent:
            raise ForwardingError(
                f"{self.path}: there is no dead letter of entry {absent[0]}: it was not refused, "
                "or it is delivered or dropped already"
            )
        return [one for one in letters if one.index in indices]

    def read(self) -> tuple[DeadLetter, ...]:
        """Those that are neither delivered nor dropped, in the order of the log.

        Raises:
            PositionError: The file cannot be read, or holds something else.
        """
        found: dict[tuple[str, int, str], DeadLetter] = {}
        for number, told in self._lines():
            try:
                letter = _letter(told)
                place = (told["origin"], told["index"], told["leaf_hash"])
            except (KeyError, TypeError, ValueError, CanonicalError):
                raise self._damaged(number) from None
            if letter is None:
                found.pop(place, None)
            else:
                found[place] = letter
        return tuple(sorted(found.values(), key=lambda one: one.index))

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self.path.open("rb") as file:
                number = 0
                while line := file.readline(_LONGEST_LINE):
                    number += 1
                    try:
                        yield number, json.loads(line)
                    except ValueError:
                        if not _was_broken_off(line):
                            raise self._damaged(number) from None
        except FileNotFoundError:
            return
        except OSError as error:
            raise PositionError(f"{self.path} cannot be read: {error.strerror}") from error

    def _damaged(self, number: int) -> PositionError:
        return PositionError(f"{self.path}, line {number}: this is no dead letter of a forwarder")

    def _append(self, what: str, place: tuple[str, int, str], how: str | None, reason: str) -> None:
        self._write([self._told(what, place, how, reason)])

    def _told(
        self, what: str, place: tuple[str, int, str], how: str | None, reason: str | None
    ) -> dict[str, Any]:
        origin, index, leaf_hash = place
        told = {
            what: format_time(self._clock()),
            "origin": origin,
            "index": index,
            "leaf_hash": leaf_hash,
            "format": how,
            "reason": None if reason is None else reason[:_LONGEST_REASON],
        }
        return {name: value for name, value in told.items() if value is not None}

    def _write(self, told: Sequence[dict[str, Any]]) -> None:
        try:
            append_lines(self.path, [one_line(one) for one in told])
        except OSError as error:
            raise PositionError(f"{self.path} cannot be written: {error.strerror}") from error


def _was_broken_off(line: bytes) -> bool:
    """Whether a line may be the beginning of one of ours, of which a crash kept the end away."""
    return len(line) < _LONGEST_LINE and not line.rstrip(b"\r\n").endswith(b"}")


def _letter(told: dict[str, Any]) -> DeadLetter | None:
    """The letter of a line; None for one that says what became of a record."""
    index, leaf_hash = told["index"], told["leaf_hash"]
    if type(index) is not int or index < 0 or len(bytes.fromhex(leaf_hash)) != 32:
        raise ValueError
    if "delivered" in told or "dropped" in told:
        return None
    texts = {name: told[name] for name in ("origin", "format", "reason")}
    if not all(isinstance(one, str) for one in texts.values()):
        raise ValueError
    refused = parse_time(told["refused"])
    return DeadLetter(index=index, leaf_hash=leaf_hash, refused=refused, **texts)
