"""The reference page of the mappings names what the code writes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from biotrail.forwarding import ecs_document, ocsf_event
from biotrail.forwarding.cef import LENGTHS
from tests._components import ROOT
from tests.unit.forwarding._views import view_of

_PAGE = (ROOT / "docs/reference/forwarding.md").read_text(encoding="utf-8")
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _PAGE.splitlines()
    if line.startswith("| ") and line.count("|") == 5 and not line.startswith("| record")
]


def _at(document: dict[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value[name]
    return value


@pytest.mark.parametrize("row", _ROWS, ids=[row[0] for row in _ROWS])
def test_named_fields_are_written(row: list[str]) -> None:
    """Each field that the page names is one that a full record has."""
    view = view_of()
    ocsf, ecs = ocsf_event(view), ecs_document(view)
    for own, path in re.findall(r"(own )?`([a-z_.]+)`", row[1]):
        assert _at(ocsf["unmapped"]["biotrail"] if own else ocsf, path) is not None
    for path in re.findall(r"`([@a-z_.]+)`", row[2]):
        assert _at(ecs, path) is not None
    for key in re.findall(r"`(\w+)`", row[3]):
        assert key in LENGTHS
