"""Post-quantum cosignatures: ML-DSA-44 beside a checkpoint's own Ed25519 line.

A log whose checkpoints are kept for decades may outlive Ed25519. So a checkpoint that leaves the
house (published, or kept by an auditor) can bear a second line, of an algorithm that no known
quantum attack breaks (FIPS 204). It is always beside the Ed25519 line and never in its place; the
log itself does not hold it. Form and signed message are those of C2SP tlog-cosignature, type 0x06.

The line says what its cosigner vouches for: this root at this size is consistent with what they
have seen of the log. With a timestamp other than 0 it says also that, at that time, it was the
largest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from biotrail.errors import MalformedError, NotCosignedError, SignatureError, SigningError
from biotrail.signing._ml_dsa import cosigned_message, length_of, new_private_key, public_key
from biotrail.signing.note import NoteSignature, SignedNote, parse_note
from biotrail.tlog._text import check_name, read_base64, write_base64
from biotrail.tlog.checkpoint import Checkpoint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

__all__ = [
    "ML_DSA_44",
    "Cosignature",
    "MlDsa44Cosigner",
    "MlDsa44Key",
    "check_post_quantum",
]

ML_DSA_44 = 0x06
"""Algorithm byte of ML-DSA-44 cosignatures (C2SP tlog-cosignature)."""

_PUBLIC_BYTES, _SIGNATURE_BYTES, _SEED_BYTES = 1312, 2420, 32
_TIMESTAMP_BYTES, _KEY_ID_BYTES, _MOST_TIMESTAMP = 8, 4, 2**63 - 1


@dataclass(frozen=True, slots=True)
class MlDsa44Key:
    """The public half of a cosigner's key.

    Attributes:
        name: Name of the cosigner; for the owner of a log, by custom the log's origin.
        public: The public key, 1312 bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a name or a key that cannot be used."""
        check_name(self.name, "name of the cosigner's key")
        length_of(self.name, "name of the cosigner's key")
        if len(self.public) != _PUBLIC_BYTES:
            raise MalformedError(f"an ML-DSA-44 public key has {_PUBLIC_BYTES} bytes")

    @classmethod
    def parse(cls, text: str) -> MlDsa44Key:
        """Read a verifier key of type 0x06; accepts only what ``str()`` would emit.

        Raises:
            MalformedError: The text is anything else.
        """
        name, _, rest = text.partition("+")
        data = read_base64(rest.partition("+")[2], "key in the verifier key")
        if not data or data[0] != ML_DSA_44:
            raise MalformedError("not a verifier key of an ML-DSA-44 cosigner (type 0x06)")
        key = cls(name, data[1:])
        if str(key) != text:
            raise MalformedError("the key id does not belong to this name and key")
        return key

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        hashed = self.name.encode("utf-8") + b"\n" + bytes([ML_DSA_44]) + self.public
        return sha256(hashed).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the text, ``name+hex(key id)+base64(0x06 || public key)``."""
        key = write_base64(bytes([ML_DSA_44]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def __repr__(self) -> str:
        return f"MlDsa44Key({self.name}+{self.key_id.hex()})"

    def verify(self, checkpoint: Checkpoint, signature: bytes) -> int:
        """Verify a cosignature of a checkpoint.

        Args:
            checkpoint: What it must be over.
            signature: Timestamp (8 bytes, big endian) and ML-DSA-44 signature (2420 bytes).

        Returns:
            The timestamp, POSIX seconds; 0 where nothing is said about time.

        Raises:
            NotCosignedError: The signature is not this key's for this checkpoint.
            MissingDependencyError: This `cryptography` has no ML-DSA.
        """
        timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES])
        whole = len(signature) == _TIMESTAMP_BYTES + _SIGNATURE_BYTES
        if not whole or timestamp > _MOST_TIMESTAMP:
            raise NotCosignedError(f"not the form of a cosignature of {self!r}")
        public = public_key(self.public)
        from cryptography.exceptions import InvalidSignature

        try:
            public.verify(
                signature[_TIMESTAMP_BYTES:], cosigned_message(self.name, timestamp, checkpoint)
            )
        except InvalidSignature:
            raise NotCosignedError(
                f"the cosignature is not that of {self!r} for this checkpoint"
            ) from None
        return timestamp


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that was found to hold.

    Attributes:
        checkpoint: What it is over.
        key: The cosigner's key.
        timestamp: POSIX seconds; 0 where nothing is said about time.
    """

    checkpoint: Checkpoint
    key: MlDsa44Key
    timestamp: int


class MlDsa44Cosigner:
    """Adds ML-DSA-44 cosignatures to checkpoints; the private key is in memory.

    The private key is in no attribute, text form or pickle of the object that is meant for use.

    Attributes:
        key: The public half.
    """

    __slots__ = ("_private_key", "key")

    def __init__(self, name: str, private_key: MLDSA44PrivateKey) -> None:
        """Take a private key under a name.

        Args:
            name: Name of the cosigner.
            private_key: The private key, as an object of `cryptography`.

        Raises:
            MalformedError: The name cannot be that of a key.
        """
        self.key = MlDsa44Key(name, private_key.public_key().public_bytes_raw())
        self._private_key = private_key

    @classmethod
    def generate(cls, name: str) -> MlDsa44Cosigner:
        """Return a cosigner with a new random key.

        Raises:
            MissingDependencyError: This `cryptography` has no ML-DSA.
        """
        return cls(name, new_private_key())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> MlDsa44Cosigner:
        """Return the cosigner of a seed: 32 bytes, the seed of FIPS 204 algorithm 1.

        Raises:
            SigningError: The seed is not 32 bytes.
            MissingDependencyError: This `cryptography` has no ML-DSA.
        """
        if len(seed) != _SEED_BYTES:
            raise SigningError(f"the seed of an ML-DSA-44 key has {_SEED_BYTES} bytes")
        return cls(name, new_private_key(seed))

    def cosign(self, note: bytes | str, *, timestamp: int = 0) -> str:
        """Return a signed checkpoint with a cosignature of this key as its last line.

        The caller vouches for what the line says: see the module's text. A line of this key that
        is there already is replaced.

        Args:
            note: The signed checkpoint.
            timestamp: POSIX seconds; 0 to say nothing about time.

        Raises:
            SignatureError: Not a signed checkpoint, or one with too many lines.
            SigningError: The timestamp is none, or the signature could not be made.
        """
        if not 0 <= timestamp <= _MOST_TIMESTAMP:
            raise SigningError("a timestamp is a number of seconds from 0 to 2**63 - 1")
        signed, checkpoint = _read(note)
        others = tuple(one for one in signed.signatures if not _is_of(one, self.key))
        if not others:
            raise SignatureError("a cosignature stands beside a signature of the log")
        message = cosigned_message(self.key.name, timestamp, checkpoint)
        blob = timestamp.to_bytes(_TIMESTAMP_BYTES) + self._private_key.sign(message)
        line = NoteSignature(self.key.name, self.key.key_id, blob)
        return replace(signed, signatures=(*others, line)).encode()

    def __reduce__(self) -> str:
        raise SigningError("a cosigner is not pickled: it would carry its private key along")

    def __repr__(self) -> str:
        return f"MlDsa44Cosigner({self.key!r})"


def check_post_quantum(
    note: bytes | str, keys: MlDsa44Key | str | Iterable[MlDsa44Key | str]
) -> Cosignature:
    """Check that a signed checkpoint bears a good cosignature of one of some keys.

    The checkpoint's own signature is not looked at: open it as well.

    Args:
        note: The signed checkpoint.
        keys: Cosigners' keys that are trusted.

    Returns:
        The first cosignature of a trusted key. Every other line of one has been verified too.

    Raises:
        MalformedError: A key is none.
        NotCosignedError: No trusted key cosigned it, or one wrongly.
        SignatureError: Not a signed checkpoint.
        MissingDependencyError: This `cryptography` has no ML-DSA.
    """
    given = [keys] if isinstance(keys, (MlDsa44Key, str)) else list(keys)
    trusted = [MlDsa44Key.parse(one.strip()) if isinstance(one, str) else one for one in given]
    signed, checkpoint = _read(note)
    found = [
        Cosignature(checkpoint, key, key.verify(checkpoint, line.signature))
        for line in signed.signatures
        for key in trusted
        if _is_of(line, key)
    ]
    if not found:
        wanted = ", ".join(map(repr, trusted)) or "no key"
        raise NotCosignedError(
            f"the checkpoint of size {checkpoint.size} has no post-quantum cosignature of {wanted}"
        )
    return found[0]


def _read(note: bytes | str) -> tuple[SignedNote, Checkpoint]:
    signed = parse_note(note)
    try:
        return signed, Checkpoint.parse(signed.text)
    except MalformedError as error:
        raise SignatureError(f"the signed text is not a checkpoint: {error}") from None


def _is_of(line: NoteSignature, key: MlDsa44Key) -> bool:
    return (line.name, line.key_id) == (key.name, key.key_id)
