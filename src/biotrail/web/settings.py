"""What an application over a log allows, and how much of it."""

from __future__ import annotations

from typing import Any

import attrs

from biotrail.errors import EventError
from biotrail.query.engine import MAXIMUM_PAGE

__all__ = ["WebSettings"]


def _within(lowest: int, highest: int) -> Any:
    def validate(_: object, attribute: Any, value: Any) -> None:
        if type(value) is not int or not lowest <= value <= highest:
            rule = f"must be a whole number of {lowest:,} to {highest:,}"
            raise EventError(attribute.name, value, rule)

    return validate


def _number(default: int, lowest: int, highest: int) -> Any:
    return attrs.field(default=default, validator=_within(lowest, highest))


def _title(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= 100 or not value.isprintable():
        raise EventError("title", value, "must be text of 1 to 100 characters that print")


@attrs.frozen(kw_only=True)
class WebSettings:
    """Limits of an application over a log. Bounds that a log itself has hold besides.

    Attributes:
        title: What the application is called, on its pages and in its OpenAPI document.
        page_limit: How many records a page has where the request does not say.
        most_on_page: How many it may have.
        most_query_length: How many characters a condition may have.
        most_facets: By how many fields may be counted at once.
        most_facet_values: How many values of each may be asked for.
        most_buckets: How many stretches of time a timeline may have.
        body_bytes: How many bytes the body of a request may have.
        body_seconds: In how many seconds it has to come.
        requests_per_minute: How many requests a reader may make in a minute; also how many at once
            after a pause.
        requests_per_minute_and_address: The same for an address of the network.
        most_known: How many readers and addresses are remembered to count their requests.
        most_at_once: How many questions are worked on or wait at once, of all readers; further
            ones are answered by 429.
        most_tails: How many may follow the log at once.
        most_tails_of_one: How many of them one reader may have.
        export_rows: How many records one export may hold.
        session_minutes: How long a session of the auditor's page lasts.
        most_sessions: How many sessions there may be at once.
    """

    title: str = attrs.field(default="biotrail", validator=_title)
    page_limit: int = _number(50, 1, MAXIMUM_PAGE)
    most_on_page: int = _number(MAXIMUM_PAGE, 1, MAXIMUM_PAGE)
    most_query_length: int = _number(4_096, 1, 4_096)
    most_facets: int = _number(16, 1, 16)
    most_facet_values: int = _number(1_000, 1, 1_000)
    most_buckets: int = _number(10_000, 1, 100_000)
    body_bytes: int = _number(65_536, 1_024, 16_777_216)
    body_seconds: int = _number(10, 1, 600)
    requests_per_minute: int = _number(600, 1, 1_000_000)
    requests_per_minute_and_address: int = _number(1_200, 1, 1_000_000)
    most_known: int = _number(10_000, 1, 1_000_000)
    most_at_once: int = _number(64, 1, 10_000)
    most_tails: int = _number(256, 1, 100_000)
    most_tails_of_one: int = _number(8, 1, 100_000)
    export_rows: int = _number(1_000_000, 1, 2**53)
    session_minutes: int = _number(480, 1, 1_440)
    most_sessions: int = _number(1_000, 1, 100_000)

    def __attrs_post_init__(self) -> None:
        if self.page_limit > self.most_on_page:
            raise EventError("page_limit", self.page_limit, "must not exceed most_on_page")
