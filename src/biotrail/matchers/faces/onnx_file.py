"""Writes ONNX files: just enough of the format for a network of convolutions.

ONNX is a protocol buffer (https://onnx.ai, ``onnx.proto3``; IR version 8, operator set 13). The
bytes depend on what is written alone, on no version of any library, so that a converted model has
one SHA-256 on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Graph"]

_IR_VERSION, _OPERATORS = 8, 13
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_WHOLE, _WHOLES = 2, 7  # AttributeProto.AttributeType


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    kind, written = (_INT64, "<i8") if values.dtype.kind == "i" else (_FLOAT, "<f4")
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, kind) + _bytes(8, name) + _bytes(9, values.astype(written).tobytes())


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _bytes(1, name) + _number(3, value) + _number(20, _WHOLE)
    return _bytes(1, name) + b"".join(_number(8, one) for one in value) + _number(20, _WHOLES)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size)) for size in shape
    )
    tensor = _number(1, _FLOAT) + _bytes(2, sizes)
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


class Graph:
    """A network under construction: add nodes in order, then take the bytes.

    Args:
        name: Name of the network.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Keep values (float32 or int64) under a name, once; the name."""
        self._constants.setdefault(name, _tensor(name, values))
        return name

    def node(
        self, operator: str, *inputs: str, output: str = "", **attributes: int | Sequence[int]
    ) -> str:
        """Apply an operator; the name of its output."""
        output = output or f"{operator.lower()}{len(self._nodes)}"
        parts = [_bytes(1, name) for name in inputs]
        parts += [_bytes(2, output), _bytes(4, operator)]
        parts += [_bytes(5, _attribute(*one)) for one in sorted(attributes.items())]
        self._nodes.append(b"".join(parts))
        return output

    def to_bytes(
        self, *, given: tuple[str, Sequence[int | str]], answer: tuple[str, Sequence[int | str]]
    ) -> bytes:
        """The ONNX file.

        Args:
            given: Name and shape of the float32 input; a text stands for any size.
            answer: Name and shape of the float32 output.
        """
        parts = [_bytes(1, node) for node in self._nodes]
        parts += [_bytes(2, self._name)]
        parts += [_bytes(5, constant) for constant in self._constants.values()]
        parts += [_bytes(11, _value(*given)), _bytes(12, _value(*answer))]
        operators = _bytes(1, "") + _number(2, _OPERATORS)
        return _number(1, _IR_VERSION) + _bytes(7, b"".join(parts)) + _bytes(8, operators)
