"""Where records are sent: a syslog receiver, an HTTPS address, a file, a logger."""

from biotrail.forwarding.sinks.base import Sink
from biotrail.forwarding.sinks.file import FileSink
from biotrail.forwarding.sinks.https import Bearer, HttpsSink, Signed
from biotrail.forwarding.sinks.loggers import LoggingSink, StructlogSink
from biotrail.forwarding.sinks.syslog_tls import SyslogTlsSink

__all__ = [
    "Bearer",
    "FileSink",
    "HttpsSink",
    "LoggingSink",
    "Signed",
    "Sink",
    "StructlogSink",
    "SyslogTlsSink",
]
