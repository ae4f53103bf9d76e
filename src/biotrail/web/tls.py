"""TLS 1.3 and nothing older, with certificates of clients where those are asked for."""

from __future__ import annotations

import os
import ssl

from biotrail.errors import ServingError

__all__ = ["server_context"]

_Path = str | os.PathLike[str]


def server_context(
    certificate: _Path, key: _Path, *, client_authority: _Path | None = None
) -> ssl.SSLContext:
    """What a server speaks TLS by.

    Args:
        certificate: PEM file with its certificate, and those between it and the authority.
        key: PEM file with the key, not encrypted.
        client_authority: PEM file with the authority of clients' certificates. If it is given,
            nobody is served without one (mutual TLS).

    Raises:
        ServingError: A file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_refuse_encrypted)
    except (OSError, ValueError) as error:
        raise ServingError(
            f"certificate {os.fspath(certificate)} and key {os.fspath(key)} cannot be used: {error}"
        ) from error
    if client_authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_authority)
        except (OSError, ValueError) as error:
            raise ServingError(
                f"the authority of clients {os.fspath(client_authority)} cannot be used: {error}"
            ) from error
    return context


def _refuse_encrypted() -> str:
    raise ValueError("the key is encrypted, and nobody is there to be asked for its passphrase")
