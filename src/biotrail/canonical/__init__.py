"""Which bytes: events to entries and payloads and back, in one canonical form."""

from biotrail.canonical.cbor import CborValue, decode_value, encode_value
from biotrail.canonical.entry import (
    ENTRY_VERSION,
    FIRST_PREV,
    MAXIMUM_ENTRY_SIZE,
    Entry,
    Head,
    decode_entry,
    encode_body,
    frame_entry,
    split_entry,
)
from biotrail.canonical.event_codec import (
    PERSONAL_FIELDS,
    EncodedEvent,
    decode_event,
    encode_event,
)
from biotrail.canonical.payload import (
    Payload,
    commitment,
    commitments_of,
    decode_payload,
    encode_payload,
    field_salt,
    payload_root,
)
from biotrail.canonical.times import format_time, parse_time

__all__ = [
    "ENTRY_VERSION",
    "FIRST_PREV",
    "MAXIMUM_ENTRY_SIZE",
    "PERSONAL_FIELDS",
    "CborValue",
    "EncodedEvent",
    "Entry",
    "Head",
    "Payload",
    "commitment",
    "commitments_of",
    "decode_entry",
    "decode_event",
    "decode_payload",
    "decode_value",
    "encode_body",
    "encode_event",
    "encode_payload",
    "encode_value",
    "field_salt",
    "format_time",
    "frame_entry",
    "parse_time",
    "payload_root",
    "split_entry",
]
