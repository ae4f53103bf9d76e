"""How answers to a search are shown: as tables, or as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biotrail.canonical import format_time
from biotrail.cli._output import grid, say, write_json, write_lines
from biotrail.cli._records import shown
from biotrail.cli._table import print_table
from biotrail.cli._values import document
from biotrail.query import FacetValue, Page, TimeBucket

__all__ = ["Shown"]


class Shown:
    """Shows what was found in one log."""

    def __init__(self, log: Path, origin: str, *, as_json: bool) -> None:
        """Show it as JSON, or in words."""
        self._log = log
        self._told: dict[str, Any] = {"log": str(log), "origin": origin}
        self._as_json = as_json

    def number(self, number: int) -> None:
        """How many there are."""
        if self._as_json:
            write_json({**self._told, "count": number})
        else:
            say(f"{number:,}")

    def facets(self, found: Mapping[str, Sequence[FacetValue]], *, own: int = 0) -> None:
        """How many have each value; how many of them are biotrail's own events."""
        if self._as_json:
            values = {
                name: [{"value": one.value, "count": one.count} for one in some]
                for name, some in found.items()
            }
            write_json({**self._told, "facets": values})
            return
        for name, some in found.items():
            say(name, style="bold")
            grid([(one.value, f"{one.count:,}") for one in some] or [("-", "no value")])
        if own:
            say(
                f"{own:,} of the events are biotrail's own (reads, locks, detections ...): "
                "attempt = yes leaves them out.",
                style="dim",
            )

    def timeline(self, found: Sequence[TimeBucket]) -> None:
        """How many were recorded when."""
        if self._as_json:
            values = [
                {"start": format_time(one.start), "count": one.count, "by": one.by} for one in found
            ]
            write_json({**self._told, "timeline": values})
            return
        rows = [(f"{format_time(one.start)[:19]}Z", f"{one.count:,}", _by(one)) for one in found]
        grid(rows or [("-", "nothing was recorded", "")])

    def page(self, page: Page) -> None:
        """Records."""
        records = list(shown(one.record for one in page.records))
        if self._as_json:
            found = {
                "checkpoint": page.checkpoint.note,
                "size": page.checkpoint.size,
                "verified": True,
                "next": page.next,
                "misleading": list(page.misleading),
                "records": [document(one) for one in records],
            }
            write_json({**self._told, **found})
            return
        if records:
            print_table(records)
        else:
            say("No record was found.")
        self._print_rest(page)

    def _print_rest(self, page: Page) -> None:
        if page.next is not None:
            say("There is more to look through. Go on with:", style="dim")
            write_lines(f"  --cursor {page.next}")
        if page.misleading:
            say(
                "Columns beside the log led to records that are no answer "
                f"({len(page.misleading)}): somebody has changed the store. Run `biotrail verify "
                f"{self._log}`.",
                style="bold red",
            )
        proven = "Each record is proven to be in the log, by" if page.records else "Looked up to"
        say(f"{proven} the signed checkpoint of size {page.checkpoint.size:,}.", style="dim")


def _by(bucket: TimeBucket) -> str:
    return ", ".join(f"{value} {number:,}" for value, number in bucket.by.items())
