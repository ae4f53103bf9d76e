"""Threat: whoever logs in chooses texts that forge fields, headers or records in a SIEM."""

from __future__ import annotations

import json
import re

import pytest

import biotrail
from biotrail.forwarding import FORMATS, SyslogHeader, cef_line
from biotrail.forwarding.syslog import frame, syslog_message
from tests.unit.forwarding._views import OCCURRED, full_event, view_of

_HOSTILE = 'x|CEF:0|evil|=1 outcome=success duid=root\\ ]"[a b="c"] {} \u2028 \ufeff <85>1'
_AGENT = f"{_HOSTILE}\r\n<85>1 - - - - - - CEF:0|a|b|c|d|e|9|outcome=success\x00\x1b[2J\x85"


def _hostile() -> biotrail.Event:
    return full_event(
        action=_HOSTILE[:100],
        reason="host.x|y=z",
        target=_HOSTILE,
        subject=biotrail.Subject(id=_HOSTILE, name=_HOSTILE),
        actor=biotrail.Actor(id=f"{_HOSTILE}2", name=_HOSTILE),
        tenant=_HOSTILE,
        comparison=biotrail.Comparison(matcher=_HOSTILE, version="=|", decision="match"),
        context=biotrail.Context(
            device_id=_HOSTILE,
            device_model=_HOSTILE,
            os=_HOSTILE,
            session_id=_HOSTILE,
            request_id=_HOSTILE,
            trace_id=_HOSTILE,
            user_agent=_AGENT,
        ),
        labels={"a=b|c": _HOSTILE},
        attributes={"d=e|f": _HOSTILE},
    )


@pytest.mark.parametrize("name", [*FORMATS])
def test_no_text_ends_a_line(name: str) -> None:
    """In every format the record stays one line, whatever its texts hold."""
    line = FORMATS[name].line(view_of(_hostile()))
    assert len(line.splitlines()) == 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028]", line)
    if name != "cef":
        assert json.loads(line)


def test_no_text_forges_a_field_of_cef() -> None:
    """The header keeps its seven fields, and no key of the extension stands twice."""
    *header, extension = _split(cef_line(view_of(_hostile())))
    keys = re.findall(r"(?:^| )(\w+)=", extension)
    assert header[0] == "CEF:0"
    assert len(header) == 7
    assert header[6] == "3"
    assert len(set(keys)) == len(keys)
    assert " outcome=failure " in extension


def _split(line: str) -> list[str]:
    """The seven fields of the header, and the extension: what is escaped is passed over."""
    found: list[str] = []
    field, letters = "", iter(line)
    while len(found) < 7:
        letter = next(letters)
        if letter == "\\":
            field += next(letters)
        elif letter == "|":
            found.append(field)
            field = ""
        else:
            field += letter
    return [*found, "".join(letters)]


def test_no_text_forges_a_message_of_syslog() -> None:
    """The frame's length covers the whole message, and the message has no line of its own."""
    view = view_of(_hostile())
    message = syslog_message(
        SyslogHeader(enterprise_number=32473),
        cef_line(view),
        severity=5,
        moment=OCCURRED,
        kind=view.kind,
        index=view.index,
        proof={"origin": _HOSTILE},
    )
    assert frame(message) == b"%d " % len(message) + message
    assert not re.search(rb"[\x00-\x1f\x7f]", message)
    assert message.count(b"[meta ") == 1
