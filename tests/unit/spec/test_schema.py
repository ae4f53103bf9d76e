"""The schema on the page is the schema of the store."""

from __future__ import annotations

import re

from biotrail.stores._sqlite_schema import MIGRATIONS
from tests._components import ROOT


def test_the_page_shows_the_statements_that_make_the_file() -> None:
    """Each statement of each version stands on the page, in order, but for white space."""
    page = (ROOT / "docs" / "spec" / "sqlite.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = [[" ".join(one.split()) for one in block.split("\n\n")] for block in blocks]
    assert shown == [[" ".join(one.split()) + ";" for one in some] for some in MIGRATIONS]
