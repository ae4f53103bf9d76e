"""Signed notes: a text with signatures under it (C2SP signed-note v1).

::

    text, whose last line has a newline too
                                                        (a blank line)
    — name base64(key id || signature)

The signature covers the text up to the newline before the blank line. A note may carry signatures
of keys that the reader does not know (witnesses, for one); they are neither an error nor of weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from biotrail.errors import MalformedError, SignatureError
from biotrail.signing.keys import VerifierKey
from biotrail.signing.signer import Signer
from biotrail.tlog._text import check_name, is_encodable, read_base64, write_base64

__all__ = [
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "NoteSignature",
    "SignedNote",
    "parse_note",
    "sign_note",
    "verify_note",
]

MAX_SIGNATURES = 100
"""Most signatures that a note may carry; C2SP asks for 16 at least."""

MAX_NOTE_BYTES = 1_000_000
"""Longest note that is read, in bytes."""

_DASH = "— "
_KEY_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: Name of the key.
        key_id: Four bytes that tell keys of one name apart.
        signature: The signature; at least one byte.
    """

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        """Refuse what has no signature line."""
        _refuse_malformed(self.name)
        if len(self.key_id) != _KEY_ID_BYTES or not self.signature:
            raise SignatureError(f"signature line of {self.name} lacks a key id or a signature")

    def line(self) -> str:
        """Return the signature line with its newline."""
        return f"{_DASH}{self.name} {write_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text with signatures; none of them verified yet.

    Attributes:
        text: The text, with the newline at its end.
        signatures: From 1 to `MAX_SIGNATURES` signatures, in the order of their lines.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        """Refuse what has no form as a note."""
        _check_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise SignatureError(
                f"a signed note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}"
            )

    def encode(self) -> str:
        """Return the note: text, blank line, signature lines."""
        return self.text + "\n" + "".join(one.line() for one in self.signatures)


def parse_note(note: bytes | str) -> SignedNote:
    """Read a signed note; accepts only what `SignedNote.encode` would emit.

    Raises:
        SignatureError: The note is malformed, too long, or has no signature or too many.
    """
    text, blank, lines = _decode(note).rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise SignatureError("not a signed note: text, blank line, signature lines")
    if lines.count("\n") > MAX_SIGNATURES:
        raise SignatureError(f"a signed note has at most {MAX_SIGNATURES} signatures")
    return SignedNote(text + "\n", tuple(map(_parse_line, lines[:-1].split("\n"))))


_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def sign_note(text: str, *signers: Signer) -> SignedNote:
    """Sign a text with one or more signers.

    Args:
        text: The text; it must end in a newline.
        signers: Who signs, in the order of the signature lines.

    Raises:
        SignatureError: The text cannot be signed as a note, or there is no signer.
    """
    _check_text(text)
    message = text.encode("utf-8")
    signed = [(signer.verifier_key, signer.sign(message)) for signer in signers]
    return SignedNote(text, tuple(NoteSignature(key.name, key.key_id, by) for key, by in signed))


def verify_note(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Verify the signatures of known keys, and return those keys, each once.

    Signatures of other keys are passed over. A wrong signature of a known key makes the whole note
    refused, even where another known key signed it well.

    Args:
        note: The note.
        keys: The keys that are known and trusted.

    Raises:
        SignatureError: No known key signed, or a known key's signature is wrong.
    """
    known = dict.fromkeys(keys)
    message = note.text.encode("utf-8")
    signed: dict[VerifierKey, None] = {}
    for signature in note.signatures:
        candidates = [
            key for key in known if (key.name, key.key_id) == (signature.name, signature.key_id)
        ]
        if candidates:
            signed[_verify_one(message, signature, candidates)] = None
    if not signed:
        by = ", ".join(f"{one.name[:80]}+{one.key_id.hex()}" for one in note.signatures[:4])
        raise SignatureError(f"no trusted key signed this note; it is signed by {by}")
    return tuple(signed)


def _verify_one(
    message: bytes, signature: NoteSignature, candidates: list[VerifierKey]
) -> VerifierKey:
    """Return the key that signed; key ids are short, so that two keys may share one."""
    *others, last = candidates
    for key in others:
        try:
            key.verify(message, signature.signature)
        except SignatureError:
            continue
        return key
    last.verify(message, signature.signature)
    return last


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise SignatureError(f"not a signature line: {line[:80]!r}")
    try:
        data = read_base64(encoded, "signature in the note")
    except MalformedError as error:
        raise SignatureError(str(error)) from None
    return NoteSignature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _decode(note: bytes | str) -> str:
    if len(note) > MAX_NOTE_BYTES:
        raise SignatureError(f"signed note is longer than {MAX_NOTE_BYTES} bytes")
    try:
        return note if isinstance(note, str) else note.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureError("signed note is not UTF-8") from None


def _check_text(text: str) -> None:
    """Refuse a text that has no end of line, control characters, or no UTF-8 form."""
    if not text.endswith("\n") or not is_encodable(text):
        raise SignatureError("the text of a signed note is UTF-8 and ends in a newline")
    if _CONTROL.search(text):
        raise SignatureError("the text of a signed note has a control character")


def _refuse_malformed(name: str) -> None:
    try:
        check_name(name, "name in the signature line")
    except MalformedError as error:
        raise SignatureError(str(error)) from None
