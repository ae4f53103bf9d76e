"""Whatever a client sends, the capture does not raise and believes nobody whom it should not."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from biotrail.events import Provenance
from biotrail.middleware import ContextCapture, TrustedProxies

PEER = "198.51.100.7"
CAPTURE = ContextCapture(parse_user_agents=False)
POLICIES = st.builds(
    TrustedProxies,
    hops=st.none() | st.integers(1, 4),
    networks=st.sampled_from([(), ("10.0.0.0/8",), ("10.0.0.0/8", "198.51.100.0/24")]),
    header=st.sampled_from([None, "forwarded", "x-forwarded-for"]),
)
ADDRESSES = st.ip_addresses().map(str)
NODES = st.one_of(
    ADDRESSES,
    ADDRESSES.map(lambda address: f'for="[{address}]"'),
    ADDRESSES.map(lambda address: f"for={address}"),
    st.sampled_from(["unknown", "for=_x", 'for="', "", ";", "10.0.0.1", "for=10.0.0.1"]),
    st.text(max_size=30),
)
LINES = st.lists(NODES, max_size=5).map(", ".join)
NAMES = st.sampled_from(
    ["Forwarded", "X-Forwarded-For", "User-Agent", "X-Request-ID", "traceparent", "Cookie"]
)
HEADERS = st.lists(
    st.tuples(NAMES, LINES | st.text() | st.binary(max_size=60)) | st.tuples(st.binary(), LINES),
    max_size=8,
)
PEERS = st.none() | ADDRESSES | st.just(PEER) | st.text(max_size=20)


@given(POLICIES, HEADERS, PEERS)
def test_the_capture_never_raises(
    proxies: TrustedProxies, headers: list[tuple[str | bytes, str | bytes]], peer: str | None
) -> None:
    """Any headers from any peer give a context that an event takes."""
    captured = ContextCapture(proxies=proxies, parse_user_agents=False).capture(headers, peer)
    assert captured.context.request_id is not None
    assert set(captured.labels) <= {"forwarding_refused", "user_agent_cut"}


@given(HEADERS)
def test_an_untrusted_peer_is_never_believed(headers: list[tuple[str, str]]) -> None:
    """Without trusted proxies, and outside their networks, the address is always the peer's."""
    outside = ContextCapture(
        proxies=TrustedProxies(networks=["10.0.0.0/8"]), parse_user_agents=False
    )
    for capture in (CAPTURE, outside):
        context = capture.capture(headers, PEER).context
        assert context.ip == ip_address(PEER)
        assert context.provenance["ip"] is Provenance.OBSERVED


@given(HEADERS, st.ip_addresses(v=4))
def test_what_a_client_sends_before_the_proxy_changes_nothing(
    headers: list[tuple[str, str]], client: object
) -> None:
    """Where the proxy adds a line of its own, the client is whom the proxy names."""
    proxies = TrustedProxies(hops=1, header="x-forwarded-for")
    short = [(name, value[:200]) for name, value in headers]
    lines = [*short, ("X-Forwarded-For", str(client))]
    context = ContextCapture(proxies=proxies, parse_user_agents=False).capture(lines, PEER).context
    assert context.ip == client
    assert context.provenance["ip"] is Provenance.PROXY_ASSERTED


@given(LINES, ADDRESSES)
def test_hops_outside_the_networks_are_never_believed(line: str, outside: str) -> None:
    """An address behind one that is in no trusted network is never taken for the client's."""
    proxies = TrustedProxies(networks=["10.0.0.0/8"], header="x-forwarded-for")
    headers = [("X-Forwarded-For", f"{line}, {outside}, 10.0.0.2")]
    capture = ContextCapture(proxies=proxies, parse_user_agents=False)
    context = capture.capture(headers, "10.0.0.1").context
    address = ip_address(outside)
    mapped = getattr(address, "ipv4_mapped", None) or address
    if not (mapped.version == 4 and str(mapped).startswith("10.")):
        assert context.ip == mapped
