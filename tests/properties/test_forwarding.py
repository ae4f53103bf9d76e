"""Any event has its form in every format, which parsers of others read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings

from biotrail import Event
from biotrail.forwarding import FORMATS, SyslogHeader, cef_line, ocsf_event
from biotrail.forwarding.syslog import syslog_message
from tests.properties.event_strategies import events
from tests.unit.forwarding._ocsf import errors_in
from tests.unit.forwarding._views import view_of

_MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@given(events())
@settings(max_examples=60)
def test_every_event_is_one_line(event: Event) -> None:
    """Each format writes any event as one line, and JSON is JSON."""
    for opened in (True, False):
        view = view_of(event, opened=opened)
        for form in FORMATS.values():
            line = form.line(view)
            assert len(line.splitlines()) == 1
            assert form.name == "cef" or json.loads(line)


@pytest.mark.component("ocsf")
@given(events())
@settings(max_examples=60)
def test_every_event_fits_ocsf(event: Event) -> None:
    """Any event is one of the published schema of OCSF 1.8.0."""
    assert errors_in(ocsf_event(view_of(event))) == []


@pytest.mark.component("siem_parsers")
@given(events())
@settings(max_examples=60)
def test_cef_and_syslog_are_read_back(event: Event) -> None:
    """A parser of CEF and one of RFC 5424 find the fields that were written, and no others."""
    import pycef
    from syslog_rfc5424_parser import SyslogMessage

    # This parser of CEF knows no escapes in the header, and no equals sign there.
    assume(not set(event.action + str(event.reason)) & set("\\=|"))
    view = view_of(event)
    line = cef_line(view)
    found = pycef.parse(line)
    assert found["DeviceProduct"] == "biotrail"
    assert found["CEFVersion"] in ("0", 0, "CEF:0")
    assert found["log index"] == str(view.index)
    assert found["leaf hash"] == view.leaf_hash
    message = syslog_message(
        SyslogHeader(hostname="host", enterprise_number=32473),
        line,
        severity=5,
        moment=_MOMENT,
        kind=view.kind,
        index=view.index,
        proof={"origin": view.place.origin, "leafHash": view.leaf_hash},
    )
    read = SyslogMessage.parse(message.decode())
    assert read.appname == "biotrail"
    assert read.sd["biotrail@32473"]["leafHash"] == view.leaf_hash
    assert read.msg.removeprefix("\ufeff") == line
