"""The parts of the auditor's page that stand alone: sessions, charts, questions, words, colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from biotrail.errors import QueryError, QuerySyntaxError
from biotrail.query import TimeBucket
from biotrail.web import Access
from tests._components import ROOT, reason_for_absence

if reason_for_absence("web") is None:
    from biotrail.web.page.charts import HEIGHT, WIDTH, histogram, timeline_bars
    from biotrail.web.page.forms import fields_of, local_path
    from biotrail.web.page.questions import RANGES, Question, narrowed
    from biotrail.web.page.sessions import Sessions
    from biotrail.web.page.words import decimal, label, rows, visible

pytestmark = pytest.mark.component("web")

NOW = datetime(2026, 11, 24, 15, 42, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
READER = Access(reader=UUID(int=1, version=4), scopes=["read"], purposes=["review"])
STYLE = ROOT / "src" / "biotrail" / "web" / "page" / "static" / "page.css"


def drawing() -> Iterator[bytes]:
    """Bytes that are never the same."""
    return (number.to_bytes(32, "big") for number in count(1))


def sessions(most: int = 3) -> Sessions:
    """Sessions of an hour."""
    drawn = drawing()
    return Sessions(most=most, length=HOUR, draw=lambda size: next(drawn)[-size:])


def test_a_session_is_found_by_its_name_until_it_ends() -> None:
    """Its name finds it, another does not, and its time or its end ends it."""
    kept = sessions()
    name, session = kept.begin(READER, NOW)
    assert kept.find(name, NOW) is session
    assert kept.find(name + "A", NOW) is None
    assert kept.find(None, NOW) is None
    assert kept.find(name, NOW + HOUR) is None
    assert kept.find(name, NOW) is None  # not even if the clock goes back
    name, _ = kept.begin(READER, NOW)
    kept.end(name)
    assert kept.find(name, NOW) is None


def test_the_oldest_session_makes_room() -> None:
    """There are never more than were allowed."""
    kept = sessions(most=3)
    names = [kept.begin(READER, NOW)[0] for _ in range(4)]
    assert [kept.find(name, NOW) is not None for name in names] == [False, True, True, True]


def test_form_tokens_belong_to_one_session() -> None:
    """Two sessions of one reader have two form tokens, and neither tells a session's name."""
    kept = sessions()
    (one, first), (other, second) = kept.begin(READER, NOW), kept.begin(READER, NOW)
    assert first.form_token != second.form_token
    assert one not in first.form_token
    assert other not in repr(second)


def test_bars_stand_where_their_time_is_and_count_what_they_show() -> None:
    """Stacks begin on the axis, the highest reaches the top, and the table has the same numbers."""
    begin = NOW.replace(minute=0, second=0)
    buckets = [
        TimeBucket(begin, 4, {"success": 3, "failure": 1}),
        TimeBucket(begin + 3 * HOUR, 8, {"success": 8}),
    ]
    shape = timeline_bars(buckets, since=begin, until=begin + 4 * HOUR, step=HOUR)
    assert shape.most == 8
    assert [(one.kind, one.count) for one in shape.bars] == [
        ("success", 3),
        ("failure", 1),
        ("success", 8),
    ]
    low, high, last = shape.bars
    assert low.y + low.height == HEIGHT
    assert high.y + high.height == pytest.approx(low.y)
    assert last.y == 0
    assert WIDTH * 3 / 4 < last.x < WIDTH
    assert [row[1:] for row in shape.rows] == [(4, (3, 1)), (8, (8, 0))]


def test_a_histogram_counts_each_score_once_and_holds_the_threshold() -> None:
    """Every score is in a bar, also the least and the greatest; thresholds stand between them."""
    scores = [(0.1, "non_match"), (0.59, "non_match"), (0.6, "match"), (0.99, "match")]
    shape = histogram(scores, [0.6])
    assert sum(one.count for one in shape.bars) == 4
    assert dict(shape.kinds) == {"match": 2, "non_match": 2}
    ((x, words),) = shape.thresholds
    assert words == "0.6"
    assert all((one.x < x) == (one.kind == "non_match") for one in shape.bars)
    assert histogram([(0.5, "match")], []).most == 1
    assert histogram([], []).bars == ()


