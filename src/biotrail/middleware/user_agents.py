"""Operating system and device, from what a client says it is. Parsed by ``ua-parser``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from biotrail.errors import MissingDependencyError

if TYPE_CHECKING:
    from ua_parser import OS, Device

__all__ = ["ParsedUserAgent", "user_agent_parser"]

_REMEMBERED = 1_024
_LONGEST_FIELD = 128


class ParsedUserAgent(NamedTuple):
    """What a user agent claims to run on.

    Attributes:
        os: Operating system with its version, such as ``"Android 14"``.
        device_model: Device, such as ``"Google Pixel 8"``.
    """

    os: str | None
    device_model: str | None


def user_agent_parser() -> Callable[[str], ParsedUserAgent]:
    """A parser that remembers the last 1,024 user agents. Loads the rules, which takes 0.1 s.

    Raises:
        MissingDependencyError: ``ua-parser`` is not installed.
    """
    try:
        from ua_parser import parse
    except ImportError:
        raise MissingDependencyError(
            "parsing user agents needs the package ua-parser: pip install 'biotrail[middleware]', "
            "or pass parse_user_agents=False"
        ) from None

    @lru_cache(_REMEMBERED)
    def parsed(text: str) -> ParsedUserAgent:
        found = parse(text)
        return ParsedUserAgent(_system(found.os), _model(found.device))

    parsed("")  # reads the rules now, and not while the first person waits
    return parsed


def _system(found: OS | None) -> str | None:
    if found is None:
        return None
    version = ".".join(part for part in (found.major, found.minor) if part)
    return _fitting(f"{found.family} {version}")


def _model(found: Device | None) -> str | None:
    if found is None:
        return None
    model = found.model or found.family
    brand = "" if found.brand is None or model.startswith(found.brand) else found.brand
    return _fitting(f"{brand} {model}")


def _fitting(text: str) -> str | None:
    """One line of at most 128 characters; None where nothing is left."""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    return " ".join(words)[:_LONGEST_FIELD].rstrip() or None
