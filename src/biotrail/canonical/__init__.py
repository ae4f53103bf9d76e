"""Which bytes: events to entries and payloads and back, in one canonical form."""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
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
from biotrail.canonical.event_encoding import (
    PERSONAL_FIELDS,
    EncodedEvent,
    encode_event,
    event_content,
    personal_fields,
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
from biotrail.canonical.sealed import (
    Owner,
    Part,
    Remnant,
    SealedPart,
    associated_data,
    decode_part,
    decode_sealed,
    encode_part,
    encode_sealed,
    is_sealed,
    part_root,
    sealed_root,
)
from biotrail.canonical.times import format_time, parse_time

if TYPE_CHECKING:
    from biotrail.canonical.event_decoding import decode_event
    from biotrail.canonical.moved import move, moved_back

__all__ = [
    "ENTRY_VERSION",
    "FIRST_PREV",
    "MAXIMUM_ENTRY_SIZE",
    "PERSONAL_FIELDS",
    "CborValue",
    "EncodedEvent",
    "Entry",
    "Head",
    "Owner",
    "Part",
    "Payload",
    "Remnant",
    "SealedPart",
    "associated_data",
    "commitment",
    "commitments_of",
    "decode_entry",
    "decode_event",
    "decode_part",
    "decode_payload",
    "decode_sealed",
    "decode_value",
    "encode_body",
    "encode_event",
    "encode_part",
    "encode_payload",
    "encode_sealed",
    "encode_value",
    "event_content",
    "field_salt",
    "format_time",
    "frame_entry",
    "is_sealed",
    "move",
    "moved_back",
    "parse_time",
    "part_root",
    "payload_root",
    "personal_fields",
    "sealed_root",
    "split_entry",
]

# Who records reads no event back, and not every log has a policy that moves fields.
__getattr__ = load_when_used(
    __name__,
    {
        "decode_event": "biotrail.canonical.event_decoding",
        "move": "biotrail.canonical.moved",
        "moved_back": "biotrail.canonical.moved",
    },
)
