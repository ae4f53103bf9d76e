"""Sessions of the auditor's page: who is logged in, kept in memory and nowhere else.

A session is named by 32 random bytes in a cookie; the server keeps the SHA-256 of them. It holds no
secret of the token: at each request the token is looked up anew by its id, so that a session ends
with its token. The token of a form is an HMAC of the session's name, so that it fits no other.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

import attrs

from biotrail.web.access import Access

__all__ = ["Session", "Sessions"]

_NAME_BYTES = 32
_LONGEST_COOKIE = 128
_PURPOSE = b"biotrail form\n"


@attrs.frozen
class Session:
    """Somebody who is logged in.

    Attributes:
        access: What its token allowed at log-in; whether it still holds is asked at each request.
        ends: When the session is over; aware.
        form_token: What each form that changes something carries.
    """

    access: Access
    ends: datetime
    form_token: str = attrs.field(repr=False)


class Sessions:
    """The sessions of one process; safe among threads."""

    def __init__(self, *, most: int, length: timedelta, draw: Callable[[int], bytes]) -> None:
        """Begin with none.

        Args:
            most: How many there may be; the oldest makes room for one more.
            length: How long each lasts at the most.
            draw: Returns as many random bytes as it is asked for.
        """
        self._most = most
        self._length = length
        self._draw = draw
        self._key = draw(_NAME_BYTES)
        self._open: OrderedDict[bytes, Session] = OrderedDict()
        self._lock = Lock()

    def begin(self, access: Access, now: datetime) -> tuple[str, Session]:
        """Begin a session under a name of its own, whatever cookie the browser came with.

        Args:
            access: What the token allows; the session ends with it at the latest.
            now: The time; aware.

        Returns:
            The value of the cookie, and the session.
        """
        name = urlsafe_b64encode(self._draw(_NAME_BYTES)).decode("ascii").rstrip("=")
        ends = now + self._length
        if access.expires is not None:
            ends = min(ends, access.expires)
        session = Session(access, ends, self.form_token(name))
        with self._lock:
            self._open[_digest(name)] = session
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return name, session

    def find(self, name: str | None, now: datetime) -> Session | None:
        """The session of a cookie's value, if there is one that is not over."""
        if not name or len(name) > _LONGEST_COOKIE:
            return None
        digest = _digest(name)
        with self._lock:
            session = self._open.get(digest)
            if session is not None and session.ends <= now:
                del self._open[digest]
                return None
        return session

    def end(self, name: str | None) -> None:
        """End the session of a cookie's value; none is no error."""
        if name:
            with self._lock:
                self._open.pop(_digest(name), None)

    def form_token(self, name: str) -> str:
        """The form token that belongs to a name, of a session or of a reader of the host's."""
        return hmac.new(self._key, _PURPOSE + name.encode(), sha256).hexdigest()


def _digest(name: str) -> bytes:
    """What a session is found by: looking it up tells nothing of a name by its time."""
    return sha256(name.encode("utf-8", "replace")).digest()
