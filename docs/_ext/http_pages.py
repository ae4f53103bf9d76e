"""Sphinx extension: the reference page of the HTTP API, and its OpenAPI document as a file.

Both are made from the application itself, with a log in memory, so that they cannot be behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_HEAD = """\
# The HTTP API

{description}

The whole document, OpenAPI 3.1: {{download}}`openapi.json`; an application serves its own under
`/api/v1/openapi.json`. How to use it: [Read a log over HTTP](../../how-to/http-api.md).
"""


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of an application over a log."""
    import biotrail
    from biotrail.web import create_app

    async def nobody(_: object) -> None:
        return None

    signer = biotrail.Ed25519Signer.from_seed("example.com/door", bytes(32))
    with biotrail.AuditLogger(biotrail.MemoryStore(), signer) as log:
        return create_app(log, authenticate=nobody).openapi()


def _page(document: dict[str, Any]) -> str:
    parts = [_HEAD.format(description=document["info"]["description"])]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append("\n".join(_operation(method, path, operation)))
    return "\n\n".join(parts) + "\n"


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## {method.upper()} `{path}`\n"
    yield operation.get("description", operation["summary"]) + "\n"
    for one in operation.get("parameters", []):
        place = {"query": "", "path": " (in the path)", "header": " (header)"}[one["in"]]
        yield f"- `{one['name']}`{place}: {one.get('description', '')}"
    body = operation.get("requestBody")
    if body is not None:
        (media_type,) = body["content"]
        yield f"- The body is `{media_type}`: {_named(body['content'][media_type])}"
    yield ""
    for status, answer in operation["responses"].items():
        forms = [f"`{kind}`: {_named(one)}" for kind, one in answer.get("content", {}).items()]
        form = f" ({'; '.join(forms)})" if forms else ""
        yield f"- **{status}**{form}: {answer['description']}"


def _named(content: dict[str, Any]) -> str:
    schema = content.get("schema", {})
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("format", schema.get("type", "anything")))


def make_page(app: Sphinx) -> None:
    """Write the page and the document, before Sphinx looks for pages."""
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    document = openapi_document()
    _write(folder / "openapi.json", json.dumps(document, indent=2) + "\n")
    _write(folder / "http-api.md", _page(document))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register with Sphinx."""
    app.connect("builder-inited", make_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
