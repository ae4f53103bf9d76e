"""From where: addresses, places, and who vouches for them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Any

import pytest

from biotrail import Context, Event, Location, Provenance
from biotrail.errors import EventError
from tests._ids import stable
from tests.unit.events._making import kept, refusal


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.7", IPv4Address("192.0.2.7")),
        ("2001:DB8:0::1", IPv6Address("2001:db8::1")),
        ("::ffff:192.0.2.7", IPv6Address("::ffff:192.0.2.7")),
        ("fe80::1%eth0", IPv6Address("fe80::1")),
        (IPv6Address("fe80::1%1"), IPv6Address("fe80::1")),
        (IPv4Address(0), IPv4Address("0.0.0.0")),
        (None, None),
    ],
)
def test_addresses(value: object, expected: object) -> None:
    """Both families are accepted; a zone, which names an interface of one machine, is dropped."""
    assert kept("Context.ip", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "192.0.2",
        "192.0.2.07",
        "192.0.2.7/24",
        "example.com",
        " ::1",
        3221225985,
        b"\0" * 4,
        True,
        IPv6Network("::/64"),
        object(),
    ],
    ids=stable,
)
def test_what_is_no_address(value: object) -> None:
    """Names, networks, numbers and bytes are no addresses."""
    error = refusal("Context.ip", value)
    assert (error.field, error.value_type) == ("Context.ip", type(value).__name__)


@pytest.mark.parametrize("value", ["ch", "C", "CHE", "ÄÖ", "C1", 1])
def test_countries(value: object) -> None:
    """A country is two upper-case ASCII letters."""
    assert kept("Location.country", "CH") == "CH"
    assert refusal("Location.country", value).field == "Location.country"


@pytest.mark.parametrize("value", [(47.0, 8.0), {"latitude": 1}, "Zürich", Location])
def test_locations_are_locations(value: object) -> None:
    """A place is a `Location`, not a pair or a name."""
    assert refusal("Context.location", value).field == "Context.location"


def test_fields_are_claimed_by_the_client_by_default() -> None:
    """Every field that is set has a provenance; where none was named, nobody vouches for it."""
    context = Context(ip="::1", os="Linux", provenance={"ip": "observed"})
    assert dict(context.provenance) == {
        "ip": Provenance.OBSERVED,
        "os": Provenance.CLIENT_CLAIMED,
    }
    assert dict(Context().provenance) == {}


def test_every_field_may_be_vouched_for() -> None:
    """Each field of the context, and each word of provenance, go together."""
    values: dict[str, Any] = {
        "ip": "::1",
        "device_id": "d",
        "device_model": "m",
        "os": "o",
        "user_agent": "u",
        "location": Location(latitude=0, longitude=0),
        "session_id": "s",
        "request_id": "r",
        "trace_id": "t",
    }
    for word in Provenance:
        context = Context(**values, provenance=dict.fromkeys(values, word))
        assert dict(context.provenance) == dict.fromkeys(values, word)


@pytest.mark.parametrize(
    ("provenance", "field"),
    [
        ({"ip": "observed"}, "Context.provenance[ip]"),
        ({"colour": "observed"}, "Context.provenance"),
        ({1: "observed"}, "Context.provenance"),
        ({"os": "perhaps"}, "Context.provenance[os]"),
        ({"os": None}, "Context.provenance[os]"),
        ([("os", "observed")], "Context.provenance"),
        (None, "Context.provenance"),
        ("observed", "Context.provenance"),
    ],
)
def test_wrong_provenance(provenance: Any, field: str) -> None:
    """Provenance is a mapping from fields that are set to its words."""
    with pytest.raises(EventError) as caught:
        Context(os="Linux", provenance=provenance)
    assert caught.value.field == field


def test_names_of_unknown_fields_are_not_repeated() -> None:
    """A name that is none of the context's is not written into the message."""
    with pytest.raises(EventError) as caught:
        Context(provenance={"ann@example.com": Provenance.OBSERVED})
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize("value", [{}, "192.0.2.7", Context, 1])
def test_contexts_are_contexts(value: Any) -> None:
    """An event's context is a `Context`; None stands for an empty one."""
    assert refusal("Event.context", value).rule == "must be a Context"
    assert Event(action="a", decision="denied", context=None).context == Context()
