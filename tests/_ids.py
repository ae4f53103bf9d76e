"""Names for the cases of a parametrised test that are the same in every process."""

from __future__ import annotations

import re

__all__ = ["stable"]

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def stable(value: object) -> str:
    """The start of a value's text form, without the address of an object in it.

    Workers of a distributed run each collect the tests, and must find the same ones.
    """
    return _ADDRESS.sub("", repr(value))[:20]
