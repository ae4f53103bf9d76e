"""Verifier keys as they are given: one or several, as objects or as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from biotrail.errors import WrongKeyError
from biotrail.signing import VerifierKey

__all__ = ["GivenKeys", "keys_of_one_log", "parse_keys"]

GivenKeys: TypeAlias = VerifierKey | str | Iterable[VerifierKey | str]
"""Verifier keys that are trusted: one or several, each as an object or as text."""


def parse_keys(key: GivenKeys) -> list[VerifierKey]:
    """The keys that were given, be it none.

    Raises:
        MalformedError: One is no verifier key.
    """
    given = [key] if isinstance(key, (VerifierKey, str)) else list(key)
    return [VerifierKey.parse(one.strip()) if isinstance(one, str) else one for one in given]


def keys_of_one_log(key: GivenKeys) -> list[VerifierKey]:
    """The keys that were given, at least one, all of one log.

    Raises:
        MalformedError: One is no verifier key.
        WrongKeyError: None was given, or they belong to different logs.
    """
    parsed = parse_keys(key)
    if not parsed:
        raise WrongKeyError("no verifier key was given: without one nothing can be proven")
    if len({one.name for one in parsed}) > 1:
        raise WrongKeyError("the keys given belong to different logs")
    return parsed
