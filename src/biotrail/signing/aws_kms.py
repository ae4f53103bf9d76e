"""Signing keys in AWS KMS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from biotrail._aws_kms import KmsClient
from biotrail.errors import MalformedError, SigningError
from biotrail.signing._remote import RemoteSigner
from biotrail.signing.keys import ECDSA_P256, VerifierKey

if TYPE_CHECKING:
    import boto3

__all__ = ["AwsKmsSigner"]

_MAX_MESSAGE = 4096
"""Most bytes that KMS signs as they are; a checkpoint has far fewer."""


class AwsKmsSigner(RemoteSigner):
    """A signer whose private key stays in AWS KMS: ECDSA over P-256 (``ECC_NIST_P256``).

    Each signature is verified before it is handed out.

    Attributes:
        verifier_key: The public half.
    """

    def __init__(
        self,
        name: str,
        key: str,
        *,
        region: str | None = None,
        session: boto3.Session | None = None,
        endpoint_url: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        timeout: float = 3.0,
        attempts: int = 2,
    ) -> None:
        """Ask KMS for the public key.

        Args:
            name: Name of the key; for the keys of a log, the log's origin.
            key: ARN or id of the key, of usage ``SIGN_VERIFY``. No alias: it could be pointed at
                another key while the log is open.
            region: Region; from AWS's environment or configuration if None.
            session: A ``boto3.Session`` with credentials; the default one if None.
            endpoint_url: Where KMS is, if not at AWS's own address; ``http://`` is taken for
                loopback addresses only.
            ca_file: Certificates that are trusted for it, PEM; the usual ones if None.
            timeout: Seconds to wait for a connection, and for each part of an answer.
            attempts: How often a call is tried at most, 1 to 10.

        Raises:
            SigningError: KMS is out of reach or refuses, or the key is of another algorithm.
            MissingDependencyError: boto3 is not installed.
        """
        if "alias/" in key:
            raise SigningError("name the key in AWS KMS by its ARN or id, not by an alias")
        self._key = key
        self._client = KmsClient(
            region=region,
            endpoint_url=endpoint_url,
            ca_file=ca_file,
            session=session,
            timeout=timeout,
            attempts=attempts,
            failure=SigningError,
        )
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
