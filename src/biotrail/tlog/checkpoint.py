"""The checkpoint: one root hash that stands for the whole log (C2SP tlog-checkpoint v1).

Three lines, each with its newline: origin, tree size in decimal, root hash in base64::

    example.com/log
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Extension lines are neither written nor accepted. A checkpoint is worth nothing until the signature
over it is verified; that is the signing room's part.
"""

from __future__ import annotations

from dataclasses import dataclass

from biotrail.errors import MalformedError
from biotrail.tlog._text import MAX_SIZE, check_name, read_hash, read_number, write_base64
from biotrail.tlog.hashing import EMPTY_ROOT, HASH_SIZE

__all__ = ["Checkpoint", "unverified_checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin, size and root hash of a log at one moment.

    Attributes:
        origin: Name of the log: non-empty, without spaces, plus signs and control characters.
        size: Number of entries.
        root: Root hash, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what has no checkpoint text."""
        check_name(self.origin, "checkpoint origin")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedError(f"checkpoint size {self.size} is not from 0 to 2**63 - 1")
        if len(self.root) != HASH_SIZE:
            raise MalformedError(f"checkpoint root has {len(self.root)} bytes, not {HASH_SIZE}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedError("checkpoint of an empty tree has another root than the empty one")

    def text(self) -> str:
        """Return the text that is signed: three lines, each with its newline."""
        return f"{self.origin}\n{self.size}\n{write_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a checkpoint text; accepts only what `text` would emit.

        Raises:
            MalformedError: The text is anything else.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise MalformedError("a checkpoint is exactly three lines, each with its newline")
        origin, size, root, _ = lines
        return cls(origin, read_number(size, "checkpoint size"), read_hash(root, "checkpoint root"))


def unverified_checkpoint(note: str) -> Checkpoint:
    """Read the checkpoint in a signed note **without looking at its signatures**.

    For routing and display only: anyone can write such a note. To trust it, open it with a verifier
    key (`biotrail.signing.open_checkpoint`).

    Args:
        note: The checkpoint text, a blank line, and signature lines.

    Raises:
        MalformedError: The note is not a checkpoint, a blank line and some signature lines.
    """
    text, blank, signatures = note.partition("\n\n")
    lines = signatures.split("\n")
    framed = len(lines) > 1 and not lines.pop() and all(line.startswith("— ") for line in lines)
    if not blank or not framed:
        raise MalformedError("not a signed note: checkpoint, blank line, signature lines")
    return Checkpoint.parse(text + "\n")
