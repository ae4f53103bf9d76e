"""Signing keys in a PKCS#11 token: a security module, a smart card, SoftHSM."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from biotrail._pkcs11 import Pkcs11Token
from biotrail.errors import MalformedError, SigningError
from biotrail.signing._remote import RemoteSigner
from biotrail.signing.keys import ECDSA_P256, ED25519, VerifierKey

if TYPE_CHECKING:
    from pkcs11 import Session

__all__ = ["Pkcs11Signer"]

_OID_ED25519 = bytes.fromhex("06032b6570")
_OID_P256 = bytes.fromhex("06082a8648ce3d030107")


class Pkcs11Signer(RemoteSigner):
    """A signer whose private key stays in a PKCS#11 token.

    Ed25519 (CKM_EDDSA), or ECDSA over P-256 (CKM_ECDSA over a SHA-256 digest that is made here)
    where the token has no Ed25519. Each signature is verified before it is handed out, so that a
    failing token cannot put a wrong one under a checkpoint.

    Attributes:
        verifier_key: The public half.
    """

    def __init__(
        self,
        name: str,
        module: str | os.PathLike[str],
        *,
        token: str,
        pin: str,
        key: str,
        create: int | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Log in to the token and find the pair of keys.

        Args:
            name: Name of the key; for the keys of a log, the log's origin.
            module: The PKCS#11 library of the token's vendor.
            token: Label of the token.
            pin: PIN of the user.
            key: Label of the private and of the public key; one pair only may bear it.
            create: `biotrail.signing.keys.ED25519` or `biotrail.signing.keys.ECDSA_P256`: make a
                pair of that algorithm in the token where there is none of that label.
            timeout: Seconds to wait for each answer of the token.

        Raises:
            SigningError: The library, the token or the keys are not there, the PIN is wrong, the
                private key could leave the token, or the keys are of another algorithm.
            MissingDependencyError: python-pkcs11 is not installed.
        """
        self._token = Pkcs11Token(
            module, token=token, pin=pin, timeout=timeout, failure=SigningError
        )
        try:
            if create is not None:
                self._create(key, create)
            algorithm, public, self._private = self._find(key)
            self._verifier_key = _verifier_key(name, algorithm, public)
        except BaseException:
            self._token.close()
            raise

    def close(self) -> None:
        """Log out, if no one else in this process uses the token. May be called twice."""
        self._token.close()

    def _signed(self, message: bytes) -> bytes:
        if self._verifier_key.algorithm == ED25519:
            return self._signed_by_eddsa(message)
        return self._signed_by_ecdsa(message)

    def _signed_by_eddsa(self, message: bytes) -> bytes:
        from pkcs11 import Mechanism

        return self._token.run(
            "sign", lambda _: bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))
        )

    def _signed_by_ecdsa(self, message: bytes) -> bytes:
        from hashlib import sha256

        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from pkcs11 import Mechanism

        digest = sha256(message).digest()
        pair = self._token.run(
            "sign", lambda _: bytes(self._private.sign(digest, mechanism=Mechanism.ECDSA))
        )
        half = len(pair) // 2
        return encode_dss_signature(int.from_bytes(pair[:half]), int.from_bytes(pair[half:]))

    def _create(self, label: str, algorithm: int) -> None:
        from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

        kinds = {
            ED25519: (KeyType.EC_EDWARDS, _OID_ED25519, Mechanism.EC_EDWARDS_KEY_PAIR_GEN),
            ECDSA_P256: (KeyType.EC, _OID_P256, Mechanism.EC_KEY_PAIR_GEN),
        }
        if algorithm not in kinds:
            raise SigningError("a signing key is Ed25519 or ECDSA over P-256")
        kind, curve, mechanism = kinds[algorithm]
        key_id = os.urandom(16)

        def make(session: Session) -> None:
            wanted = {Attribute.LABEL: label, Attribute.CLASS: ObjectClass.PRIVATE_KEY}
            if list(session.get_objects(wanted)):
                return
            parameters = {Attribute.EC_PARAMS: curve}
            domain = session.create_domain_parameters(kind, parameters, local=True)
            domain.generate_keypair(
                mechanism=mechanism,
                id=key_id,
                label=label,
                store=True,
                private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )

        self._token.make("make a pair of keys", make)

    def _find(self, label: str) -> tuple[int, bytes, Any]:
        """Return algorithm and point of the public key, and the private key as an object."""
        from pkcs11 import Attribute, KeyType, ObjectClass

        def find(session: Session) -> tuple[int, bytes, Any, bool]:
            public = self._token.only(session, label, ObjectClass.PUBLIC_KEY)
            private = self._token.only(session, label, ObjectClass.PRIVATE_KEY)
            edwards = public.key_type == KeyType.EC_EDWARDS
            stays = private[Attribute.SENSITIVE] and not private[Attribute.EXTRACTABLE]
            point = bytes(public[Attribute.EC_POINT])
            return ED25519 if edwards else ECDSA_P256, point, private, bool(stays)

        algorithm, point, private, stays = self._token.run(f"find the keys {label!r}", find)
        if not stays:
            raise SigningError(f"private key {label!r} of the token could leave it; not used")
        return algorithm, point, private


def _verifier_key(name: str, algorithm: int, point: bytes) -> VerifierKey:
    try:
        if algorithm == ED25519:
            return VerifierKey.from_public(name, _unwrapped(point, 32))
        return VerifierKey.from_public(name, _spki(_unwrapped(point, 65)), algorithm=algorithm)
    except (MalformedError, ValueError) as error:
        raise SigningError(f"the token's public key cannot be used: {error}") from None


def _unwrapped(point: bytes, size: int) -> bytes:
    """The point out of the DER OCTET STRING of PKCS#11 v2.40; some tokens give it bare."""
    if len(point) == size:
        return point
    if point[:2] == bytes([0x04, size]) and len(point) == size + 2:
        return point[2:]
    raise ValueError("its point is not one of Ed25519 or P-256")


def _spki(point: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
