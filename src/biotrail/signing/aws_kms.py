"""Signing keys in AWS KMS."""

from __future__ import annotations

from typing import Unpack

from biotrail._aws_kms import KmsClient, KmsOptions
from biotrail.errors import MalformedError, SigningError
from biotrail.signing._remote import RemoteSigner
from biotrail.signing.keys import ECDSA_P256, VerifierKey

__all__ = ["AwsKmsSigner", "KmsOptions"]

_MAX_MESSAGE = 4096
"""Most bytes that KMS signs as they are; a checkpoint has far fewer."""


class AwsKmsSigner(RemoteSigner):
    """A signer whose private key stays in AWS KMS: ECDSA over P-256 (``ECC_NIST_P256``).

    Each signature is verified before it is handed out.

    Attributes:
        verifier_key: The public half.
    """

    def __init__(self, name: str, key: str, **options: Unpack[KmsOptions]) -> None:
        """Ask KMS for the public key.

        Args:
            name: Name of the key; for the keys of a log, the log's origin.
            key: ARN or id of the key, of usage ``SIGN_VERIFY``. No alias: it could be pointed at
                another key while the log is open.
            **options: How KMS is reached: see `KmsOptions`.

        Raises:
            SigningError: KMS is out of reach or refuses, or the key is of another algorithm.
            MissingDependencyError: boto3 is not installed.
        """
        if "alias/" in key:
            raise SigningError("name the key in AWS KMS by its ARN or id, not by an alias")
        self._key = key
        self._client = KmsClient(SigningError, **options)
        try:
            self._verifier_key = self._ask_verifier_key(name)
        except BaseException:
            self._client.close()
            raise

    def close(self) -> None:
        """Close connections. May be called twice; `sign` opens new ones."""
        self._client.close()

    def _signed(self, message: bytes) -> bytes:
        if not 0 < len(message) <= _MAX_MESSAGE:
            raise SigningError(f"AWS KMS signs 1 to {_MAX_MESSAGE} bytes")
        answer = self._client.call(
            "sign",
            KeyId=self._key,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return bytes(answer["Signature"])

    def _ask_verifier_key(self, name: str) -> VerifierKey:
        public = bytes(self._client.call("get_public_key", KeyId=self._key)["PublicKey"])
        try:
            return VerifierKey.from_public(name, public, algorithm=ECDSA_P256)
        except MalformedError as error:
            raise SigningError(f"the key in AWS KMS cannot sign for a log: {error}") from None
