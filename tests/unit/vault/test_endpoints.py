"""Addresses of services, and calls that may never answer."""

from __future__ import annotations

import threading
import time

import pytest

from biotrail._bounded import within
from biotrail._endpoints import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://kms.example.com", Endpoint(True, "kms.example.com", 443, "")),
        ("https://kms.example.com:8200/", Endpoint(True, "kms.example.com", 8200, "")),
        ("https://10.0.0.1:8200/behind/", Endpoint(True, "10.0.0.1", 8200, "/behind")),
        ("https://[::1]:8200", Endpoint(True, "::1", 8200, "")),
        ("http://127.0.0.1:4566", Endpoint(False, "127.0.0.1", 4566, "")),
        ("http://127.8.9.1", Endpoint(False, "127.8.9.1", 80, "")),
        ("http://localhost:8100", Endpoint(False, "localhost", 8100, "")),
        ("http://[::1]:8200", Endpoint(False, "::1", 8200, "")),
    ],
)
def test_addresses_are_read(address: str, expected: Endpoint) -> None:
    """TLS anywhere, and plain HTTP on this machine."""
    assert parse_endpoint(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "http://kms.example.com",
        "http://10.0.0.1:8200",
        "http://0.0.0.0:8200",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://2130706433",
        "http://user@127.0.0.1",
        "https://user:password@kms.example.com",
        "https://kms.example.com?token=1",
        "https://kms.example.com#here",
        "https://kms.example.com:port",
        "https://",
        "ftp://127.0.0.1",
        "kms.example.com",
        "",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    """Plain HTTP leaves this machine under no spelling, and an address carries no secret."""
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit has its own words for a bad port
        parse_endpoint(address)


def test_a_call_in_time_is_the_call() -> None:
    """What the work returns or raises comes out as it is."""
    assert within(10, lambda: "answer") == "answer"
    assert within(10, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 // 0)


def test_a_call_that_hangs_is_left_behind() -> None:
    """The caller goes on after its time, whatever the work does."""
    end = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        within(0.05, lambda: end.wait(30))
    assert time.monotonic() - begun < 10
    end.set()
