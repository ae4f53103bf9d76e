"""Sphinx extension: one reference page for each room of biotrail, made from ``__all__``.

Each public name is documented once: at the door of its room where the room's ``__init__`` offers
it, else in the public module that does. Rooms that are added later get their page by being there.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Hashable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.typing import ExtensionMetadata

PACKAGE = "biotrail"
NOT_DOCUMENTED = {"biotrail.__main__", "biotrail.cli"}
"""The command line has a page of its own, written for those who type it."""

_Documented = dict[Hashable, str]


def _submodules(module: ModuleType) -> Iterator[str]:
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), module.__name__ + "."):
        private = found.name.rpartition(".")[2].startswith("_")
        if not private and found.name not in NOT_DOCUMENTED:
            yield found.name


def _data_text(room: str, name: str) -> str:
    """The docstring below a constant, wherever in the room it is defined; else nothing."""
    for module in sorted(sys.modules):
        if f"{module}.".startswith(f"{room}."):
            texts = ModuleAnalyzer.for_module(module).find_attr_docs()
            if lines := texts.get(("", name)):
                return "\n".join(lines)
    return ""


def _data_directive(module: ModuleType, name: str) -> str:
    """A constant or type alias; autodoc would show the docstring of its class instead."""
    text = textwrap.indent(_data_text(module.__name__, name), "   ")
    return f".. py:data:: {module.__name__}.{name}\n\n{text}\n"


def _bases(value: type) -> list[type]:
    """The classes of biotrail that a class inherits from."""
    return [base for base in value.__mro__[1:] if base.__module__.startswith(f"{PACKAGE}.")]


def _directive(module: ModuleType, name: str) -> str:
    """How this name is documented, with its members where it has any."""
    value = getattr(module, name)
    full_name = f"{module.__name__}.{name}"
    if inspect.isclass(value):
        if issubclass(value, BaseException):
            return f".. autoexception:: {full_name}\n   :members:\n   :show-inheritance:\n"
        options = "   :undoc-members:\n" if issubclass(value, Enum) else ""
        if any("._" in base.__module__ for base in _bases(value)):
            options += "   :inherited-members:\n"  # no page shows a base that is not public
        return f".. autoclass:: {full_name}\n   :members:\n{options}"
    if inspect.isroutine(value):
        return f".. autofunction:: {full_name}\n"
    return _data_directive(module, name)


def _identity(module: ModuleType, name: str) -> Hashable:
    """Equal for the two doors of one thing: by object, and for constants by room and name."""
    value = getattr(module, name)
    if inspect.isclass(value) or inspect.isroutine(value):
        return id(value)
    room = module.__name__.split(".")[1:2]
    return (*room, name)


def _section(module: ModuleType, documented: _Documented) -> str:
    """The module's own text, then what it offers and no module before it did."""
    parts = [f".. automodule:: {module.__name__}\n   :no-members:\n"]
    for name in getattr(module, "__all__", []):
        identity = _identity(module, name)
        if identity not in documented and not inspect.ismodule(getattr(module, name)):
            documented[identity] = f"{module.__name__}.{name}"
            parts.append(_directive(module, name))
    return "\n".join(parts) if len(parts) > 1 else ""


def _with_title(title: str, body: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n\n{body}\n"


def _room_page(name: str, documented: _Documented) -> str:
    """The page of one room: its door first, then its public modules."""
    door = importlib.import_module(name)
    body = _section(door, documented) or f".. automodule:: {name}\n   :no-members:\n"
    for submodule in _submodules(door):
        section = _section(importlib.import_module(submodule), documented)
        if section:
            body += "\n" + _with_title(submodule, section, "-")
    return _with_title(name, body, "=")


def _root_page(documented: _Documented) -> str:
    """What ``import biotrail`` offers: links to where each name is documented, or its own text."""
    root = importlib.import_module(PACKAGE)
    lines = [f".. automodule:: {PACKAGE}\n   :no-members:\n"]
    for name in getattr(root, "__all__", []):
        if name.startswith("__"):
            continue
        home = documented.get(_identity(root, name))
        lines.append(
            f"* ``biotrail.{name}``: :py:obj:`{home}`" if home else "\n" + _directive(root, name)
        )
    return _with_title(PACKAGE, "\n".join(lines), "=")


def _write(path: Path, text: str) -> None:
    """Write only what changed, so that an unchanged page is not read again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def make_pages(app: Sphinx) -> None:
    """Write ``reference/api/*.rst``, one for each room, before Sphinx looks for pages."""
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    documented: _Documented = {}
    pages = {
        name: _room_page(name, documented) for name in _submodules(importlib.import_module(PACKAGE))
    }
    pages[PACKAGE] = _root_page(documented)
    for name, text in pages.items():
        _write(folder / f"{name}.rst", text)
    for path in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in pages}:
        path.unlink()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register with Sphinx."""
    app.connect("builder-inited", make_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
