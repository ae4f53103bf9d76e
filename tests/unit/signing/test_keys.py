"""Verifier keys: their text, their digest, and the signatures that they verify."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from biotrail.errors import BiotrailError, MalformedError, SignatureError, SigningError
from biotrail.signing import Ed25519Signer, Signer, VerifierKey, sign_note, verify_note
from biotrail.signing.keys import ECDSA_P256
from tests._components import SHARED

SIGNER = Ed25519Signer.from_seed("biotrail.example/log1", bytes(range(32)))
TEXT = "biotrail.example/log1+5ed5488c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def spki(curve: ec.EllipticCurve, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    """Return the public key of the private key 1 on a curve."""
    return ec.derive_private_key(1, curve).public_key().public_bytes(Encoding.DER, form)


def vkey(name: str, key_id: str, data: bytes) -> str:
    """Return a verifier key's text of any parts."""
    return f"{name}+{key_id}+{base64.b64encode(data).decode()}"


def test_the_known_seed_has_the_known_verifier_key() -> None:
    """The text is as other implementations write it."""
    assert str(SIGNER.verifier_key) == TEXT
    assert VerifierKey.parse(TEXT) == SIGNER.verifier_key


def test_the_digest_is_over_the_text() -> None:
    """What an entry commits to is SHA-256 of the text."""
    assert SIGNER.verifier_key.digest() == hashlib.sha256(TEXT.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "++",
        TEXT.replace("+5ed5488c", "+5ED5488C"),
        TEXT.replace("+5ed5488c", "+5ed5488d"),
        TEXT.replace("+5ed5488c", "+5ed5488"),
        TEXT.replace("log1", "log2"),
        TEXT.replace("biotrail.example/log1", ""),
        TEXT.replace("log1", "log 1"),
        TEXT + "=",
        TEXT + "\n",
        TEXT[:-1],
        TEXT[:-4] + "====",
        "a+00000000+",
        vkey("a", "00000000", b"\x09" + bytes(32)),
        vkey("a", "00000000", b"\x01" + bytes(31)),
        vkey("a", "00000000", b"\x02" + bytes(91)),
        vkey("a", "00000000", b"\x02" + bytes(4000)),
        vkey("a", "\u0660" * 8, b"\x01" + bytes(32)),
    ],
)
def test_texts_that_are_no_verifier_key(text: str) -> None:
    """Anything but the one text of a usable key is malformed."""
    with pytest.raises(MalformedError):
        VerifierKey.parse(text)


def test_a_signature_is_verified_against_message_and_key() -> None:
    """The right one passes; another message, signature or key does not."""
    key, signature = SIGNER.verifier_key, SIGNER.sign(b"message")
    key.verify(b"message", signature)
    other = Ed25519Signer.generate("biotrail.example/log1").verifier_key
    for who, message, by in (
        (key, b"massage", signature),
        (key, b"message", bytes(64)),
        (key, b"message", b""),
        (other, b"message", signature),
    ):
        with pytest.raises(SignatureError, match="not that of"):
            who.verify(message, by)


def test_an_ecdsa_key_verifies() -> None:
    """Where an HSM has no Ed25519, a note is signed with P-256."""
    private = ec.derive_private_key(1, ec.SECP256R1())
    key = VerifierKey.from_public("hsm.example", spki(ec.SECP256R1()), algorithm=ECDSA_P256)

    class Hsm:
        verifier_key = key

        def sign(self, message: bytes) -> bytes:
            return private.sign(message, ec.ECDSA(SHA256()))

    signer: Signer = Hsm()
    assert VerifierKey.parse(str(key)) == key
    assert key.key_id == hashlib.sha256(key.public).digest()[:4]
    assert verify_note(sign_note("text\n", signer), [key]) == (key,)
    with pytest.raises(SignatureError, match="not that of"):
        key.verify(b"other", private.sign(b"text", ec.ECDSA(SHA256())))


@pytest.mark.parametrize(
    "public",
    [
        spki(ec.SECP384R1()),
        spki(ec.SECP256R1())[:-1],
        spki(ec.SECP256R1()) + b"\0",
        SIGNER.verifier_key.public,
        b"",
    ],
)
def test_other_keys_are_not_taken_for_p256(public: bytes) -> None:
    """Another curve, or another encoding of the key, is malformed."""
    with pytest.raises(MalformedError):
        VerifierKey.from_public("hsm.example", public, algorithm=ECDSA_P256)


def test_an_unknown_algorithm_is_named() -> None:
    """A key of an algorithm that is not known here is refused, and says which."""
    with pytest.raises(MalformedError, match="0x06"):
        VerifierKey.from_public("a", bytes(1312), algorithm=0x06)


def test_a_seed_has_32_bytes() -> None:
    """Another length is refused, without repeating it."""
    with pytest.raises(SigningError, match="32 bytes"):
        Ed25519Signer.from_seed("a", b"secret")


def test_a_signer_shows_its_public_half_only() -> None:
    """Text forms name the verifier key, and a signer is not pickled."""
    assert repr(SIGNER) == f"Ed25519Signer({TEXT})"
    assert isinstance(SIGNER, Signer)
    with pytest.raises(SigningError, match="private key"):
        pickle.dumps(SIGNER)


@pytest.mark.component("shared")
def test_wycheproof_ed25519() -> None:
    """Every signature of Wycheproof (dac1dd4) is judged as it says."""
    text = (SHARED / "vectors" / "wycheproof_ed25519_test.json").read_text(encoding="utf-8")
    judged = 0
    for group in json.loads(text)["testGroups"]:
        key = VerifierKey.from_public("wycheproof", bytes.fromhex(group["publicKey"]["pk"]))
        for one in group["tests"]:
            judged += 1
            accepted = accepts(key, bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"]))
            assert accepted == (one["result"] == "valid"), one
    assert judged == 151


def accepts(key: VerifierKey, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature verifies; no other error than the named one may come."""
    try:
        key.verify(message, signature)
    except BiotrailError:
        return False
    return True
