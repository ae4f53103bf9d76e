"""The OpenAPI document of the API, as it is: problems instead of FastAPI's own errors."""

from __future__ import annotations

import json
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
_SCHEMAS: Final = "#/components/schemas/"
_NO_DESCRIPTION: Final = "Successful Response"
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
        servers=app.servers or None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _mend(method, operation)
    schemas = document["components"]["schemas"]
    for name in _OWN_ERRORS:
        schemas.pop(name, None)
    schemas["Problem"] = ProblemModel.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    return _renamed(document)


def _mend(method: str, operation: dict[str, Any]) -> None:
    """Say what FastAPI cannot know, and leave out what is not so."""
    answers = operation["responses"]
    answers.pop("422", None)  # a request that does not fit is a 400
    parameters = operation.get("parameters", [])
    if method != "get":  # what the reader has is asked of nothing else
        answers.pop("304", None)
        parameters = [one for one in parameters if one["name"] != "If-None-Match"]
    for one in parameters:
        _without_null(one["schema"])
        one["schema"].pop("description", None)  # the parameter has it
    if parameters:
        operation["parameters"] = parameters
    else:
        operation.pop("parameters", None)
    for answer in answers.values():
        if answer["description"] == _NO_DESCRIPTION:
            answer["description"] = "What was asked for."
    operation["responses"] = {status: answers[status] for status in sorted(answers)}


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter that may be absent is never null."""
    kinds = schema.get("anyOf", [])
    if len(kinds) == 2 and {"type": "null"} in kinds:
        (kind,) = [one for one in kinds if one != {"type": "null"}]
        del schema["anyOf"]
        schema.update(kind)
    if schema.get("default", 0) is None:
        del schema["default"]


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas under the names of what they describe."""
    schemas = document["components"]["schemas"]
    names = {name: name.removesuffix("Model") for name in schemas}
    text = json.dumps(document)
    for name, renamed in names.items():
        text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{renamed}"')
    found: dict[str, Any] = json.loads(text)
    schemas = found["components"]["schemas"]
    found["components"]["schemas"] = {names[name]: schemas[name] for name in sorted(schemas)}
    return found
