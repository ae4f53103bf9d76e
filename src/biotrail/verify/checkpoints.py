"""The checkpoints of a stretch: every root compared, and signatures verified."""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

import attrs

from biotrail.errors import BiotrailError, SignatureError
from biotrail.signing import VerifierKey, parse_note
from biotrail.tlog import CompactRange

__all__ = ["BrokenStretch", "Checked", "Span", "check_checkpoints"]

_ENTRIES_EACH = 10
_ALWAYS_VERIFIED = 5_000
"""By default every signature is verified, unless a stretch has more checkpoints than this and
they cover fewer than ten entries each: then the last of each key, which vouches for the rest."""
_KEY_ID = 4


class BrokenStretch(Exception):
    """Something in the stretch does not check out, near this index."""


@attrs.define
class Span:
    """Checkpoints of a stretch with no entry about keys between them.

    The first of them covers whatever entries about keys came before, and settles which keys are in
    force; for the others it then stays the same.

    Attributes:
        first: Size of the first checkpoint.
        first_key: The key that signed it, as text.
        later: For each key that signed a later one, as text: the size of the first of those.
    """

    first: int
    first_key: str
    later: dict[str, int] = attrs.field(factory=dict)


@attrs.define
class Checked:
    """What the checkpoints of a stretch were found to say.

    Attributes:
        tree: Hashes of the compact range over the stretch's entries alone.
        spans: Who signed, in order.
        size: Size of the last checkpoint, 0 without one.
        root: Its root.
        note: The checkpoint itself.
        checkpoints: Number of checkpoints whose root was compared.
        signatures: Number of signatures verified.
        every_signature: Whether those were all.
    """

    tree: tuple[bytes, ...] = ()
    spans: list[Span] = attrs.field(factory=list)
    size: int = 0
    root: bytes = b""
    note: str = ""
    checkpoints: int = 0
    signatures: int = 0
    every_signature: bool = True


@attrs.frozen
class _Signed:
    """A checkpoint whose text is as it must be; its signature is not verified yet.

    The signature is that of the first line, behind its key id. Further lines are of no weight.
    """

    size: int
    text: bytes
    signature: bytes

    def verified_by(self, keys: Mapping[bytes, Sequence[VerifierKey]]) -> str:
        """The known key whose signature it bears, as text."""
        for key in keys.get(self.signature[:_KEY_ID], ()):
            try:
                key.verify(self.text, self.signature[_KEY_ID:])
            except BiotrailError:
                continue
            return _text_of(key)
        raise BrokenStretch(self.size - 1)


_text_of = lru_cache(maxsize=256)(str)


def check_checkpoints(
    notes: Sequence[tuple[int, str]],
    leaves: Sequence[bytes],
    start: int,
    *,
    before: Sequence[bytes],
    origin: str,
    keys: Mapping[bytes, Sequence[VerifierKey]],
    about_keys: Sequence[int],
    every_signature: bool | None,
) -> Checked:
    """Compare every checkpoint with the recomputed root, and verify signatures.

    Args:
        notes: Sizes and signed notes, in order.
        leaves: The stretch's leaf hashes.
        start: Index of the first leaf.
        before: Hashes of the compact range before it, as far as they are believed.
        origin: The log's origin.
        keys: Keys that may turn out to be the log's, by key id.
        about_keys: Indices of entries about keys, in order.
        every_signature: As `scan_stretch`.

    Raises:
        BrokenStretch: A root, a text or a signature is not as it must be.
    """
    if every_signature is None:
        few_each = len(notes) * _ENTRIES_EACH > len(leaves)
        every_signature = not (len(notes) > _ALWAYS_VERIFIED and few_each)
    checked = Checked(checkpoints=len(notes), every_signature=every_signature)
    spans = _Spans(checked, keys, about_keys, every_signature)
    tree, done = CompactRange(), 0
    left_of_it = tuple(reversed(before))
    for size, note in notes:
        if size - start - done == 1:
            tree.append(leaves[done])
        else:
            tree.extend(leaves[done : size - start])
        done = size - start
        root = tree.root()
        for left in left_of_it:
            root = sha256(b"\x01" + left + root).digest()
        spans.add(_read(note, origin, size, root))
        checked.size, checked.root, checked.note = size, root, note
    spans.finish()
    tree.extend(leaves[done:])
    checked.tree = tree.hashes
    return checked


class _Spans:
    """Gathers checkpoints into spans, and sees to it that the right signatures are verified."""

    def __init__(
        self,
        checked: Checked,
        keys: Mapping[bytes, Sequence[VerifierKey]],
        about_keys: Sequence[int],
        every_signature: bool,
    ) -> None:
        self.checked = checked
        self.keys = keys
        self.ahead = list(reversed(about_keys))
        self.every_signature = every_signature
        self.waiting: dict[bytes, tuple[int, _Signed]] = {}

    def add(self, signed: _Signed) -> None:
        """Take the next checkpoint."""
        if not self.checked.spans or (self.ahead and self.ahead[-1] < signed.size):
            while self.ahead and self.ahead[-1] < signed.size:
                self.ahead.pop()
            self.finish()
            self.checked.spans.append(Span(signed.size, self._verify(signed)))
        elif self.every_signature:
            self._note_later(signed, signed.size)
        else:
            # The last that a key signed vouches for all that it signed before.
            key_id = signed.signature[:_KEY_ID]
            first, _ = self.waiting.get(key_id, (signed.size, signed))
            self.waiting[key_id] = first, signed

    def finish(self) -> None:
        """Verify what still waits."""
        for first, signed in self.waiting.values():
            self._note_later(signed, first)
        self.waiting = {}

    def _note_later(self, signed: _Signed, first: int) -> None:
        self.checked.spans[-1].later.setdefault(self._verify(signed), first)

    def _verify(self, signed: _Signed) -> str:
        self.checked.signatures += 1
        return signed.verified_by(self.keys)


def _read(note: str, origin: str, size: int, root: bytes) -> _Signed:
    """Read a checkpoint whose text must be exactly this."""
    text = f"{origin}\n{size}\n{b64encode(root).decode()}\n"
    opening = f"{text}\n\u2014 {origin} "
    if not note.startswith(opening) or not note.endswith("\n"):
        raise BrokenStretch(size - 1)
    rest = note[len(opening) : -1]
    try:
        if "\n" in rest:
            return _Signed(size, text.encode(), _first_of_several(note, text))
        signature = binascii.a2b_base64(rest, strict_mode=True)
    except (BiotrailError, ValueError):
        raise BrokenStretch(size - 1) from None
    if len(signature) <= _KEY_ID or b64encode(signature).decode() != rest:
        raise BrokenStretch(size - 1)
    return _Signed(size, text.encode(), signature)


def _first_of_several(note: str, text: str) -> bytes:
    """The first signature, which is the log's own; those of witnesses need only have their form."""
    signed = parse_note(note)
    if signed.text != text:
        raise SignatureError("a blank line stands between the signature lines")
    return signed.signatures[0].key_id + signed.signatures[0].signature
