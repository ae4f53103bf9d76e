r"""The bytes of a file of key-encryption keys under a passphrase: docs/spec/vault-keys.md.

::

    offset  size
         0    22  "biotrail/vault-keys/1\n"
        22     4  memory in KiB, big-endian
        26     1  passes
        27     1  lanes
        28    16  salt
        44    32  check value
        76    12  nonce
        88  48·n + 16  AES-256-GCM of n generations, under the 88 bytes before as associated data

Argon2id (RFC 9106) gives 64 bytes of passphrase and salt: the first 32 are the key, the last 32 the
check value. It commits the file to one key: AES-GCM alone does not, and a crafted file could be
made to open under many passphrases at once.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import NamedTuple, Self

from biotrail._hidden import Hidden
from biotrail.errors import KeyProviderError, MissingDependencyError
from biotrail.vault.providers._local import ID_SIZE, KEY_SIZE, Generation

__all__ = ["MAX_GENERATIONS", "Derivation", "Unlocked", "decode", "derivation_of", "encode"]

MAGIC = b"biotrail/vault-keys/1\n"
MAX_GENERATIONS = 1000
NONCE_SIZE = 12
SALT_SIZE = 16
_CHECK_SIZE, _TAG_SIZE = 32, 16
_HEAD_SIZE = len(MAGIC) + 6 + SALT_SIZE + _CHECK_SIZE + NONCE_SIZE
_ENTRY_SIZE = ID_SIZE + KEY_SIZE
_MEMORY = range(8 * 1024, 1024 * 1024 + 1)
_PASSES, _LANES = range(1, 17), range(1, 17)


class Derivation(NamedTuple):
    """How costly a passphrase is, and its salt.

    Attributes:
        memory: Memory of Argon2id in KiB, 8,192 to 1,048,576.
        passes: Passes over that memory, 1 to 16.
        lanes: Lanes that may be calculated side by side, 1 to 16.
        salt: 16 bytes.
    """

    memory: int
    passes: int
    lanes: int
    salt: bytes

    def check(self) -> Self:
        """Refuse what would be too cheap to guess, or takes more than a file may ask for.

        Raises:
            KeyProviderError: A number is out of its bounds.
        """
        for name, value, allowed in (
            ("memory (KiB)", self.memory, _MEMORY),
            ("number of passes", self.passes, _PASSES),
            ("number of lanes", self.lanes, _LANES),
        ):
            if value not in allowed:
                raise KeyProviderError(
                    f"the {name} of Argon2id is {value}; allowed: {allowed[0]} to {allowed[-1]}"
                )
        return self

    def unlock(self, passphrase: Hidden[bytes]) -> Unlocked:
        """Return what the passphrase opens a file with; takes long on purpose.

        Raises:
            KeyProviderError: A number is out of its bounds, or there is not that much memory.
            MissingDependencyError: The OpenSSL below `cryptography` has no Argon2id.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        self.check()
        try:
            argon = Argon2id(
                salt=self.salt,
                length=KEY_SIZE + _CHECK_SIZE,
                iterations=self.passes,
                lanes=self.lanes,
                memory_cost=self.memory,
            )
            derived = argon.derive(passphrase.reveal())
        except UnsupportedAlgorithm:
            raise MissingDependencyError(
                "Argon2id needs a `cryptography` that was built with OpenSSL 3.2 or later, as the "
                "wheels on PyPI are: pip install --force-reinstall cryptography"
            ) from None
        except MemoryError:
            raise KeyProviderError(
                f"there is no memory for Argon2id, which asks for {self.memory} KiB"
            ) from None
        return Unlocked(self, derived[:KEY_SIZE], derived[KEY_SIZE:])


class Unlocked:
    """What a passphrase gave under a derivation.

    Attributes:
        derivation: The derivation.
        key: The key of the file, 32 bytes.
        check_value: What a file commits to it with, 32 bytes.
    """

    __slots__ = ("check_value", "derivation", "key")

    def __init__(self, derivation: Derivation, key: bytes, check_value: bytes) -> None:
        """Keep it; no tuple, whose items tools that report failures would show."""
        self.derivation = derivation
        self.key = key
        self.check_value = check_value

    def __repr__(self) -> str:
        return "Unlocked(...)"


def derivation_of(data: bytes) -> Derivation:
    """Return how the key of a file is derived; within bounds, whoever wrote the file.

    Raises:
        KeyProviderError: It is not a file of vault keys, or asks for too much.
    """
    sealed = len(data) - _HEAD_SIZE - _TAG_SIZE
    generations, rest = divmod(sealed, _ENTRY_SIZE)
    if not data.startswith(MAGIC) or rest or not 1 <= generations <= MAX_GENERATIONS:
        raise KeyProviderError("not a file of vault keys")
    at = len(MAGIC)
    memory = int.from_bytes(data[at : at + 4])
    passes, lanes = data[at + 4], data[at + 5]
    return Derivation(memory, passes, lanes, data[at + 6 : at + 6 + SALT_SIZE]).check()


def decode(data: bytes, unlocked: Unlocked) -> list[Generation]:
    """Return the generations in a file, the current one last.

    Raises:
        KeyProviderError: The passphrase is another, or the file is damaged.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if derivation_of(data) != unlocked.derivation:
        raise KeyProviderError("the passphrase of the file has been changed")
    head, sealed = data[:_HEAD_SIZE], data[_HEAD_SIZE:]
    check_value = head[-NONCE_SIZE - _CHECK_SIZE : -NONCE_SIZE]
    if not hmac.compare_digest(check_value, unlocked.check_value):
        raise KeyProviderError("wrong passphrase, or the head of the file is damaged")
    try:
        ring = AESGCM(unlocked.key).decrypt(head[-NONCE_SIZE:], sealed, head)
    except InvalidTag:
        raise KeyProviderError("the file is damaged, though the passphrase is right") from None
    return _generations(ring)


def _generations(ring: bytes) -> list[Generation]:
    parts = [ring[at : at + _ENTRY_SIZE] for at in range(0, len(ring), _ENTRY_SIZE)]
    found = [Generation(part[:ID_SIZE], part[ID_SIZE:]) for part in parts]
    if len({one.id for one in found}) != len(found):
        raise KeyProviderError("the file holds two keys of one id")
    return found


def encode(generations: Sequence[Generation], unlocked: Unlocked, nonce: bytes) -> bytes:
    """Return the bytes of a file.

    Args:
        generations: From 1 to 1,000, the current one last.
        unlocked: What the passphrase gave.
        nonce: 12 random bytes, new each time.

    Raises:
        KeyProviderError: There are too many generations.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not 1 <= len(generations) <= MAX_GENERATIONS:
        raise KeyProviderError(f"a file of vault keys holds 1 to {MAX_GENERATIONS} keys")
    how = unlocked.derivation
    costs = how.memory.to_bytes(4) + bytes([how.passes, how.lanes])
    head = MAGIC + costs + how.salt + unlocked.check_value + nonce
    ring = b"".join(one.id + one.key for one in generations)
    return head + AESGCM(unlocked.key).encrypt(nonce, ring, head)
