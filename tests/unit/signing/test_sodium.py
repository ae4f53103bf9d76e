"""libsodium as a second engine for Ed25519: the same signatures, and never a verdict of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import BiotrailError, SignatureError
from biotrail.signing import Ed25519Signer, VerifierKey, _sodium

MESSAGE = b"example.com/log\n1\nroot\n"
# Points of small order (1, 2, 4, 4, 8, 8, 8, 8), then other spellings of some of them, and of 0.
SMALL = [
    bytes.fromhex(text)
    for text in (
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "00" * 32,
        "00" * 31 + "80",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "01" + "00" * 30 + "80",
        "ec" + "ff" * 31,
        "ee" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
        "ed" + "ff" * 30 + "7f",
        "ed" + "ff" * 31,
    )
]


@pytest.fixture
def without_libsodium(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyNaCl is not installed."""
    monkeypatch.setattr(_sodium, "_bindings", lambda: None)


def _by_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _by_us(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifierKey.from_public("example.com/log", public).verify(message, signature)
    except BiotrailError:
        return False
    return True


def _odd_signatures() -> Iterator[tuple[bytes, bytes]]:
    """Keys and signatures on which implementations of Ed25519 are known to differ."""
    honest = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    good, public = honest.sign(MESSAGE), honest.public_key().public_bytes_raw()
    group_order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(good[32:], "little") + group_order
    yield public, good[:32] + larger.to_bytes(32, "little")
    for key, point in product([*SMALL, public], [*SMALL, good[:32]]):
        yield key, point + bytes(32)
        yield key, point + good[32:]


@pytest.mark.component("pynacl")
def test_both_engines_come_to_one_verdict() -> None:
    """Where the two differ, the verdict is that of `cryptography`; and they do differ."""
    differ = 0
    for public, signature in _odd_signatures():
        expected = _by_cryptography(public, MESSAGE, signature)
        assert _by_us(public, MESSAGE, signature) == expected
        accepted = _sodium.accepts(public, MESSAGE, signature)
        assert expected or not accepted, "libsodium accepts what cryptography does not"
        differ += expected != accepted
    assert differ > 0


@pytest.mark.component("pynacl")
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=300))
def test_both_engines_sign_alike(seed: bytes, message: bytes) -> None:
    """A signature is a function of key and message, whoever computes it."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    sign = _sodium.signing_function(lambda: seed, private.public_key().public_bytes_raw())
    assert sign is not None
    assert sign(message) == private.sign(message)


@pytest.mark.component("pynacl")
@given(
    message=st.binary(max_size=80),
    place=st.integers(0, 63),
    bit=st.integers(0, 7),
    cut=st.booleans(),
)
def test_a_wrong_signature_is_refused_by_both(
    message: bytes, place: int, bit: int, cut: bool
) -> None:
    """A flipped bit or a missing byte is refused by libsodium and by the verifier key."""
    signer = Ed25519Signer.from_seed("example.com/log", bytes(range(32)))
    wrong = bytearray(signer.sign(message))
    wrong[place] ^= 1 << bit
    signature = bytes(wrong[:-1] if cut else wrong)
    assert not _sodium.accepts(signer.verifier_key.public, message, signature)
    with pytest.raises(SignatureError):
        signer.verifier_key.verify(message, signature)


@pytest.mark.usefixtures("without_libsodium")
def test_without_libsodium_cryptography_does_it_all() -> None:
    """Signing and verifying need no PyNaCl, and give the same bytes and verdicts."""
    signer = Ed25519Signer.from_seed("example.com/log", bytes(range(32)))
    plain = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = signer.sign(MESSAGE)
    assert signature == plain.sign(MESSAGE)
    signer.verifier_key.verify(MESSAGE, signature)
    with pytest.raises(SignatureError):
        signer.verifier_key.verify(MESSAGE + b"!", signature)
    for public, odd in _odd_signatures():
        assert _by_us(public, MESSAGE, odd) == _by_cryptography(public, MESSAGE, odd)
