"""A key-encryption key in AWS KMS."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Unpack

from biotrail._aws_kms import KmsClient, KmsOptions
from biotrail.errors import KeyProviderError, WrappedKeyError
from biotrail.vault.providers._base import ProviderBase

__all__ = ["AwsKmsKeyProvider", "KmsOptions"]

_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,128}")
_CONTEXT = "biotrail"
_NOT_AS_WRAPPED = ("InvalidCiphertextException", "IncorrectKeyException")
"""What KMS calls a ciphertext that is damaged, of another context, or of another key."""


class AwsKmsKeyProvider(ProviderBase):
    """A symmetric key in AWS KMS, which never leaves it.

    Data keys are sent to KMS and wrapped there (Encrypt, Decrypt), with the context as encryption
    context: ``{"biotrail": base64 of the context}``, which CloudTrail records. KMS's own yearly
    rotation keeps the key's ARN and needs nothing here; for another key, give the one before as
    `earlier` until everything is wrapped anew.
    """

    def __init__(
        self, key: str, *, earlier: Iterable[str] = (), **options: Unpack[KmsOptions]
    ) -> None:
        """Name the key; only where it is not named by its ARN, KMS is asked for that.

        Args:
            key: ARN of the key; or its id, an alias or an alias's ARN, which are looked up now: an
                alias that is pointed elsewhere later changes nothing here.
            earlier: ARNs of keys that may unwrap, too. No other key is ever used: a wrapped key
                that names one, as a changed store may, is refused.
            **options: How KMS is reached: see `KmsOptions`. Left out, the region is that of the
                ARN, if the key is named by one.

        Raises:
            KeyProviderError: An argument is not what it must be, or KMS does not know the key.
            MissingDependencyError: boto3 is not installed.
        """
        self._earlier = frozenset(earlier)
        for one in self._earlier:
            if not _ARN.fullmatch(one):
                raise KeyProviderError("earlier keys are named by the ARN of the key")
        if options.get("region") is None and key.startswith("arn:"):
            options["region"] = (key.split(":") + [""] * 4)[3] or None
        self._client = KmsClient(
            KeyProviderError, failures=dict.fromkeys(_NOT_AS_WRAPPED, WrappedKeyError), **options
        )
        self._key_id = key if _ARN.fullmatch(key) else self._looked_up(key)

    @property
    def key_id(self) -> str:
        """The ARN of the key that `wrap` uses."""
        return self._key_id

    def _looked_up(self, key: str) -> str:
        try:
            found = str(self._client.call("describe_key", KeyId=key)["KeyMetadata"]["Arn"])
        except BaseException:
            self._client.close()
            raise
        if not _ARN.fullmatch(found):
            raise KeyProviderError("AWS KMS names the key by something that is not its ARN")
        return found

    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        answer = self._client.call(
            "encrypt", KeyId=self._key_id, Plaintext=data_key, EncryptionContext=_pairs(context)
        )
        if answer["KeyId"] != self._key_id:
            raise self._error("AWS KMS has wrapped with another key")
        return bytes(answer["CiphertextBlob"])

    def _unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        if key_id != self._key_id and key_id not in self._earlier:
            raise self._unknown(key_id)
        answer = self._client.call(
            "decrypt", KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=_pairs(context)
        )
        if answer["KeyId"] != key_id:
            raise self._error("AWS KMS has unwrapped with another key", key_id)
        return bytes(answer["Plaintext"])

    def _release(self) -> None:
        self._client.close()


def _pairs(context: bytes) -> dict[str, str]:
    return {_CONTEXT: base64.b64encode(context).decode()}
