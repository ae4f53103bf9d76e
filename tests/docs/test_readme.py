"""What the README, the tutorial and the how-to pages show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests._components import ROOT
from tests.docs._snippets import Block, blocks, commands, run_block

PAGES = sorted(
    [ROOT / "README.md", *ROOT.glob("docs/tutorial/*.md"), *ROOT.glob("docs/how-to/*.md")]
)


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_page_runs(page: Path, tmp_path: Path) -> None:
    """Every Python and console block of the page runs, in order, and prints what the page shows."""
    for block in blocks(page):
        run_block(block, tmp_path)


def _page(folder: Path, text: str) -> list[Block]:
    page = folder / "page.md"
    page.write_text(text)
    return [block._replace(page="page.md") for block in blocks(page)]


def test_blocks_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are found with their line, indented ones too, and with the reason not to run them."""
    monkeypatch.setattr("tests.docs._snippets.ROOT", tmp_path)
    plain = "# A page\n\n```python\n1\n```\n\n- item\n\n"
    indented = "  <!-- not run: camera -->\n  ```console\n  $ a\n  ```\n"
    first, second = _page(tmp_path, plain + indented)
    assert (first.line, first.language, first.code, first.not_run) == (3, "python", "1\n", None)
    assert (second.language, second.code, second.not_run) == ("console", "$ a\n", " camera ")


def test_a_block_that_fails_is_told(tmp_path: Path) -> None:
    """A program that ends badly fails the test with the page, the line and what was printed."""
    with pytest.raises(AssertionError, match=r"page\.md:3\n(.|\n)*ZeroDivisionError"):
        run_block(Block("page.md", 3, "python", "1 / 0\n", None), tmp_path)


def test_output_that_does_not_appear_is_told(tmp_path: Path) -> None:
    """Shown output must appear, line by line; three dots stand for anything."""
    run_block(Block("page.md", 3, "console", "$ echo one two\none ...\n", None), tmp_path)
    with pytest.raises(AssertionError, match="not printed"):
        run_block(Block("page.md", 3, "console", "$ echo one\ntwo\n", None), tmp_path)


def test_a_reason_is_required(tmp_path: Path) -> None:
    """A block cannot be left out without a word."""
    with pytest.raises(AssertionError, match="needs a reason"):
        run_block(Block("page.md", 3, "python", "1 / 0\n", " "), tmp_path)


def test_commands_may_span_lines() -> None:
    """A backslash at the end of a line joins the next one to the command."""
    (command,) = commands("$ echo one \\\n>   two\none two\n")
    assert command.line == "echo one \\\n  two"
    assert command.output == ["one two"]
