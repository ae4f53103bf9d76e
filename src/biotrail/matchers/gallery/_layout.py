r"""The bytes of a gallery file.

All numbers are little-endian::

    "biotrail/gallery/1\n" · length of header (4) · header, JSON · zeros up to a multiple of 4096
    · lists, in chunks · zeros up to a multiple of 4096 · rows, in chunks
    · SHA-256 of all before (32)

The lists are the foreign ids (JSON array of texts) and then sixteen bytes a row: its name. The rows
are float32, one after the other. Lists are cut into chunks of 65,536 bytes, rows into chunks of
whole rows: as many as fit 65,536 bytes, and at least one. In an encrypted file each chunk is
followed by its tag; chunks are numbered from 0 through lists and rows. Otherwise chunks follow each
other directly, so that the rows can be mapped.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

from biotrail.errors import GalleryFileError
from biotrail.matchers.gallery._cipher import SALT_BYTES, TAG_BYTES

__all__ = ["HEAD", "NAME_BYTES", "PAGE", "Layout", "read_head"]

HEAD = b"biotrail/gallery/1\n"
PAGE = 4096
NAME_BYTES = 16
_CHUNK = 65_536
_LARGEST_HEADER = 65_536
_FIXED = len(HEAD) + 4
_NUMBERS = ("dimension", "foreign", "samples", "size", "version")


def _rounded(size: int) -> int:
    return -(-size // PAGE) * PAGE


@attrs.frozen(kw_only=True)
class Layout:
    """What the header says, and where everything is.

    Attributes:
        card: Digest of the model card, in hexadecimal digits.
        model: Identifier and version of the model, for people.
        metric: Name of the measure.
        dimension: Values a row.
        name: Name of the gallery.
        version: Its version.
        size: References.
        samples: Rows.
        foreign: Length of the array of foreign ids, in bytes.
        salt: Salt of the encryption in hexadecimal digits; empty where the file is not encrypted.
    """

    card: str
    model: str
    metric: str
    dimension: int
    name: str
    version: int
    size: int
    samples: int
    foreign: int
    salt: str

    def header(self) -> bytes:
        """All that stands before the lists."""
        text = json.dumps(attrs.asdict(self), sort_keys=True, ensure_ascii=False).encode()
        head = HEAD + len(text).to_bytes(4, "little") + text
        return head.ljust(_rounded(len(head)), b"\0")

    @property
    def header_hash(self) -> bytes:
        """SHA-256 of all that stands before the lists."""
        return hashlib.sha256(self.header()).digest()

    @property
    def tag(self) -> int:
        """Bytes that encryption adds to a chunk."""
        return TAG_BYTES if self.salt else 0

    @property
    def lists(self) -> int:
        """Length of the lists, in the clear."""
        return self.foreign + NAME_BYTES * self.samples

    @property
    def list_chunk(self) -> int:
        """Bytes of a chunk of the lists, in the clear."""
        return _CHUNK

    @property
    def list_chunks(self) -> int:
        """Chunks of the lists."""
        return -(-self.lists // _CHUNK)

    @property
    def chunk_rows(self) -> int:
        """Rows of a chunk."""
        return max(1, _CHUNK // (4 * self.dimension))

    @property
    def row_chunks(self) -> int:
        """Chunks of the rows."""
        return -(-self.samples // self.chunk_rows)

    @property
    def chunks(self) -> int:
        """All chunks."""
        return self.list_chunks + self.row_chunks

    @property
    def lists_at(self) -> int:
        """Where the lists begin."""
        return len(self.header())

    @property
    def rows_at(self) -> int:
        """Where the rows begin."""
        return _rounded(self.lists_at + self.lists + self.tag * self.list_chunks)

    @property
    def trailer_at(self) -> int:
        """Where the checksum begins."""
        return self.rows_at + 4 * self.dimension * self.samples + self.tag * self.row_chunks

    @property
    def length(self) -> int:
        """Length of the file."""
        return self.trailer_at + 32


def read_head(start: bytes) -> Layout:
    """Read the header from the first bytes of a file (the first 65,600 or more).

    Raises:
        GalleryFileError: It is not the header of a gallery.
    """
    if not start.startswith(HEAD):
        raise GalleryFileError("this file is not a gallery", reason="not a gallery")
    length = int.from_bytes(start[len(HEAD) : _FIXED], "little")
    text = start[_FIXED : _FIXED + length]
    if len(text) < length <= _LARGEST_HEADER:
        raise GalleryFileError("the gallery ends within its header", reason="truncated")
    try:
        layout = Layout(**_fields(json.loads(text)))
    except (ValueError, TypeError) as error:
        raise GalleryFileError("the gallery's header is damaged", reason="corrupted") from error
    if not start.startswith(layout.header()):
        raise GalleryFileError("the gallery's header is damaged", reason="corrupted")
    return layout


def _fields(found: Any) -> dict[str, Any]:
    """The header's fields, each of the right type and sign."""
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    for name, value in found.items():
        right = type(value) is int and value >= 0 if name in _NUMBERS else type(value) is str
        if not right:
            raise ValueError(f"the field {name} is not as it must be")
    if found.get("dimension") == 0 or len(found.get("salt", "")) not in (0, 2 * SALT_BYTES):
        raise ValueError("dimension or salt is not as it must be")
    bytes.fromhex(found.get("salt", ""))
    return found
