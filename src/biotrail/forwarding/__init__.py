"""Records on their way to other systems: OCSF, ECS, CEF over syslog, CloudEvents.

A record is mapped by pure functions of its `RecordView`; a `Forwarder` takes the records of a log
to a `Sink`, in order and at least once, from where it stopped. What a receiver holds is a copy:
origin, index, leaf hash and checkpoint size in it lead back to the proof, which the log has.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail._retrying import Backoff
    from biotrail.forwarding.cef import cef_line
    from biotrail.forwarding.cloudevents import cloud_event
    from biotrail.forwarding.dead_letters import DeadLetter, DeadLetters
    from biotrail.forwarding.document import record_document
    from biotrail.forwarding.ecs import ecs_document
    from biotrail.forwarding.exporting import export_lines
    from biotrail.forwarding.formats import FORMATS, Format, Message
    from biotrail.forwarding.forwarder import Forwarder
    from biotrail.forwarding.ocsf import ocsf_event
    from biotrail.forwarding.position import Position, PositionFile
    from biotrail.forwarding.sinks import (
        Bearer,
        FileSink,
        HttpsSink,
        LoggingSink,
        Signed,
        Sink,
        StructlogSink,
        SyslogTlsSink,
    )
    from biotrail.forwarding.sinks.base import tls_context
    from biotrail.forwarding.syslog import SyslogHeader
    from biotrail.forwarding.told import Forwarded, Lag, Redelivered
    from biotrail.forwarding.view import Place, RecordView

__all__ = [
    "FORMATS",
    "Backoff",
    "Bearer",
    "DeadLetter",
    "DeadLetters",
    "FileSink",
    "Format",
    "Forwarded",
    "Forwarder",
    "HttpsSink",
    "Lag",
    "LoggingSink",
    "Message",
    "Place",
    "Position",
    "PositionFile",
    "RecordView",
    "Redelivered",
    "Signed",
    "Sink",
    "StructlogSink",
    "SyslogHeader",
    "SyslogTlsSink",
    "cef_line",
    "cloud_event",
    "ecs_document",
    "export_lines",
    "ocsf_event",
    "record_document",
    "tls_context",
]

_PLACES = {
    "cef": ("cef_line",),
    "cloudevents": ("cloud_event",),
    "dead_letters": ("DeadLetter", "DeadLetters"),
    "document": ("record_document",),
    "ecs": ("ecs_document",),
    "exporting": ("export_lines",),
    "formats": ("FORMATS", "Format", "Message"),
    "forwarder": ("Forwarder",),
    "ocsf": ("ocsf_event",),
    "position": ("Position", "PositionFile"),
    "sinks": (
        "Bearer",
        "FileSink",
        "HttpsSink",
        "LoggingSink",
        "Signed",
        "Sink",
        "StructlogSink",
        "SyslogTlsSink",
    ),
    "sinks.base": ("tls_context",),
    "syslog": ("SyslogHeader",),
    "told": ("Forwarded", "Lag", "Redelivered"),
    "view": ("Place", "RecordView"),
}

__getattr__ = load_when_used(
    __name__,
    {
        "Backoff": "biotrail._retrying",
        **{name: f"{__name__}.{module}" for module, names in _PLACES.items() for name in names},
    },
)
