"""The one event that all of part 1 is measured with: twelve fields, six of them personal."""

from __future__ import annotations

import biotrail

PEOPLE = 1_000


def twelve_fields(number: int) -> biotrail.Event:
    """Actor, subject, IP, device, user agent and score are personal; the other six are not."""
    person = f"person-{number % PEOPLE:04}@example.com"
    return biotrail.Event(
        action="door.open",
        target="server-room-4",
        modality="face",
        decision="granted",
        reason="match",
        actor=person,
        subject=person,
        comparison=biotrail.Comparison(
            matcher="example-matcher",
            version="1.4.2",
            decision="match",
            score=0.831204,
            threshold=0.6,
        ),
        context=biotrail.Context(
            ip="192.0.2.17",
            device_id="reader-17-b",
            user_agent="DoorReader/4.2 (Linux; arm64) Firmware/2026.09",
        ),
    )
