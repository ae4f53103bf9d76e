"""Bearer tokens: made once and shown once, kept hashed in a file for its owner alone."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs

from biotrail._secret_files import (
    create_secret_file,
    locked_secret_file,
    read_secret_file,
    replace_secret_file,
)
from biotrail.errors import EventError, KeyFileError, TokenFileError, UnauthorizedError
from biotrail.web.access import Access, Scope
from biotrail.web.token_form import Token, read_tokens, write_tokens
from biotrail.web.token_text import SECRET_SIZE, digest_of, read_token, write_token

__all__ = ["Token", "TokenBook"]

_MOST_BYTES: Final = 4 * 1_048_576
_REFUSED: Final = "the token is not known, or no longer valid"
_LONGEST_TENANT: Final = 128
_NOBODY: Final = bytes(32)


class TokenBook:
    """The tokens in a file, shared by processes.

    The file has mode 0600 and is replaced whole, so that a crash leaves the tokens from before or
    from after. It is read again for every question: what another process has revoked is refused at
    once. Neither secrets nor the texts of tokens are in it, and when a token was used is not: the
    log tells that.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], datetime] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Use a file; the first token that is made makes it.

        Args:
            path: The file.
            clock: What time it is, aware; the system's clock if None.
            random_bytes: Returns so many random bytes.
        """
        self.path = Path(path)
        self._clock = _now if clock is None else clock
        self._random_bytes = random_bytes
        self._known: tuple[bytes | None, dict[UUID, Token]] = None, {}

    def create(
        self,
        *,
        scopes: Iterable[Scope | str],
        purposes: Iterable[str],
        expires: datetime,
        name: str | None = None,
        tenant: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: Callable[[Token], object] | None = None,
    ) -> tuple[str, Token]:
        """Make a token.

        Args:
            scopes: What its bearer may do.
            purposes: What its bearer may read for.
            expires: When it expires; aware.
            name: The host's name for its bearer; personal.
            tenant: The tenant whose events it is held to.
            since: It sees what was recorded at this time or later.
            until: It sees what was recorded before this time.
            before: Called with the token before it is written; what it raises, prevents that.

        Returns:
            Its text, which nobody can tell again, and what is kept of it.

        Raises:
            EventError: A value is not allowed.
            TokenFileError: The file cannot be used.
        """
        _check_tenant(tenant)
        secret = self._random_bytes(SECRET_SIZE)
        words: Any = tuple(purposes)
        access = Access(
            reader=UUID(bytes=self._random_bytes(16), version=4),
            name=name,
            scopes=scopes,
            purposes=words,
            tenant=tenant,
            since=since,
            until=until,
            expires=expires,
        )
        token = Token(access=access, digest=digest_of(secret), created=self._clock())
        if before is not None:
            before(token)
        self._change(lambda known: {**known, token.id: token})
        return write_token(token.id, secret), token

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, in the order in which they were made.

        Raises:
            TokenFileError: The file cannot be used.
        """
        return tuple(self._read().values())

    def revoke(self, id: UUID) -> Token:
        """Revoke a token; it is refused from here on, in every process.

        Returns:
            What is kept of it; when it was revoked for the first time, if that was before.

        Raises:
            TokenFileError: There is no such token, or the file cannot be used.
        """
        now = self._clock()

        def change(known: dict[UUID, Token]) -> dict[UUID, Token]:
            if id not in known:
                raise TokenFileError(f"{self.path} holds no token {id}")
            if known[id].revoked is not None:
                return known
            return {**known, id: attrs.evolve(known[id], revoked=now)}

        return self._change(change)[id]

    def authenticate(self, text: str, now: datetime | None = None) -> Access:
        """Say who bears a token.

        Args:
            text: The token.
            now: What time it is, aware; the book's clock tells if None.

        Raises:
            UnauthorizedError: It is no token, or not known, expired or revoked: which, is not said.
            TokenFileError: The file cannot be used.
        """
        bearer = read_token(text)
        tokens = self._read()
        if bearer is None:
            raise UnauthorizedError(_REFUSED)
        token = tokens.get(bearer.id)
        matches = hmac.compare_digest(_NOBODY if token is None else token.digest, bearer.digest)
        if token is None or not matches:
            raise UnauthorizedError(_REFUSED)
        return self._checked(token, now)

    def check(self, access: Access, now: datetime | None = None) -> Access:
        """Say whether a token that was authenticated before still holds.

        Raises:
            UnauthorizedError: It has expired or was revoked meanwhile.
            TokenFileError: The file cannot be used.
        """
        token = self._read().get(access.reader)
        if token is None:
            raise UnauthorizedError(_REFUSED)
        return self._checked(token, now)

    def _checked(self, token: Token, now: datetime | None) -> Access:
        if token.state(self._clock() if now is None else now) != "valid":
            raise UnauthorizedError(_REFUSED)
        return token.access

    def _change(
        self, change: Callable[[dict[UUID, Token]], dict[UUID, Token]]
    ) -> dict[UUID, Token]:
        try:
            with locked_secret_file(self.path):
                before = self._read()
                after = change(before)
                if after is not before:
                    self._write(write_tokens(after.values()))
                return after
        except KeyFileError as error:
            raise _of_tokens(error) from error

    def _write(self, data: bytes) -> None:
        if len(data) >= _MOST_BYTES:
            raise TokenFileError(
                f"{self.path} would be longer than {_MOST_BYTES:,} bytes: it holds too many tokens"
            )
        if os.path.lexists(self.path):
            replace_secret_file(self.path, data)
        else:
            create_secret_file(self.path, data)

    def _read(self) -> dict[UUID, Token]:
        if not os.path.lexists(self.path):
            return {}
        try:
            data = read_secret_file(self.path, most=_MOST_BYTES)
        except KeyFileError as error:
            raise _of_tokens(error) from error
        known, tokens = self._known
        if data != known:
            try:
                tokens = {one.id: one for one in read_tokens(data)}
            except ValueError as error:
                raise TokenFileError(
                    f"token file {self.path} cannot be read: {error}. Nobody is let in by it. Put "
                    "a backup in its place, or move it away and make tokens anew"
                ) from error
            self._known = data, tokens
        return tokens


def _of_tokens(error: KeyFileError) -> TokenFileError:
    return TokenFileError(str(error).replace("key file", "token file", 1))


def _check_tenant(tenant: object) -> None:
    fits = isinstance(tenant, str) and 1 <= len(tenant) <= _LONGEST_TENANT and tenant.isprintable()
    if tenant is not None and not fits:
        rule = f"must be text of 1 to {_LONGEST_TENANT} characters that print"
        raise EventError("tenant", tenant, rule)


def _now() -> datetime:
    return datetime.now(UTC)
