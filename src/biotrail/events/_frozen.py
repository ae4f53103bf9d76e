"""A mapping that does not change, compares by content and can be pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

_Value = TypeVar("_Value")


class FrozenMapping(Mapping[str, _Value]):
    """A read-only copy of a mapping (``types.MappingProxyType`` cannot be pickled)."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, _Value]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> _Value:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def plain(self) -> dict[str, _Value]:
        """The dictionary within, for reading at speed; not to be changed."""
        return self._values

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMapping, (self._values,)
