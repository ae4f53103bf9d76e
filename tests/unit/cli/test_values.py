"""Recorded values in words."""

from __future__ import annotations

from uuid import UUID

import pytest

pytest.importorskip("typer", reason="component cli: not installed (extra: cli)")

from biotrail.cli._values import address, decimal, exact, spread


@pytest.mark.parametrize(
    ("micro", "shown"),
    [
        (0, "0.000000"),
        (830_000, "0.830000"),
        (-1, "-0.000001"),
        (-1_500_000, "-1.500000"),
        (2**64 - 1, "18446744073709.551615"),
        (None, "-"),
        ("text", "-"),
    ],
)
def test_millionths_are_shown_exactly(micro: object, shown: str) -> None:
    """Whole millionths are shown as a decimal number without rounding."""
    assert decimal(micro) == shown


def test_addresses() -> None:
    """Four or sixteen bytes are an address; anything else is shown for what it is."""
    assert address(bytes((192, 0, 2, 7))) == "192.0.2.7"
    assert address(bytes(15) + b"\x01") == "::1"
    assert address(None) == "-"
    assert address(b"\x01\x02") == r"b'\x01\x02'"


def test_bytes_are_written_out() -> None:
    """For machines an event id is a UUID, an address is an address, other bytes are hexadecimal."""
    recorded = {"id": bytes(16), "ip": bytes(4), "payload": b"\x01\xff", "more": [b"\x00", 1, True]}
    assert exact(recorded) == {
        "id": str(UUID(int=0)),
        "ip": "0.0.0.0",
        "payload": "01ff",
        "more": ["00", 1, True],
    }


def test_nested_values_are_spread() -> None:
    """Maps become names with dots, millionths lose their suffix, lists and truth become words."""
    recorded = {"location": {"latitude_micro": 48_000_000}, "factors": ["pin", "badge"], "ok": True}
    assert list(spread(recorded)) == [
        ("location.latitude", "48.000000"),
        ("factors", "pin, badge"),
        ("ok", "true"),
    ]
