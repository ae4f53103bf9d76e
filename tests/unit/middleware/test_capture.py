"""The context of a request, and who vouches for it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import MiddlewareError
from biotrail.middleware import ContextCapture, Geolocation, TrustedProxies

PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Mobile Safari/537.36"
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def capture(**options: Any) -> ContextCapture:
    """A capture with predictable ids and, unless asked, without the package for user agents."""
    return ContextCapture(
        **{"new_request_id": lambda: "made-here", "parse_user_agents": False, **options}
    )


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Geolocation]:
    """A database of two networks, written in MaxMind's format."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(6, "Test-City", languages=["en"], ipv4_compatible=True)
    berlin = {
        "country": {"iso_code": "DE"},
        "city": {"names": {"en": "Berlin", "de": "Berlin an der Spree"}},
        "subdivisions": [{"names": {"en": "Land Berlin"}}],
        "location": {"latitude": 52.52, "longitude": 13.405, "accuracy_radius": 20},
    }
    writer.insert_network(IPSet(["192.0.2.0/24", "2001:db8::/32"]), berlin)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "FR"}})
    path = tmp_path / "places.mmdb"
    writer.to_db_file(str(path))
    with Geolocation(path) as opened:
        yield opened


def test_what_the_host_sees_itself() -> None:
    """Without headers there is the peer's address, and an id made here; both are observed."""
    captured = capture().capture([], "192.0.2.1")
    assert captured.context.ip == ip_address("192.0.2.1")
    assert captured.context.request_id == "made-here"
    assert dict(captured.context.provenance) == {"ip": "observed", "request_id": "observed"}
    assert captured.labels == {}


def test_ids_of_a_client_are_its_claims() -> None:
    """Request and trace ids count as the client's claims; from a trusted proxy, as the proxy's."""
    headers = [(b"X-Request-ID", b"req-1"), (b"traceparent", TRACEPARENT.encode())]
    context = capture().capture(headers, "192.0.2.1").context
    assert (context.request_id, context.trace_id) == ("req-1", TRACE)
    assert context.provenance["request_id"] == context.provenance["trace_id"] == "client_claimed"
    behind = capture(proxies=TrustedProxies(hops=1)).capture(headers, "10.0.0.1").context
    assert behind.provenance["trace_id"] == "proxy_asserted"


@pytest.mark.parametrize(
    "value",
    [
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"{TRACEPARENT}-more",
        TRACEPARENT.upper(),
        TRACEPARENT[:-1],
        f"{TRACEPARENT}\n",
    ],
)
def test_a_trace_that_is_not_valid_is_left_out(value: str) -> None:
    """A traceparent that W3C calls invalid gives no trace id."""
    assert capture().capture([("traceparent", value)], None).context.trace_id is None


def test_traces_of_later_versions_and_two_traces() -> None:
    """A later version may go on after the flags; two headers are none."""
    later = TRACEPARENT.replace("00-", "01-", 1) + "-more"
    assert capture().capture([("traceparent", later)], None).context.trace_id == TRACE
    both = [("traceparent", TRACEPARENT)] * 2
    assert capture().capture(both, None).context.trace_id is None


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb: c", "x" * 129, "é", "a\x00"])
def test_an_id_that_could_break_a_log_is_replaced(value: str) -> None:
    """A request id that is not a plain word is not taken over."""
    assert capture().capture([("x-request-id", value)], None).context.request_id == "made-here"


@pytest.mark.component("middleware")
def test_user_agents_are_parsed() -> None:
    """System and device are read out of the user agent, and remain the client's claims."""
    context = ContextCapture().capture([(b"User-Agent", PIXEL.encode())], "192.0.2.1").context
    assert (context.os, context.device_model) == ("Android 14", "Google Pixel 8")
    assert context.user_agent == PIXEL
    assert {context.provenance[name] for name in ("os", "device_model", "user_agent")} == {
        "client_claimed"
    }
    unknown = ContextCapture().capture([("user-agent", "curl/8")], None).context
    assert (unknown.os, unknown.device_model, unknown.user_agent) == (None, None, "curl/8")


def test_a_long_user_agent_is_cut_and_said_so() -> None:
    """A user agent is kept up to 1,024 characters; a label says that there was more."""
    captured = capture().capture([("User-Agent", "x" * 5_000)], None)
    assert captured.context.user_agent == "x" * 1_024
    assert captured.labels == {"user_agent_cut": True}


@pytest.mark.component("mmdb_writer")
@pytest.mark.component("middleware")
@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8::9"])
def test_places_are_looked_up(places: Geolocation, address: str) -> None:
    """The place of the address is recorded, with the provenance of the address."""
    proxies = TrustedProxies(hops=1)
    captured = capture(geolocation=places, proxies=proxies).capture(
        [("X-Forwarded-For", address)], "10.0.0.1"
    )
    place = captured.context.location
    assert place is not None
    assert (place.latitude, place.longitude, place.accuracy_m) == (52.52, 13.405, 20_000)
    assert (place.country, place.region, place.city) == ("DE", "Land Berlin", "Berlin")
    assert captured.context.provenance["location"] == "proxy_asserted"


@pytest.mark.component("mmdb_writer")
@pytest.mark.component("middleware")
@pytest.mark.parametrize("address", ["203.0.113.1", "198.51.100.1"])
def test_no_place_where_none_is_known(places: Geolocation, address: str) -> None:
    """An unknown address, or one without coordinates, has no place."""
    assert capture(geolocation=places).capture([], address).context.location is None


@pytest.mark.component("mmdb_writer")
@pytest.mark.component("middleware")
def test_databases_without_places_are_refused(tmp_path: Path) -> None:
    """What is absent, no database, or has no coordinates by its type, is refused when opened."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(4, "GeoLite2-Country")
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    countries, text = tmp_path / "countries.mmdb", tmp_path / "text.mmdb"
    writer.to_db_file(str(countries))
    text.write_text("no database")
    for path in (countries, text, tmp_path / "absent.mmdb"):
        with pytest.raises(MiddlewareError, match=path.name):
            Geolocation(path)
