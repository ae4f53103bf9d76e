"""The OpenAPI document of the API, as it is: problems instead of FastAPI's own errors."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from biotrail._version import __version__
from biotrail.web.models import ProblemModel

__all__ = ["add_document"]

_DESCRIPTION: Final = """\
A tamper-evident audit log of biometric access attempts, to be read over HTTP.

Every record is proven to be in the log by a signed checkpoint before it is shown; a reader who does
not trust the server asks for the proof and verifies it.

**Every read is itself a record of the log**, written before the answer leaves: who read, for which
purpose, by which question, how many records, and which personal fields. If it cannot be written,
nothing is shown (503).

Personal fields are shown, and asked by, only with the scope `reveal` and with a reason.
"""
_OWN_ERRORS: Final = ("HTTPValidationError", "ValidationError")


def add_document(app: FastAPI) -> None:
    """Let an application describe itself by this document; it is made when first asked for."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(_document(app))
        return made

    app.openapi = document  # type: ignore[method-assign] # as FastAPI has it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=__version__,
        openapi_version="3.1.0",
        summary="A tamper-evident audit log, read over HTTP.",
        description=_DESCRIPTION,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)  # a request that does not fit is a 400
    schemas = document["components"]["schemas"]
    for name in _OWN_ERRORS:
        schemas.pop(name, None)
    problem = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas["Problem"] = problem
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document
