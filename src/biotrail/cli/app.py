"""The one application: its commands in the order of a log's life, and what happens on an error."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from biotrail import __version__
from biotrail.cli import (
    calibrate,
    checkpoint,
    demo,
    detect,
    doctor,
    erase,
    evaluate,
    export,
    find,
    forward,
    hold,
    init,
    keys,
    locks,
    models,
    prove,
    publish,
    redeliver,
    retain,
    search,
    serve,
    show,
    tail,
    token,
    vault,
    verify,
    verify_certificate,
    verify_proof,
)
from biotrail.cli._failures import (
    INTERRUPTED,
    report_failure,
    report_refusal,
    report_usage,
    usage_errors,
)
from biotrail.cli._output import say
from biotrail.errors import BiotrailError

__all__ = ["app"]

_JSON = "biotrail.json"


class _Group(TyperGroup):
    """Turns every `BiotrailError` into a message, or a JSON document, and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take note of ``--json`` first: an error may come before the option is read."""
        ctx.meta[_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()  # what cannot be written is to be found here, not at the end
            return found
        except BiotrailError as error:
            raise typer.Exit(report_failure(error, as_json=ctx.meta[_JSON])) from error
        except (typer.Abort, KeyboardInterrupt, EOFError) as error:
            # A prompt makes an abort of the other two; just before it and after it nobody does.
            say("Broken off.", stderr=True)
            raise typer.Exit(INTERRUPTED) from error
        except OSError as error:
            raise typer.Exit(report_refusal(error)) from error
        except usage_errors() as error:
            if not ctx.meta[_JSON]:
                raise
            raise typer.Exit(report_usage(error)) from error


app = typer.Typer(
    name="biotrail",
    cls=_Group,
    help="A tamper-evident audit log for biometric access attempts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"biotrail {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # whatever was recorded can be printed


_MEASURE, _FORGET = "Measure a matcher", "Erase and hold personal data"
_SERVE = "Serve a log over HTTP"
_KEEP, _READ, _PROVE, _TRY = "Begin and keep a log", "Read a log", "Prove and publish", "Try it"
app.command(rich_help_panel=_KEEP)(init.init)
app.add_typer(keys.app, name="keys", rich_help_panel=_KEEP)
app.add_typer(vault.app, name="vault", rich_help_panel=_KEEP)
app.command("locks", rich_help_panel=_KEEP)(locks.list_locks)
app.command("unlock", rich_help_panel=_KEEP)(locks.unlock)
app.command(rich_help_panel=_FORGET)(erase.erase)
app.add_typer(hold.app, name="hold", rich_help_panel=_FORGET)
app.command(rich_help_panel=_FORGET)(retain.retain)
app.command(rich_help_panel=_FORGET)(doctor.doctor)
app.command("verify-certificate", rich_help_panel=_FORGET)(verify_certificate.check_certificate)
app.command(rich_help_panel=_READ)(verify.verify)
app.command(rich_help_panel=_READ)(show.show)
app.command(rich_help_panel=_READ)(tail.tail)
app.command(rich_help_panel=_READ)(find.find)
app.command(rich_help_panel=_READ)(search.search)
app.command(rich_help_panel=_READ)(export.export)
app.command(rich_help_panel=_READ)(forward.forward)
app.command(rich_help_panel=_READ)(redeliver.redeliver)
app.command(rich_help_panel=_READ)(detect.detect)
app.command(rich_help_panel=_SERVE)(serve.serve)
app.add_typer(token.app, name="token", rich_help_panel=_SERVE)
app.command(rich_help_panel=_PROVE)(prove.prove)
app.command("verify-proof", rich_help_panel=_PROVE)(verify_proof.check_proof)
app.command(rich_help_panel=_PROVE)(checkpoint.checkpoint)
app.command(rich_help_panel=_PROVE)(publish.publish)
app.command(rich_help_panel=_MEASURE)(evaluate.evaluate)
app.command(rich_help_panel=_MEASURE)(calibrate.calibrate)
app.command(rich_help_panel=_TRY)(demo.demo)
app.add_typer(models.app, name="models", rich_help_panel=_TRY)


def _unwrap_help(group: typer.Typer) -> None:
    """Let help be wrapped where the terminal ends, not where the lines of the source do."""
    for command in group.registered_commands:
        text = inspect.getdoc(command.callback) or ""
        command.help = "\n\n".join(" ".join(one.split()) for one in text.split("\n\n"))
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _unwrap_help(inner.typer_instance)


_unwrap_help(app)
