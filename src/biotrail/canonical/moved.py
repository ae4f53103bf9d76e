"""Fields that a host's policy moves between the entry and the payload.

The names say where a field belongs by default, so what was moved is found and put back without
knowing the policy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from biotrail.canonical.event_encoding import PERSONAL_FIELDS

__all__ = ["move", "moved_back"]

_FROM_CONTEXT = ("os", "trace_id", "request_id", "device_model")
_FROM_COMPARISON = ("gallery", "reference", "calibration", "quality_micro", "threshold_micro")
_FROM_CONTENT = ("labels", "target", "factors")
# A person who is named in an entry is named by a reference, which is moved nowhere.
_PERSONAL = tuple(name for name in PERSONAL_FIELDS if name not in ("actor", "subject"))
_IN_MILLIONTHS = frozenset({"score", "quality", "threshold"})


def move(
    content: Mapping[str, Any],
    fields: Collection[tuple[str, Any]],
    *,
    seal: Collection[str],
    clear: Collection[str],
) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Move fields as a policy says.

    Args:
        content: What the entry would say.
        fields: The personal fields.
        seal: Names of fields to move from the entry to the payload, as the policy names them.
        clear: Names of fields to move from the payload to the entry.

    Returns:
        Content and fields, each in canonical order.
    """
    content, personal = dict(content), dict(fields)
    to_seal = {_written(name) for name in seal}
    to_clear = {_written(name) for name in clear}
    for name in [name for name in personal if name in to_clear]:
        content[name] = personal.pop(name)
    for name in _FROM_CONTENT:
        if name in to_seal and name in content:
            personal[name] = content.pop(name)
    for place, names in (("context", _FROM_CONTEXT), ("comparison", _FROM_COMPARISON)):
        _move_from(content, place, [name for name in names if name in to_seal], personal)
    return _in_order(content), list(_in_order(personal).items())


def moved_back(
    content: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put what was moved where it is by default."""
    clear, personal = dict(content), dict(fields)
    for name in _PERSONAL:
        if name in clear:
            personal[name] = clear.pop(name)
    for name in _FROM_CONTENT:
        if name in personal:
            clear[name] = personal.pop(name)
    for place, names in (("context", _FROM_CONTEXT), ("comparison", _FROM_COMPARISON)):
        back = {name: personal.pop(name) for name in names if name in personal}
        if back:
            clear[place] = {**clear.get(place, {}), **back}
    return clear, personal


def _move_from(
    content: dict[str, Any], place: str, names: Collection[str], personal: dict[str, Any]
) -> None:
    here = content.get(place)
    if not here or not names:
        return
    left = {name: value for name, value in here.items() if name not in names}
    personal.update({name: value for name, value in here.items() if name in names})
    if left:
        content[place] = left
    else:
        del content[place]


def _written(name: str) -> str:
    return f"{name}_micro" if name in _IN_MILLIONTHS else name


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    # All names are ASCII and short: canonical order is by length, then by letters.
    return dict(sorted(values.items(), key=lambda pair: (len(pair[0]), pair[0])))
