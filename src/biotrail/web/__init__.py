"""The log over HTTP: an application to mount or to serve, in which every read is itself a record.

Needs the extra ``web``. What a reader may do is an `Access`; `create_app` makes the application.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail.web.access import Access, Scope

__all__ = ["Access", "Scope"]

__getattr__ = load_when_used(
    __name__,
    {"Access": "biotrail.web.access", "Scope": "biotrail.web.access"},
)
