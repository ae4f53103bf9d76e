"""The command line: `app` is the whole of it; one module a command or a family of commands."""

from biotrail.cli.app import app

__all__ = ["app"]
