"""What a login handler is: how its attempts begin, and how a view is marked as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from biotrail.errors import MiddlewareError
from biotrail.events import ApplicationDecision, Event, Modality
from biotrail.events._rules import AttributeValue

__all__ = ["Login", "login", "login_of"]

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "__biotrail_login__"
_NAMED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_METHOD = re.compile(r"[A-Z]{1,20}")


def _methods(value: Iterable[str]) -> frozenset[str]:
    words = frozenset((value,) if isinstance(value, str) else value)
    if not words or not all(_METHOD.fullmatch(word) for word in words):
        raise MiddlewareError("methods: must be HTTP methods such as 'POST'")
    return words


def _pattern(path: str | None) -> re.Pattern[str] | None:
    if path is None:
        return None
    if not path.startswith("/"):
        raise MiddlewareError("path: must begin with a slash")
    parts = _NAMED.split(path)
    literal, names = parts[::2], parts[1::2]
    pattern = re.escape(literal[0])
    for name, after in zip(names, literal[1:], strict=True):
        pattern += f"(?P<{name}>[^/]+){re.escape(after)}"
    return re.compile(pattern)


@attrs.frozen(kw_only=True)
class Login:
    """A handler whose every request is an access attempt.

    Attributes:
        action: What is attempted, as in `Event`.
        path: The requests it stands for, by their path: ``{name}`` is one segment. None where a
            view is marked instead.
        methods: Requests of other methods, such as the one for the form, are no attempts.
        target: What is to be accessed, as in `Event`.
        modality: What is captured, as in `Event`.
        tenant: As in `Event`.
        labels: As in `Event`; the middleware adds its own.
    """

    action: str
    path: str | None = None
    methods: frozenset[str] = attrs.field(default=frozenset({"POST"}), converter=_methods)
    target: str | None = None
    modality: Modality | str = Modality.NONE
    tenant: str | None = None
    labels: Mapping[str, AttributeValue] = attrs.field(factory=dict, hash=False)
    _compiled: re.Pattern[str] | None = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_compiled", _pattern(self.path))
        # What no event may hold is refused when the service starts, not when somebody logs in.
        Event(decision=ApplicationDecision.DENIED, **self.fields({}))

    def fields(self, labels: Mapping[str, AttributeValue]) -> dict[str, Any]:
        """The fields of an attempt, with labels added to the login's own."""
        return {
            "action": self.action,
            "target": self.target,
            "modality": self.modality,
            "tenant": self.tenant,
            "labels": {**self.labels, **labels},
        }

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is an attempt at this login, by method and path."""
        if self._compiled is None or method not in self.methods:
            return False
        return self._compiled.fullmatch(path) is not None


def login(action: str, **fields: Any) -> Callable[[View], View]:
    """Mark a view as a login, for the middleware in front of it. The view itself stays as it is.

    Args:
        action: What is attempted.
        **fields: The other fields of `Login`, but for ``path``.

    Raises:
        MiddlewareError: A path is given.
        EventError: A field is not as it must be.
    """
    if "path" in fields:
        raise MiddlewareError("path: a view that is marked has its path from the framework")
    described = Login(action=action, **fields)

    def mark(view: View) -> View:
        setattr(view, _MARK, described)
        return view

    return mark


def login_of(view: object) -> Login | None:
    """What a view was marked with by `login`; None for other views."""
    found = getattr(view, _MARK, None)
    return found if isinstance(found, Login) else None
