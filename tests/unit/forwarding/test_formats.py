"""Records in ECS, CEF, syslog, CloudEvents and lines of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from biotrail import Context
from biotrail.errors import ForwardingError
from biotrail.forwarding import (
    FORMATS,
    SyslogHeader,
    cef_line,
    cloud_event,
    ecs_document,
    record_document,
)
from biotrail.forwarding.cef import LENGTHS, escape_header, escape_value
from biotrail.forwarding.ecs import CATEGORIES
from biotrail.forwarding.formats import find_format
from biotrail.forwarding.syslog import escape_parameter, frame, syslog_message
from tests.unit.forwarding._views import OTHERS, entry_of, view_of

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
EXPECTED_TYPES = {
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "database": {"access", "change", "info", "error"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "process": {"access", "change", "end", "info", "start"},
}


def _message(text: str, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "severity": 5,
        "moment": MOMENT,
        "kind": "event",
        "index": 7,
        "proof": {"index": 7},
        **changes,
    }
    return syslog_message(
        changes.pop("header", SyslogHeader()),
        text,
        **{name: one for name, one in fields.items() if name != "header"},
    )


def test_ecs_fields() -> None:
    """ECS names who, whence and how it ended, and the hash and sequence of the log."""
    view = view_of()
    found = ecs_document(view)
    assert found["@timestamp"] == "2026-11-23T11:59:58.123456Z"
    assert found["event"]["category"] == ["authentication"]
    assert found["event"]["outcome"] == "failure"
    assert found["event"]["hash"] == view.leaf_hash
    assert found["event"]["sequence"] == view.index
    assert found["event"]["provider"] == "example.com/door"
    assert found["user"] == {"id": "ada", "name": "Ada L.", "hash": view.subject_reference}
    assert found["source"]["geo"]["location"] == {"lat": 52.52, "lon": 13.405}
    assert found["related"]["user"] == ["ada", "kiosk-1"]
    assert found["biotrail"]["actor"] == {"id": "kiosk-1", "kind": "device"}


def test_ecs_categories_are_those_of_the_schema() -> None:
    """Each pair of category and type is one that ECS expects; each kind of entry has one."""
    assert all(kind in EXPECTED_TYPES[category] for category, kind in CATEGORIES.values())
    assert set(OTHERS) <= set(CATEGORIES)


def test_cef_fields() -> None:
    """CEF has the header of the standard, and custom fields with their labels."""
    view = view_of()
    line = cef_line(view)
    assert line.startswith("CEF:0|biotrail|biotrail|")
    assert "|door.open|door.open denied: non_match|3|" in line
    assert f"cs2={view.leaf_hash} cs2Label=leaf hash" in line
    assert f"cn1={view.index} cn1Label=log index" in line
    assert " src=192.0.2.7 " in line
    assert "c6a2=2001:db8::1 " in cef_line(view_of(context=Context(ip="2001:db8::1")))


@pytest.mark.parametrize(
    ("text", "header", "value"),
    [
        ("a|b", r"a\|b", "a|b"),
        ("a=b", "a=b", r"a\=b"),
        ("a\\b", r"a\\b", r"a\\b"),
        ("a\r\nb", "a b", r"a\r\nb"),
        ("a\x1bb", r"a\\u001bb", r"a\\u001bb"),
        ("a\u2028b", r"a\\u2028b", r"a\\u2028b"),
        ("a\x85b", r"a\\u0085b", r"a\\u0085b"),
    ],
)
def test_cef_escapes(text: str, header: str, value: str) -> None:
    """Header and values are escaped as the standard says, each in its own way."""
    assert escape_header(text) == header
    assert escape_value(text) == value


def test_cef_lengths() -> None:
    """Values are cut at the length of the dictionary, before they are escaped."""
    line = cef_line(view_of(context=Context(user_agent="=" * 1024)))
    assert line.endswith(r"\=" * LENGTHS["requestClientApplication"])


def test_syslog_header() -> None:
    """A message has the header of RFC 5424 and IANA's structured data."""
    header = SyslogHeader(hostname="host", process="12", enterprise_number=32473)
    found = _message("CEF:0|x", header=header).decode()
    assert found.startswith(
        '<85>1 2026-11-23T12:00:00.000000Z host biotrail 12 event [origin software="biotrail" '
    )
    assert found.endswith('[meta sequenceId="8"][biotrail@32473 index="7"] CEF:0|x')
    assert frame(b"abc") == b"3 abc"


def test_syslog_byte_order_mark_and_controls() -> None:
    """Text beyond ASCII begins with the mark; control characters cannot begin a new message."""
    assert b"\xef\xbb\xbf" not in _message("plain")
    assert _message("grün").endswith(b"] \xef\xbb\xbfgr\xc3\xbcn")
    assert _message("a\n<85>1 b").endswith(b"] a\\u000a<85>1 b")


def test_syslog_sequence_stays_in_bounds() -> None:
    """The sequence id goes from 1 to 2,147,483,647 and begins anew."""
    assert b'sequenceId="2147483647"' in _message("x", index=2_147_483_646)
    assert b'sequenceId="1"' in _message("x", index=2_147_483_647)


def test_syslog_parameters_are_escaped() -> None:
    """What would end a parameter, or an element, does not."""
    assert escape_parameter('a"b\\c]d\ne') == 'a\\"b\\\\c\\]d\\\\u000ae'


@pytest.mark.parametrize("name", ["", "two words", "a\nb", "ä", "x" * 256])
def test_syslog_refuses_names(name: str) -> None:
    """A host's name that RFC 5424 has no form for is refused at the door."""
    with pytest.raises(ForwardingError, match="hostname"):
        SyslogHeader(hostname=name)


def test_cloud_event() -> None:
    """A CloudEvent's source and id name the record once and for all; its data is the document."""
    view = view_of(opened=False)
    found = cloud_event(view)
    assert (found["specversion"], found["id"]) == ("1.0", str(view.index))
    assert found["source"] == "/example.com/door"
    assert found["data"] == record_document(view)
    assert found["data"]["absent"] == {"subject": "sealed", "actor": "sealed"}
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in found)


@pytest.mark.parametrize("name", [*FORMATS])
@pytest.mark.parametrize("kind", [*OTHERS])
def test_every_kind_is_one_line(name: str, kind: str) -> None:
    """Each kind of entry has one line in each format, of ASCII, and JSON where it is."""
    view = entry_of(kind, OTHERS[kind])
    line = FORMATS[name].line(view)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert view.leaf_hash in line
    if name != "cef":
        assert json.loads(line)


def test_unknown_formats_are_refused() -> None:
    """A format that there is not is refused, and those that there are are named."""
    with pytest.raises(ForwardingError, match="ocsf, ecs, cef, cloudevents, jsonl"):
        find_format("leef")
