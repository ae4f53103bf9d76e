"""Names of a package that are loaded when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

__all__ = ["load_when_used"]


def load_when_used(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return a ``__getattr__`` for a package (PEP 562) that imports names when they are asked for.

    Args:
        package: Name of the package.
        places: For each name, where it is: ``"module"``, or ``"module:name"`` if it is called
            otherwise there.
    """

    def load(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        module, _, called = places[name].partition(":")
        found: object = getattr(import_module(module), called or name)
        setattr(sys.modules[package], name, found)
        return found

    return load
