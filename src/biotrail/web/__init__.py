"""The log over HTTP: an application to mount or to serve, in which every read is itself a record.

Needs the extra ``web``. `create_app` makes the application; what a reader may do is an `Access`.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.errors import MissingDependencyError

if TYPE_CHECKING:
    from biotrail.web.access import Access, Scope
    from biotrail.web.app import create_app
    from biotrail.web.reading import RecordedReader
    from biotrail.web.settings import WebSettings
    from biotrail.web.tokens import Token, TokenBook

__all__ = [
    "Access",
    "RecordedReader",
    "Scope",
    "Token",
    "TokenBook",
    "WebSettings",
    "create_app",
]

_load = load_when_used(
    __name__,
    {
        "Access": "biotrail.web.access",
        "RecordedReader": "biotrail.web.reading",
        "Scope": "biotrail.web.access",
        "Token": "biotrail.web.tokens",
        "TokenBook": "biotrail.web.tokens",
        "WebSettings": "biotrail.web.settings",
        "create_app": "biotrail.web.app",
    },
)
_PACKAGES = ("fastapi", "jinja2", "lark", "markupsafe", "pydantic", "starlette")


def __getattr__(name: str) -> object:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise MissingDependencyError(
            f"biotrail.web needs {error.name}, which is not installed: pip install 'biotrail[web]'"
        ) from error
