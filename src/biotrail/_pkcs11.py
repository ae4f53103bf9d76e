"""Tokens that speak PKCS#11 (OASIS, v2.40): one login for a process, calls bounded in time.

A token knows one login for a whole process, and logging out of one session ends all. So whoever
uses a token in this process, the vault and a signer for instance, shares one session. A PKCS#11
library that was not told about threads must not be called from two at once: there is one lock for
each library.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from biotrail._bounded import within
from biotrail._hidden import Hidden
from biotrail.errors import BiotrailError, MissingDependencyError

if TYPE_CHECKING:
    from pkcs11 import ObjectClass, Session

__all__ = ["Pkcs11Token"]

Answer = TypeVar("Answer")
_GONE = {
    "DeviceRemoved",
    "SessionClosed",
    "SessionHandleInvalid",
    "TokenNotPresent",
    "UserNotLoggedIn",
}
"""Errors after which a session is of no use any more."""

_libraries: dict[str, tuple[int, Lock]] = {}
"""For each library, the process that loaded it, and who calls it."""

_logins: dict[tuple[str, str], _Login] = {}
"""For each library and token, the login; changed only by who holds the library's lock."""


class _Login:
    """The one session of this process with a token."""

    def __init__(self, session: Session, pin: str) -> None:
        self.session, self.users = session, 1
        self._salt = os.urandom(16)
        self._pin = self._digest(pin)

    def check_pin(self, pin: str) -> bool:
        """Whether this is the PIN of the login; the token itself is not asked again."""
        return hmac.compare_digest(self._pin, self._digest(pin))

    def _digest(self, pin: str) -> bytes:
        return hashlib.sha256(self._salt + pin.encode()).digest()


class Pkcs11Token:
    """A token that a user is logged in to."""

    def __init__(
        self,
        module: str | os.PathLike[str],
        *,
        token: str,
        pin: str,
        timeout: float,
        failure: type[BiotrailError],
    ) -> None:
        """Log in, or join the login that this process has already.

        Args:
            module: The PKCS#11 library of the token's vendor.
            token: Label of the token; no other token may bear it.
            pin: PIN of the user.
            timeout: Seconds to wait for each answer of the token.
            failure: What is raised.

        Raises:
            MissingDependencyError: python-pkcs11 is not installed.
        """
        held = Hidden(pin)
        del pin  # not to be shown with this frame, should it be wrong
        self._place = (os.fspath(module), token)
        self._timeout, self._failure = timeout, failure
        process, self._library = _libraries.setdefault(self._place[0], (os.getpid(), Lock()))
        if process != os.getpid():
            raise self._error("its library was loaded before a fork; use it in one process only")
        self._process = process
        self._login: _Login | None = self._call("open", lambda: self._join(held.reveal()))

    def run(self, what: str, work: Callable[[Session], Answer]) -> Answer:
        """Return what the work returns, with the session for it alone.

        Args:
            what: What is tried, in a word or two, for the error.
            work: Called with the session, in another thread.
        """
        login = self._login
        if login is None:
            raise self._error("closed")
        if os.getpid() != self._process:
            raise self._error("opened before a fork; use it in one process only")
        return self._call(what, lambda: work(login.session))

    def make(self, what: str, work: Callable[[Session], Answer]) -> Answer:
        """The same with a session that may write, which is closed afterwards."""

        def writing(session: Session) -> Answer:
            writable = session.token.open(rw=True)  # the login is the process's, not the session's
            try:
                return work(writable)
            finally:
                writable.close()

        return self.run(what, writing)

    def only(self, session: Session, label: str, kind: ObjectClass) -> Any:
        """Return the one key of a kind that bears a label; inside of `run`."""
        from pkcs11 import Attribute

        found = list(session.get_objects({Attribute.LABEL: label, Attribute.CLASS: kind}))
        if len(found) != 1:
            raise self._error(f"it has {len(found) or 'no'} keys {label!r} of this kind, not one")
        return found[0]

    def close(self) -> None:
        """Log out, if no one else in this process uses the token. May be called twice."""
        login, self._login = self._login, None
        if login is None or self._process != os.getpid():
            return
        with contextlib.suppress(self._failure):  # a token that is gone has no session any more
            self._call("close", lambda: self._leave(login))

    def _join(self, pin: str) -> _Login:
        login = _logins.get(self._place)
        if login is None:
            login = _logins[self._place] = _Login(self._log_in(pin), pin)
        elif login.check_pin(pin):
            login.users += 1
        else:
            raise self._error("another PIN than that of its open login")
        return login

    def _leave(self, login: _Login) -> None:
        login.users -= 1
        if not login.users:
            if _logins.get(self._place) is login:
                del _logins[self._place]
            login.session.close()

    def _log_in(self, pin: str) -> Session:
        try:
            import pkcs11
        except ImportError:
            raise MissingDependencyError(
                "PKCS#11 tokens need the package python-pkcs11: pip install 'biotrail[pkcs11]'"
            ) from None
        found = pkcs11.lib(self._place[0]).get_token(token_label=self._place[1])
        return found.open(user_pin=pin)

    def _call(self, what: str, work: Callable[[], Answer]) -> Answer:
        """Call the library; whatever goes wrong there is told by its kind alone."""

        def alone() -> Answer:
            if not self._library.acquire(timeout=self._timeout):
                raise TimeoutError
            try:
                return work()
            finally:
                self._library.release()

        try:
            return within(self._timeout, alone)
        except BiotrailError:
            raise
        except TimeoutError:
            raise self._error(f"no answer within {self._timeout:g} s, asked to {what}") from None
        except Exception as error:  # the library's own kinds, and the system's
            kind = type(error).__name__
            if kind in _GONE:
                _logins.pop(self._place, None)  # who opens the token next logs in anew
            raise self._error(f"failed to {what}: {kind}") from None

    def _error(self, message: str) -> BiotrailError:
        return self._failure(f"PKCS#11 token {self._place[1]}: {message}")
