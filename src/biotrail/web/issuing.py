"""Tokens made and revoked for others: within limits, and with a record in the log.

A token that comes from another gives no more of the log than that one: no other tenant, no longer
window, no other purpose, and it ends no later. Scopes are what an administrator gives: it may give
those that it has not itself, as who keeps the keys of a house need not live in it. That it did, is
in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from biotrail.audit import AuditLogger
from biotrail.errors import ForbiddenError, NoSuchRecordError
from biotrail.events import Actor, ApplicationDecision, Event, Reason
from biotrail.web.access import Access, Scope
from biotrail.web.tokens import Token, TokenBook

__all__ = ["CREATE_ACTION", "REVOKE_ACTION", "RecordedTokens"]

CREATE_ACTION: Final = "token.create"
"""Action of the event that records that a token was made."""

REVOKE_ACTION: Final = "token.revoke"
"""Action of the event that records that a token was revoked."""

_PIECE: Final = 512


class RecordedTokens:
    """Makes and revokes tokens, and records both in a log.

    A token is recorded before it is there: none is in use that the log does not know. It is revoked
    before that is recorded: a log that cannot be written lets nobody in longer.
    """

    def __init__(self, book: TokenBook, log: AuditLogger) -> None:
        """Make tokens of a book, for a log.

        Args:
            book: The tokens.
            log: The log, open for recording; with its vault, if it has one.
        """
        self._book = book
        self._log = log

    def create(
        self,
        *,
        by: Access | None = None,
        scopes: Iterable[Scope | str],
        purposes: Iterable[str],
        expires: datetime,
        name: str | None = None,
        tenant: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[str, Token]:
        """Make a token; see `TokenBook.create`.

        Args:
            by: Who makes it; None for whoever holds the file.
            scopes: What its bearer may do.
            purposes: What its bearer may read for.
            expires: When it expires; aware.
            name: The host's name for its bearer; personal.
            tenant: The tenant whose events it is held to; its maker's if None.
            since: It sees what was recorded at this time or later; as its maker does if None.
            until: It sees what was recorded before this time; as its maker does if None.

        Raises:
            ForbiddenError: It would give more than its maker has.
            EventError: A value is not allowed.
            TokenFileError: The file cannot be used.
            BiotrailError: It cannot be recorded; it is not made then.
        """
        if by is not None:
            by.require(Scope.ADMIN)
            tenant = by.tenant if tenant is None else tenant
            since = by.since if since is None else since
            until = by.until if until is None else until

        def record(token: Token) -> None:
            if by is not None:
                _check_within(by, token)
            self._log.record(_event(CREATE_ACTION, token, by))

        limits: Any = {"tenant": tenant, "since": since, "until": until}
        return self._book.create(
            scopes=scopes, purposes=purposes, expires=expires, name=name, before=record, **limits
        )

    def tokens(self, by: Access | None = None) -> tuple[Token, ...]:
        """The tokens that somebody may revoke.

        Raises:
            ForbiddenError: It has not the scope.
            TokenFileError: The file cannot be used.
        """
        if by is None:
            return self._book.tokens()
        by.require(Scope.ADMIN)
        return tuple(one for one in self._book.tokens() if _excess(by, one.access) is None)

    def revoke(self, id: UUID, *, by: Access | None = None) -> Token:
        """Revoke a token; see `TokenBook.revoke`.

        Raises:
            ForbiddenError: It has not the scope.
            NoSuchRecordError: There is no such token that it may revoke.
            TokenFileError: The file cannot be used.
            BiotrailError: It is revoked, and that cannot be recorded.
        """
        if all(one.id != id for one in self.tokens(by)):
            raise NoSuchRecordError(f"there is no token {id} that may be revoked here")
        token = self._book.revoke(id)
        self._log.record(_event(REVOKE_ACTION, token, by))
        return token


def _check_within(by: Access, token: Token) -> None:
    what = _excess(by, token.access)
    if what is None and by.expires is not None and token.expires > by.expires:
        what = f"ends later than its maker's, at {by.expires.isoformat()}"
    if what is not None:
        raise ForbiddenError(f"the token would give more than its maker has: it {what}")


def _excess(by: Access, access: Access) -> str | None:
    """What somebody would be given beyond what another may see; None where nothing."""
    if by.tenant is not None and access.tenant != by.tenant:
        return "is not held to the maker's tenant"
    if by.since is not None and (access.since is None or access.since < by.since):
        return "sees what was recorded earlier"
    if by.until is not None and (access.until is None or access.until > by.until):
        return "sees what was recorded later"
    others = sorted(set(access.purposes) - set(by.purposes))
    return f"may read for {', '.join(others)}" if others else None


def _event(action: str, token: Token, by: Access | None) -> Event:
    """What is recorded: nothing in the clear that names anybody."""
    access = token.access
    labels: dict[str, Any] = {
        "token": token.id.bytes,
        "scopes": ", ".join(sorted(access.scopes)),
        "expires": token.expires,
        **_pieces("purposes", ", ".join(access.purposes)),
    }
    given = {"since": access.since, "until": access.until}
    labels |= {name: value for name, value in given.items() if value is not None}
    if by is not None:
        labels["by"] = by.reader.bytes
    return Event(
        action=action,
        decision=ApplicationDecision.GRANTED,
        reason=Reason.POLICY,
        actor=None if by is None or by.name is None else Actor(id=by.name),
        tenant=access.tenant,
        attributes={} if access.name is None else {"name": access.name},
        labels=labels,
    )


def _pieces(name: str, text: str) -> dict[str, str]:
    return {
        name if start == 0 else f"{name}_{start // _PIECE + 1}": text[start : start + _PIECE]
        for start in range(0, len(text), _PIECE)
    }
