"""Who makes a request: the token it bears, or the host's own word; and how often it may."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from biotrail.errors import UnauthorizedError
from biotrail.query.asynchronous import in_thread
from biotrail.web.access import Access
from biotrail.web.state import WebState, state_of

__all__ = ["BEARER", "Reader", "address_of", "reader_of"]

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="biotrail_<id>_<secret>_<checksum>",
    description="A token of this application, as `biotrail token create` prints it.",
)
_NETWORK_BITS = 64


async def reader_of(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
) -> Access:
    """Who makes the request.

    Raises:
        UnauthorizedError: Nobody who is known.
        TooManyRequestsError: It, or its address, asks too often.
    """
    state = state_of(request)
    state.addresses.take(address_of(request))
    access = await _known(request, state, credentials)
    if access is None:
        raise UnauthorizedError("this needs a token that is known and in force")
    if access.expires is not None and access.expires <= state.clock():
        raise UnauthorizedError("this needs a token that is known and in force")
    state.readers.take(access.reader)
    return access


Reader = Annotated[Access, Depends(reader_of)]


async def _known(
    request: Request, state: WebState, credentials: HTTPAuthorizationCredentials | None
) -> Access | None:
    if state.authenticate is not None:
        access = await state.authenticate(request)
        if access is not None:
            return access
    if state.tokens is None or credentials is None:
        return None
    return await in_thread(state.tokens.authenticate, credentials.credentials, state.clock())


def address_of(request: Request) -> str:
    """The address that a request came from; of IPv6 the network, as one host has many there."""
    if request.client is None:
        return ""
    host = request.client.host
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(int(address) >> _NETWORK_BITS)
    return host
