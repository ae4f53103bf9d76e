r"""Messages of the syslog protocol (RFC 5424), framed for TLS by their length (RFC 5425 §4.3).

``<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [origin ...][meta ...] MSG``. The structured data
is IANA's own (RFC 5424 §7.2, §7.3); with an enterprise number of the host's, an element of ours
comes on top and bears what leads back to the proof.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from biotrail._version import __version__
from biotrail.canonical import format_time
from biotrail.errors import ForwardingError

__all__ = ["SyslogHeader", "escape_parameter", "frame", "syslog_message"]

_AUTHPRIV = 10
_HIGHEST_SEQUENCE = 2_147_483_647
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def _word(maximum: int) -> Callable[[Any, attrs.Attribute[str], str], None]:
    def check(_: Any, attribute: attrs.Attribute[str], value: str) -> None:
        if not (_PRINTABLE.fullmatch(value) and len(value) <= maximum):
            raise ForwardingError(
                f"{attribute.name} of syslog is 1 to {maximum} printable ASCII characters without "
                f"spaces, not {value!r}"
            )

    return check


@attrs.frozen(kw_only=True)
class SyslogHeader:
    """Who speaks: the fields of the header that are the same for all messages.

    Attributes:
        hostname: Name of this host, up to 255 characters; ``"-"`` for none.
        app_name: Name of the application, up to 48 characters.
        process: Its process, up to 128 characters; ``"-"`` for none.
        facility: Facility, 0 to 23; 10 (security and authorization) by default.
        enterprise_number: Your private enterprise number at IANA, if you have one: then an element
            ``biotrail@number`` names origin, index, leaf hash and checkpoint size.

    Raises:
        ForwardingError: One of them has a form that RFC 5424 does not allow.
    """

    hostname: str = attrs.field(default="-", validator=_word(255))
    app_name: str = attrs.field(default="biotrail", validator=_word(48))
    process: str = attrs.field(default="-", validator=_word(128))
    facility: int = _AUTHPRIV
    enterprise_number: int | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.facility <= 23:
            raise ForwardingError(f"a facility of syslog is 0 to 23, not {self.facility}")
        if self.enterprise_number is not None and self.enterprise_number < 1:
            raise ForwardingError("an enterprise number is 1 or more")


def syslog_message(
    header: SyslogHeader,
    text: str,
    *,
    severity: int,
    moment: datetime,
    kind: str,
    index: int,
    proof: dict[str, object],
) -> bytes:
    r"""One message, without its frame.

    Args:
        header: Who speaks.
        text: The message's text. Where it has characters beyond ASCII, it begins with the byte
            order mark, as RFC 5424 §6.4 demands; control characters are written as ``\u001b``.
        severity: 0 (emergency) to 7 (debug).
        moment: The time of the header.
        kind: Kind of the entry: the message's id, cut to 32 characters.
        index: Index in the log; ``meta sequenceId`` goes from 1 to 2,147,483,647 and begins anew.
        proof: What leads back to the proof, for the element under an enterprise number.
    """
    elements = [
        f'[origin software="biotrail" swVersion="{escape_parameter(__version__[:32])}"]',
        f'[meta sequenceId="{index % _HIGHEST_SEQUENCE + 1}"]',
    ]
    if header.enterprise_number is not None:
        pairs = "".join(f' {name}="{escape_parameter(str(one))}"' for name, one in proof.items())
        elements.append(f"[biotrail@{header.enterprise_number}{pairs}]")
    head = (
        f"<{header.facility * 8 + severity}>1 {format_time(moment)} {header.hostname} "
        f"{header.app_name} {header.process} {kind[:32]} {''.join(elements)} "
    )
    text = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    mark = b"" if text.isascii() else _BYTE_ORDER_MARK
    return head.encode() + mark + text.encode()


def escape_parameter(text: str) -> str:
    r"""A value of structured data: ``"``, ``\`` and ``]`` are escaped (RFC 5424 §6.3.3)."""
    text = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def frame(message: bytes) -> bytes:
    """A message with its length before it, as RFC 5425 §4.3 has it on a TLS stream."""
    return b"%d %s" % (len(message), message)
