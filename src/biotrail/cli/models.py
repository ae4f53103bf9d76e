"""``biotrail models``: model files and photographs by name, each checked by its SHA-256."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._given import Json
from biotrail.cli._output import grid, say, write_json, write_text
from biotrail.matchers.model_files import KnownFile, cache_folder, cached_path, fetch, known_files

__all__ = ["app"]

app = typer.Typer(help="List, fetch and find model files and sample photographs.")

Name = Annotated[
    str, typer.Argument(help="A name from `biotrail models list`.", show_default=False)
]


@app.callback(invoke_without_command=True)
def _models(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_files(as_json=as_json)


@app.command("list")
def list_files(as_json: Json = False) -> None:
    """List every file that can be fetched: SHA-256, licence, source, and whether it is here."""
    files = [_document(one) for one in known_files().values()]
    if as_json:
        write_json({"cache": str(cache_folder()), "files": files})
        return
    for known in known_files().values():
        say(known.name, style="bold")
        grid((name, str(value)) for name, value in _document(known).items() if name != "name")
        say()


@app.command("fetch")
def fetch_file(name: Name, as_json: Json = False) -> None:
    """Fetch a file by name, unless it is here; check its SHA-256, and say its licence."""
    path = fetch(name)
    known = known_files()[name]
    if as_json:
        write_json(_document(known))
        return
    say(f"{name} is here, and is the file that is known by this name.", style="bold green")
    grid([("path", str(path)), ("sha256", known.sha256), ("licence", known.licence),
          ("source", known.source)])  # fmt: skip


@app.command("path")
def path_of_file(name: Name, as_json: Json = False) -> None:
    """Print the path of a file that was fetched before; its SHA-256 is checked again."""
    path = fetch(name, offline=True)
    if as_json:
        write_json(_document(known_files()[name]))
    else:
        write_text(f"{path}\n")


def _document(known: KnownFile) -> dict[str, object]:
    path: Path = cached_path(known, cache_folder())
    return {
        "name": known.name,
        "about": known.about,
        "sha256": known.sha256,
        "licence": known.licence,
        "source": known.source,
        "path": str(path) if path.exists() else None,
    }
