"""``biotrail serve``: the log over HTTPS, for auditors and their programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from biotrail.cli._erasing import Given, KeyFile, open_with_vault
from biotrail.cli._given import Database, kept_checkpoint, verifier_keys
from biotrail.cli._output import say

__all__ = ["serve"]

_TLS, _PROXY = "TLS 1.3", "Behind a proxy"


def _file(option: str, help_: str) -> Any:
    return typer.Option(
        option, metavar="FILE", help=help_, rich_help_panel=_TLS, show_default=False
    )


def serve(
    log: Database,
    tokens: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The file of tokens that `biotrail token create` makes.",
            show_default=False,
        ),
    ],
    host: Annotated[str, typer.Option(help="A name or an address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 for any.")] = 8443,
    certificate: Annotated[
        Path | None, _file("--certificate", "The server's certificate, PEM.")
    ] = None,
    certificate_key: Annotated[
        Path | None, _file("--certificate-key", "Its key, PEM, not encrypted.")
    ] = None,
    client_authority: Annotated[
        Path | None,
        _file("--client-authority", "Serve only who shows a certificate of this authority."),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--plain-http-behind-proxy",
            help="Serve in the clear beyond this machine: only where a proxy ends TLS.",
            rich_help_panel=_PROXY,
        ),
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="A proxy whose X-Forwarded-For is believed. May be repeated.",
            rich_help_panel=_PROXY,
            show_default=False,
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="What the pages are called.")] = "biotrail",
    trusted: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VKEY|FILE",
            help="A verifier key that you trust: the page verifies the log against it. May be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    kept: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A signed checkpoint that you kept elsewhere, which the log has to continue. May "
            "be repeated.",
            show_default=False,
        ),
    ] = None,
    key: KeyFile = None,
    vault: Given = None,
) -> None:
    """Serve a log over HTTP: the auditor's page, and the API that /api/v1/openapi.json describes.

    Every read is recorded in the log before its answer leaves, so this opens the log for recording,
    as any other writer does. Without a certificate it serves this machine alone. SIGINT and SIGTERM
    end it.
    """
    # Loaded here: most commands serve nothing.
    from biotrail.web.app import create_app
    from biotrail.web.serve import serve as serve_app
    from biotrail.web.settings import WebSettings
    from biotrail.web.tokens import TokenBook

    keys = verifier_keys(trusted, option="--trusted") if trusted else []
    checkpoints = [kept_checkpoint(one, option="--kept") for one in kept or ()]
    book = TokenBook(tokens)
    if not book.tokens():
        say(f"{tokens} holds no token yet: nobody is let in.", style="yellow", stderr=True)
    with open_with_vault(log, key, vault) as opened:
        serve_app(
            create_app(
                opened,
                tokens=book,
                settings=WebSettings(title=title),
                trusted=[str(one) for one in keys],
                kept=checkpoints,
            ),
            host=host,
            port=port,
            certificate=certificate,
            key=certificate_key,
            client_authority=client_authority,
            plain_http_behind_proxy=behind_proxy,
            proxies=proxy or (),
            started=lambda url: say(f"{log} is served at {url}", stderr=True),
        )
    say("Ended.", stderr=True)
