"""Frames between the worker and its parent: whole, bounded, of known kinds."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.matchers._wire import Kind, read_frame, write_frame


def written(kind: Kind, *parts: bytes) -> bytes:
    """The bytes of one frame."""
    stream = io.BytesIO()
    write_frame(stream, kind, *parts)
    return stream.getvalue()


@given(st.sampled_from(Kind), st.lists(st.binary(max_size=50), max_size=3))
def test_round_trip(kind: Kind, parts: list[bytes]) -> None:
    """What was written in parts is read as one body."""
    stream = io.BytesIO(written(kind, *parts))
    assert read_frame(stream, maximum=200) == (kind, b"".join(parts))
    assert read_frame(stream, maximum=200) is None


def test_a_cut_frame_is_the_end() -> None:
    """Wherever the stream ends inside a frame, there is no frame."""
    data = written(Kind.FACES, b"abc")
    for length in range(len(data)):
        assert read_frame(io.BytesIO(data[:length]), maximum=100) is None


@pytest.mark.parametrize("head", [struct.pack(">IB", 0, 1), struct.pack(">IB", 2**32 - 1, 1)])
def test_lengths_are_bounded(head: bytes) -> None:
    """An empty frame, and one longer than allowed, are refused before anything is read."""
    with pytest.raises(ValueError, match="at most 100"):
        read_frame(io.BytesIO(head + b"x" * 200), maximum=100)


def test_unknown_kinds_are_refused() -> None:
    """A kind that nobody defined is refused."""
    with pytest.raises(ValueError, match="99"):
        read_frame(io.BytesIO(struct.pack(">IB", 1, 99)), maximum=100)
