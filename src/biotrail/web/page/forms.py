"""Forms and addresses as browsers send them: read within bounds, and taken from own pages alone."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from biotrail.errors import ForbiddenError, QueryError

__all__ = ["Fields", "check_origin", "fields_of", "local_path", "read_form"]

Fields: TypeAlias = dict[str, list[str]]
_MOST_FIELDS = 64


def check_origin(request: Request) -> None:
    """See that a request comes from a page of this origin.

    Raises:
        ForbiddenError: It does not, or the browser does not say.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    if site is not None:
        fits = site == "same-origin" and (origin in (None, "null") or _same(origin, own))
    else:
        fits = origin is not None and _same(origin, own)
    if not fits:
        raise ForbiddenError("this was not sent from a page of this site")


def _same(origin: str, own: str) -> bool:
    try:
        return urlsplit(origin).netloc == urlsplit(own).netloc and "://" in origin
    except ValueError:
        return False  # brackets of no address


async def read_form(request: Request, most: int) -> Fields:
    """The fields of a form in the body of a request.

    Args:
        request: The request.
        most: How many bytes the body may have.

    Raises:
        QueryError: It is no form, or too long.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise QueryError("the page's forms are application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise QueryError(f"a form has at most {most:,} bytes")
    return fields_of(body.decode("ascii", "replace"))


def fields_of(text: str) -> Fields:
    """The fields of a query string, or of a form.

    Raises:
        QueryError: There are too many.
    """
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise QueryError(f"there are at most {_MOST_FIELDS} fields") from None


def local_path(text: str, default: str) -> str:
    """A path of this application to go to after logging in; the default for whatever else."""
    parts = urlsplit(text) if text.isprintable() and "\\" not in text else None
    fits = (
        parts is not None
        and not parts.scheme
        and not parts.netloc
        and text.startswith("/")
        and not text.startswith("//")
    )
    return text if fits else default
