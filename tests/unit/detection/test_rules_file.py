"""Rules from a file of TOML."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from biotrail.detection import AfterHours, ManySubjects, default_rules, load_rules
from biotrail.errors import DetectionError

_RULES = """
[many_subjects]
people = 3
window = "10 min"

[night]
rule = "after_hours"
zone = "Europe/Zurich"
opens = 07:00:00
closes = 19:00:00
days = [0, 1, 2, 3, 4]
holidays = [2026-12-25]
"""


def test_rules_with_settings(tmp_path: Path) -> None:
    """A table is a rule, named as the table; what is not set has its default."""
    (tmp_path / "rules").write_text(_RULES)
    assert load_rules(tmp_path / "rules") == [
        ManySubjects(people=3, window=timedelta(minutes=10)),
        AfterHours(
            name="night",
            zone="Europe/Zurich",
            opens=time(7),
            closes=time(19),
            holidays=[date(2026, 12, 25)],
        ),
    ]


def test_defaults_are_all_that_need_no_place() -> None:
    """Where no file is named, rules are left out that need hours or a rhythm to be given."""
    assert [one.name for one in default_rules()] == [
        "configuration_changed",
        "impossible_travel",
        "many_subjects",
        "presentation_attacks",
        "score_climbing",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no rule"),
        ("[", "is no TOML"),
        ("many_subjects = 3", "is no table"),
        ("[nonsense]", "is no rule"),
        ("[many_subjects]\nthreshold = 3", "has no setting 'threshold'"),
        ("[many_subjects]\npeople = 'x'", "ManySubjects.people"),
        ("[many_subjects]\nwindow = 3", "is a span of time"),
        ("[many_subjects]\nwindow = '3 weeks'", "is a span of time"),
        ("[after_hours]", "lacks a setting"),
        ("[after_hours]\nzone = 'Nowhere'", "AfterHours.zone"),
    ],
)
def test_rules_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    """A file that does not give rules is told with what is wrong."""
    rules = tmp_path / "rules.toml"
    rules.write_text(text)
    with pytest.raises(DetectionError, match=re.escape(words)) as caught:
        load_rules(rules)
    assert caught.value.path == str(rules)
