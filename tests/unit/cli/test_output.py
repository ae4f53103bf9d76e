"""What is printed cannot steer the terminal, be markup, or say anything but what was recorded."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("typer", reason="component cli: not installed (extra: cli)")

from biotrail.cli._output import grid, printable, say, write_json

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "one\r\ntwo",
    "ab\x08\x08cd",
    "\u202eecila",
    "zero\u200bwidth",
    "line\u2028separator",
    "\udc80",
    "\x7f",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_steers_is_printed(text: str) -> None:
    """Escape sequences, marks of direction and characters of no width come out escaped."""
    shown = printable(text)
    assert "\\" in shown
    assert all(unicodedata.category(letter)[0] not in "C" for letter in shown)


@given(st.text())
def test_printable_is_printable(text: str) -> None:
    """Whatever the text, every character of its printable form is printable."""
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["Zoë Müller", "李小龍", "building-2/server-room", "a [b] c"])
def test_plain_text_stays(text: str) -> None:
    """Names in any script, and brackets, are shown as they are."""
    assert printable(text) == text


def test_markup_is_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rich's markup, emoji codes and links in a value are shown, not followed."""
    monkeypatch.setenv("COLUMNS", "200")
    hostile = "[bold red]x[/] :smile: [link=https://evil.example]here[/link] [/nothing]"
    grid([("user_agent", hostile)])
    say(hostile)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"  user_agent  {hostile}"
    assert second == hostile


def test_pipes_get_no_filling_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    """Into a pipe, lines end where their text ends."""
    grid([("a", "short"), ("b", "a good deal longer")])
    assert not any(line.endswith(" ") for line in capsys.readouterr().out.splitlines())


def test_a_sentence_on_standard_error_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe, it is not broken, however narrow the environment says that a line is."""
    monkeypatch.setenv("COLUMNS", "20")
    say("the log is served at https://localhost:8443", stderr=True)
    assert capsys.readouterr().err == "the log is served at https://localhost:8443\n"


@given(st.text())
def test_json_is_ascii(text: str) -> None:
    """A JSON document has no control character and no letter beyond ASCII, and says the same."""
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append, raising=False)
        write_json({"value": text}, indent=None)
    (line,) = written
    assert line.endswith("\n")
    assert line[:-1].isascii()
    assert line[:-1].isprintable()
    assert json.loads(line) == {"value": text}
