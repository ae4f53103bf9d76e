"""The proof file ``.tlog-proof``: an inclusion proof that travels alone (C2SP tlog-proof v1).

::

    c2sp.org/tlog-proof@v1
    extra <base64>                  at most once; for the application
    index <decimal>
    <base64 hash>                   none or more, the leaf's own sibling first
                                    (a blank line)
    <checkpoint, as a signed note, verbatim>
"""

from __future__ import annotations

from dataclasses import dataclass

from biotrail.errors import MalformedError
from biotrail.tlog._text import is_encodable, read_base64, read_hash, read_number, write_base64
from biotrail.tlog.checkpoint import unverified_checkpoint
from biotrail.tlog.hashing import HASH_SIZE
from biotrail.tlog.proof import MAX_PROOF_HASHES

__all__ = ["MAX_PROOF_FILE_BYTES", "ProofFile"]

MAX_PROOF_FILE_BYTES = 1_048_576
"""Longest proof file that is read, in bytes; an entry of 65,535 bytes and 16 signatures fit."""

_MAGIC = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class ProofFile:
    """What a proof file says; nothing of it is verified.

    Attributes:
        index: Index of the entry, zero-based.
        hashes: The inclusion proof, the leaf's own sibling first.
        checkpoint_note: The checkpoint as a signed note, verbatim.
        extra: The application's own bytes, or None where there is no such line; never empty.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint_note: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what has no place in a proof file."""
        object.__setattr__(self, "hashes", tuple(self.hashes))
        if len(self.hashes) > MAX_PROOF_HASHES:
            raise MalformedError(f"proof file has more than {MAX_PROOF_HASHES} hashes")
        if any(len(one) != HASH_SIZE for one in self.hashes):
            raise MalformedError(f"a hash in the proof file is not {HASH_SIZE} bytes long")
        if self.extra is not None and not self.extra:
            raise MalformedError("proof file has an empty extra; leave it out instead")
        size = unverified_checkpoint(self.checkpoint_note).size
        if not 0 <= self.index < size:
            raise MalformedError(f"proof file is for index {self.index} of a tree of size {size}")
        if not is_encodable(self.checkpoint_note):
            raise MalformedError("checkpoint note in the proof file is not valid Unicode")

    def encode(self) -> bytes:
        """Return the file's bytes."""
        extra = [] if self.extra is None else [f"extra {write_base64(self.extra)}"]
        proof = [write_base64(one) for one in self.hashes]
        lines = [_MAGIC, *extra, f"index {self.index}", *proof, "", self.checkpoint_note]
        return "\n".join(lines).encode("utf-8")

    @classmethod
    def parse(cls, data: bytes | str) -> ProofFile:
        """Read a proof file; accepts only what `encode` would emit.

        Raises:
            MalformedError: The bytes are anything else, or more than `MAX_PROOF_FILE_BYTES`.
        """
        head, blank, note = _as_text(data).partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != _MAGIC:
            raise MalformedError(f"not a proof file: it must begin with the line {_MAGIC!r}")
        extra = _read_after("extra ", lines)
        index = _read_after("index ", lines)
        if index is None:
            raise MalformedError("proof file has no index line where one must be")
        return cls(
            read_number(index, "index in the proof file"),
            tuple(
                read_hash(line, "hash in the proof file") for line in lines[: MAX_PROOF_HASHES + 1]
            ),
            note,
            None if extra is None else read_base64(extra, "extra in the proof file"),
        )


def _as_text(data: bytes | str) -> str:
    """Return the text of a file that is not too long."""
    if len(data) > MAX_PROOF_FILE_BYTES:
        raise MalformedError(f"proof file is longer than {MAX_PROOF_FILE_BYTES} bytes")
    try:
        return data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("proof file is not UTF-8") from None


def _read_after(word: str, lines: list[str]) -> str | None:
    """Take the first line off if it begins with a word, and return the rest of it."""
    if lines and lines[0].startswith(word):
        return lines.pop(0)[len(word) :]
    return None
