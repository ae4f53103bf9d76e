"""Spans and metrics about logs for OpenTelemetry, without anything personal.

Nothing of this is loaded, and no log is any slower, until a `Telemetry` is made and given a log.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail.telemetry.telemetry import Telemetry

__all__ = ["Telemetry"]

__getattr__ = load_when_used(__name__, {"Telemetry": f"{__name__}.telemetry"})
