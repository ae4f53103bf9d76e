"""The pages that draw: attempts over time, and scores against thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from biotrail.query import TimeBucket
from biotrail.web.page.charts import Bars, histogram, timeline_bars
from biotrail.web.page.desk import Desk
from biotrail.web.page.door import Visitor
from biotrail.web.page.questions import RANGES, Question
from biotrail.web.page.searching import FormAnswer, question_page
from biotrail.web.shapes import Shown

__all__ = ["scores_page", "timeline_page"]

_OUTCOMES = ("success", "failure", "unknown")
_SCORE = "score_micro"
_MILLION = 1_000_000
_MOST_BARS = 120
_LINE = 46.0
_SHORT = timedelta(days=6)
_STEPS = {one.bucket: one.step for one in RANGES}


async def timeline_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """Attempts over time, by outcome and by modality."""
    page = FormAnswer("timeline.html", "Timeline", "/timeline", {"outcomes": None}, _timeline)
    return await question_page(desk, request, visitor, page)


async def _timeline(desk: Desk, visitor: Visitor, question: Question) -> dict[str, Any]:
    now = desk.now
    begin, bucket, found = await _counted(desk, visitor, question, now)
    step, words = _STEPS[bucket], bucket
    begin = _floor(begin, step)
    if (stretches := (now - begin) / step) > _MOST_BARS:
        several = int(-(-stretches // _MOST_BARS))
        step, words = several * step, f"stretch of {several} {bucket}s"
        found = {by: _merged(one, begin, step) for by, one in found.items()}
    until = begin + step * max(-(-(now - begin) // step), 1)
    axis: Any = {"since": begin, "until": until, "step": step}
    outcomes = timeline_bars(found["outcome"], order=_OUTCOMES, **axis)
    modalities = timeline_bars(found["modality"], stacked=False, height=_LINE, **axis)
    return {
        "bucket": words,
        "outcomes": outcomes,
        "outcome_rows": _rows(outcomes),
        "modalities": modalities,
        "modality_rows": _rows(modalities),
        "modality_lines": [(one, total, modalities.of(one)) for one, total in modalities.kinds],
    }


async def _counted(
    desk: Desk, visitor: Visitor, question: Question, now: datetime
) -> tuple[datetime, str, dict[str, Sequence[TimeBucket]]]:
    """Where the axis begins, what is counted by, and the counts by outcome and by modality."""
    asked = question.asked(now, visitor.purpose, with_range=False)
    since, bucket = question.since(now), question.range.bucket

    async def count(by: str) -> Sequence[TimeBucket]:
        return await desk.state.reader.timeline(
            visitor.access, asked, bucket=bucket, by=by, since=since, route="/timeline"
        )

    outcomes = await count("outcome")
    begin = min((one.start for one in outcomes), default=now) if since is None else since
    if since is None and now - begin <= _SHORT:  # a young log: days would be two or three bars
        bucket = "hour"
        outcomes = await count("outcome")
        begin = min((one.start for one in outcomes), default=now)
    return begin, bucket, {"outcome": outcomes, "modality": await count("modality")}


def _floor(moment: datetime, step: timedelta) -> datetime:
    """The beginning of the stretch that a moment is in; weeks begin on Monday."""
    monday = datetime(1970, 1, 5, tzinfo=moment.tzinfo)
    return monday + (moment - monday) // step * step


def _merged(
    buckets: Iterable[TimeBucket], begin: datetime, step: timedelta
) -> Sequence[TimeBucket]:
    """The same counts in longer stretches."""
    found: dict[datetime, dict[str, int]] = {}
    for bucket in buckets:
        into = found.setdefault(begin + (bucket.start - begin) // step * step, {})
        for kind, count in bucket.by.items():
            into[kind] = into.get(kind, 0) + count
    return [TimeBucket(start, sum(by.values()), by) for start, by in sorted(found.items())]


def _rows(bars: Bars) -> list[dict[str, Any]]:
    return [{"heads": (start,), "counts": (total, *counts)} for start, total, counts in bars.rows]


async def scores_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """Scores against the thresholds that they were held to."""
    page = FormAnswer("scores.html", "Scores", "/scores", {"shape": None}, _scores)
    return await question_page(desk, request, visitor, page)


async def _scores(desk: Desk, visitor: Visitor, question: Question) -> dict[str, Any]:
    if not question.reason:
        # Still to be judged, so that a wrong condition is told.
        question.condition(desk.now)
        return {"shape": None}
    reader = desk.state.reader
    most = reader.settings.most_on_page
    revealing = Question(
        where=question.where,
        range=question.range,
        attempts=question.attempts,
        reveal=(_SCORE,),
        reason=question.reason,
    )
    asked = revealing.asked(desk.now, visitor.purpose, limit=most)
    page = await reader.page(visitor.access, asked, route="/scores")
    compared = [found for one in page.records if (found := _compared(one)) is not None]
    matchers = sorted({one["matcher"] for one in compared})
    thresholds = sorted({one["threshold"] for one in compared if one["threshold"] is not None})
    shape = histogram([(one["score"], one["decision"]) for one in compared], thresholds)
    return {
        "shape": shape,
        "compared": len(compared),
        "looked_at": len(page.records),
        "without": len(page.records) - len(compared),
        "more": page.next is not None,
        "matchers": matchers,
        "matcher": matchers[0] if len(matchers) == 1 else None,
        "score_rows": [{"heads": row[:2], "counts": row[2]} for row in shape.rows],
    }


def _compared(shown: Shown) -> Mapping[str, Any] | None:
    """Score, threshold and decision of a record, where it has a score that may be seen."""
    comparison: Mapping[str, Any] | None = shown.content.get("comparison")
    score = shown.personal()[_SCORE]
    if comparison is None or score["state"] != "shown":
        return None
    threshold = comparison.get("threshold_micro")
    return {
        "score": score["value"] / _MILLION,
        "threshold": None if threshold is None else threshold / _MILLION,
        "decision": comparison["decision"],
        "matcher": f"{comparison['matcher']} {comparison['version']}",
    }