def test_a_question_is_the_same_after_its_link() -> None:
    """What a link carries is what was asked; a reason and what is revealed are never in it."""
    asked = Question(where='target = "a&b=c"', range=RANGES[1], attempts=False, sort="index")
    assert Question.of(fields_of(asked.link().removeprefix("?"))) == asked
    private = Question(where="score < 1", reveal=("subject",), reason="a complaint")
    assert private.is_private
    assert "complaint" not in private.link()
    assert "subject" not in private.link()


def test_later_pages_ask_for_the_same_time() -> None:
    """The time of the first page holds for those after it, however late they are asked for."""
    asked = Question(range=RANGES[0])
    further = asked.next("cursor", NOW)
    later = NOW + timedelta(minutes=30)
    assert further.condition(later) == asked.condition(NOW)
    assert asked.condition(later) != asked.condition(NOW)


@pytest.mark.parametrize(
    "given",
    [
        {"range": ["2h"]},
        {"sort": ["score"]},
        {"as_of": ["-1"]},
        {"start": ["now"]},
        {"where": ["action = a or " * 700 + "action = b"]},
    ],
)
def test_what_no_page_sends_is_refused(given: dict[str, list[str]]) -> None:
    """A value that no form or link of the page has is told, not guessed."""
    with pytest.raises(QueryError):
        Question.of(given)


def test_narrowing_keeps_what_was_asked() -> None:
    """A facet is added to a condition as a whole, and a wrong condition is not narrowed."""
    narrow = narrowed("outcome = failure or reason = pose", "modality", "face")
    assert narrow == "(outcome = failure or reason = pose) and modality = face"
    with pytest.raises(QuerySyntaxError):
        narrowed("outcome =", "modality", "face")


def test_words_are_exact_and_never_steer() -> None:
    """Numbers keep every digit, names are told in words, and what does not print is written out."""
    assert [decimal(one) for one in (600_000, -1, 1_234_000_000)] == ["0.6", "-0.000001", "1,234"]
    assert label("score_micro") == "Score"
    assert label("location.latitude_micro") == "Location: latitude"
    assert label("labels.own_name") == "own_name"
    assert visible("a\u202eb\n") == "a\\u202eb\\n"
    (row,) = rows({"ip": bytes((192, 0, 2, 1))}, {"ip": "observed"})
    assert (row.value, row.vouched) == ("192.0.2.1", "observed")


@pytest.mark.parametrize("path", ["//x", "/\\x", "http://x", "x", "", "/a\nb", "/\tb"])
def test_only_own_paths_are_led_to(path: str) -> None:
    """A path that a browser could take for another site's is not followed."""
    assert local_path(path, "/") == "/"
    assert local_path("/search?where=a", "/") == "/search?where=a"


PAIRS = [
    *((text, ground, 4.5) for text in ("text", "dim", "accent") for ground in ("panel", "ground")),
    *((name, f"{name}-ground", 4.5) for name in ("ok", "bad", "warn")),
    *((text, "hover", 4.5) for text in ("text", "dim", "accent")),
    ("accent-text", "accent", 4.5),
    ("warn", "panel", 4.5),
    ("text", "bad-ground", 4.5),
    *((mark, "panel", 3.0) for mark in ("edge", "focus", "bar-ok", "bar-bad", "bar-warn")),
    ("focus", "ground", 3.0),
    ("edge", "ground", 3.0),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("over", "under", "least"), PAIRS)
def test_colours_are_told_apart(scheme: str, over: str, under: str, least: float) -> None:
    """Text has 4.5 to 1 against its ground, marks and edges 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    first, second = sorted(map(luminance, (colours(scheme)[over], colours(scheme)[under])))
    assert (second + 0.05) / (first + 0.05) >= least


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by their names, as the style sheet has them."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text("utf-8"), re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", dark))
    return found


def luminance(colour: str) -> float:
    """Relative luminance of a colour (WCAG 2.2, definition)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
