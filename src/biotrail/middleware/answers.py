"""What is answered in a handler's place: problem details (RFC 9457), nothing of the request."""

from __future__ import annotations

import json
from enum import StrEnum

import attrs

__all__ = ["Problem", "Refused"]


class Refused(StrEnum):
    """Why a request was refused, mostly before its handler ran; the label ``request_refused``."""

    HEADERS_TOO_LARGE = "headers_too_large"
    BODY_TOO_LARGE = "body_too_large"
    LENGTH_REQUIRED = "length_required"
    TOO_SLOW = "too_slow"
    DISCONNECTED = "disconnected"


@attrs.frozen(kw_only=True)
class Problem:
    """An answer in the form ``application/problem+json``.

    Attributes:
        status: HTTP status code.
        title: The status in words.
        detail: What happened and what to do.
        retry_after: Seconds after which it is worth trying again, or None.
        close: Whether the connection is to be closed, since the request was not read to its end.
    """

    status: int
    title: str
    detail: str
    retry_after: int | None = None
    close: bool = False

    def body(self) -> bytes:
        """The body, UTF-8."""
        members = {"title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps(members).encode()

    def headers(self) -> list[tuple[str, str]]:
        """The header lines, but for ``Connection``, which WSGI leaves to the server (PEP 3333)."""
        lines = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(self.body()))),
            ("Cache-Control", "no-store"),
        ]
        if self.retry_after is not None:
            lines.append(("Retry-After", str(self.retry_after)))
        return lines

    @property
    def status_line(self) -> str:
        """Code and words, as WSGI wants them."""
        return f"{self.status} {self.title}"


NO_DECISION = Problem(
    status=403,
    title="Forbidden",
    detail="The attempt ended without a decision, so nobody was let in.",
)
OVERRULED = Problem(
    status=403,
    title="Forbidden",
    detail="The attempt was denied when it was recorded, so nobody was let in.",
)
ANSWER_TOO_LARGE = Problem(
    status=500,
    title="Internal Server Error",
    detail="The answer is larger than may be held back until the attempt is recorded.",
)
FAILED = Problem(
    status=500,
    title="Internal Server Error",
    detail="The answer could not be completed, so nobody was let in.",
)
REFUSALS = {
    Refused.HEADERS_TOO_LARGE: Problem(
        status=431,
        title="Request Header Fields Too Large",
        detail="The headers of this request are larger than a login takes.",
        close=True,
    ),
    Refused.BODY_TOO_LARGE: Problem(
        status=413,
        title="Content Too Large",
        detail="The body of this request is larger than a login takes.",
        close=True,
    ),
    Refused.LENGTH_REQUIRED: Problem(
        status=411,
        title="Length Required",
        detail="A login here takes no body without a Content-Length.",
        close=True,
    ),
    Refused.TOO_SLOW: Problem(
        status=408,
        title="Request Timeout",
        detail="The request did not arrive in time.",
        close=True,
    ),
    # Nobody is there to read it; an adapter that must answer answers this.
    Refused.DISCONNECTED: Problem(
        status=400,
        title="Bad Request",
        detail="The request ended before its body was complete.",
        close=True,
    ),
}


def not_recorded(retry_after: int) -> Problem:
    """The answer where the attempt could not be recorded."""
    return Problem(
        status=503,
        title="Service Unavailable",
        detail="The attempt could not be recorded, so nobody was let in. Try again later.",
        retry_after=retry_after,
    )
