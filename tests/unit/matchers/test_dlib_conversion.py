"""The conversion writes ONNX of its own; what it writes is what it was given."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from biotrail.errors import ModelError
from biotrail.matchers.faces.dlib_conversion import convert_dlib_resnet
from biotrail.matchers.faces.onnx_file import Graph, _varint

pytestmark = pytest.mark.component("onnx")


def run(data: bytes, **given: Any) -> Any:
    """What ONNX Runtime answers."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]


def test_variable_length_numbers() -> None:
    """Known encodings of protocol buffers (its documentation: 150 is 96 01)."""
    assert _varint(150) == b"\x96\x01"
    assert _varint(0) == b"\0"
    assert _varint(127) == b"\x7f"
    assert _varint(128) == b"\x80\x01"


def test_a_small_graph_computes() -> None:
    """A graph of a product, a padding and a convolution gives what NumPy gives."""
    import numpy

    graph = Graph("small")
    doubled = graph.node("Mul", "x", graph.constant("two", numpy.array(2.0)))
    pads = graph.constant("pads", numpy.array([0, 0, 0, 0, 0, 0, 1, 0], numpy.int64))
    padded = graph.node("Pad", doubled, pads)
    filters = graph.constant("filters", numpy.ones((1, 1, 2, 2)))
    graph.node("Conv", padded, filters, output="y", strides=(1, 1), pads=(0, 0, 0, 0))
    data = graph.to_bytes(given=("x", ("n", 1, 2, 2)), answer=("y", ("n", 1, 2, 1)))
    x = numpy.array([[[[1, 2], [3, 4]]]], numpy.float32)
    assert run(data, x=x).tolist() == [[[[20.0], [14.0]]]]
    assert graph.to_bytes(given=("x", ("n", 1, 2, 2)), answer=("y", ("n", 1, 2, 1))) == data


@pytest.mark.parametrize(
    ("manifest", "weights"),
    [
        (b"{}", b""),
        (b"not json", b""),
        (b'[{"weights": []}]', b""),
        (b'[{"weights": []}]', b"left over"),
        (
            json.dumps([{"weights": [{"name": "fc", "shape": [2], "dtype": "float32"}]}]).encode(),
            struct.pack("<f", 1.0),
        ),
    ],
)
def test_other_weights_are_refused(manifest: bytes, weights: bytes) -> None:
    """What is not the weights of this network ends in an error of that name."""
    with pytest.raises(ModelError, match="not the weights of dlib's face network"):
        convert_dlib_resnet(manifest, weights)
