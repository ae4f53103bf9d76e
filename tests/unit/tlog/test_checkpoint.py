"""Checkpoint texts, and what a checkpoint cannot be."""

from __future__ import annotations

import pytest

from biotrail.errors import MalformedError
from biotrail.tlog import EMPTY_ROOT, Checkpoint, leaf_hash, unverified_checkpoint

ROOT = leaf_hash(b"a")
TEXT = "a.example/log\n5\nAippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=\n"


def test_a_checkpoint_is_three_lines() -> None:
    """Origin, size, and root in base64, each with its newline."""
    assert Checkpoint("a.example/log", 5, ROOT).text() == TEXT


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ROOT),
        ("a b", 1, ROOT),
        ("a+b", 1, ROOT),
        ("a\nb", 1, ROOT),
        ("a\u2003b", 1, ROOT),
        ("\ud800", 1, ROOT),
        ("a", -1, ROOT),
        ("a", 2**63, ROOT),
        ("a", 1, b""),
        ("a", 1, ROOT + b"\0"),
        ("a", 0, ROOT),
    ],
)
def test_what_has_no_text_is_no_checkpoint(origin: str, size: int, root: bytes) -> None:
    """Origins, sizes and roots that cannot be written are refused at once."""
    with pytest.raises(MalformedError):
        Checkpoint(origin, size, root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "extension\n",
        "\n" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\u2028"),
        *(
            TEXT.replace("\n5\n", f"\n{size}\n")
            for size in ("05", "+5", "-5", "5 ", "\u0665", "5_0")
        ),
        *(
            TEXT.replace("\n5\n", f"\n{size}\n")
            for size in ("", "²", "0x5", str(2**63), "9" * 5000)
        ),
        TEXT.replace("Tw=", "Tx="),
        TEXT.replace("Tw=", "Tw"),
        TEXT.replace("Tw=", "Tw =="),
        TEXT.replace("+Tw", "-Tw"),
        TEXT.replace("Aipp", "Ai\0p"),
        TEXT.replace("Aipp", ""),
    ],
)
def test_only_what_would_be_written_is_read(text: str) -> None:
    """Any other spelling of the same checkpoint is malformed."""
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)


def test_a_note_can_be_looked_into_unverified() -> None:
    """For routing, a checkpoint is read without its signatures, which must yet be there."""
    note = TEXT + "\n— a.example/log AAAA\n"
    assert unverified_checkpoint(note) == Checkpoint.parse(TEXT)
    for bad in (TEXT, TEXT + "\n", note[:-1], note + "\n", note.replace("—", "-"), "\n" + note):
        with pytest.raises(MalformedError):
            unverified_checkpoint(bad)


def test_the_empty_tree_has_one_root() -> None:
    """Size 0 goes with the empty root and no other."""
    assert Checkpoint("a", 0, EMPTY_ROOT).size == 0
