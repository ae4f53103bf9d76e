"""The vectors of references and of the sign projection: as written, and as the code says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers import Reference
from biotrail.matchers.projection import ProjectionKey, SignProjection, whole_numbers
from tests.vectors import make_reference_vectors as maker

pytestmark = pytest.mark.component("numpy")


def load(name: str) -> Any:
    """A file of vectors."""
    return json.loads((maker.FOLDER / name).read_text(encoding="utf-8"))


def str_of(case: Any) -> str:
    """What the case is called in reports."""
    centred = " from a centre" if case["centre"] else ""
    return f"{case['embedding']}, {case['bits']} bits{centred}"


PROJECTION, REFERENCES = load("projection.json"), load("references.json")


@pytest.mark.parametrize("name", ["projection.json", "references.json"])
def test_files_are_what_the_script_writes(name: str) -> None:
    """The script writes these very files, from the slow copy of the specification."""
    assert (maker.FOLDER / name).read_text(encoding="utf-8") == maker.files()[name]


@pytest.mark.parametrize("case", PROJECTION["keys"], ids=lambda case: case["name"])
def test_ids_of_keys(case: Any) -> None:
    """A key's id is that of the vectors."""
    assert ProjectionKey(bytes.fromhex(case["key"])).id == case["id"]


@pytest.mark.parametrize("case", PROJECTION["projections"], ids=str_of)
def test_projections(case: Any) -> None:
    """Whole numbers and bits are those of the vectors."""
    import numpy

    values = numpy.frombuffer(bytes.fromhex(case["values"]), "<f8")
    centre = numpy.frombuffer(bytes.fromhex(case["centre"] or ""), "<f8")
    seen = values - centre if centre.size else values
    assert whole_numbers(seen).tolist() == case["whole_numbers"]
    projection = SignProjection(
        ProjectionKey(bytes.fromhex(case["key"])),
        context=bytes.fromhex(case["context"]),
        dimension=len(values),
        bits=case["bits"],
        centre=centre.tolist() or None,
    )
    packed = numpy.packbits(projection.project(values) > 0, bitorder="little")
    assert packed.tobytes().hex() == case["projected"]


@pytest.mark.parametrize("case", REFERENCES["accepted"], ids=lambda one: one["what"])
def test_references_are_read(case: Any) -> None:
    """Each reference is read, is of the card, and is written as it was."""
    data = bytes.fromhex(case["hex"])
    reference = Reference.from_bytes(data)
    assert reference.card_digest.hex() == REFERENCES["card"]
    assert reference.to_bytes() == data


@pytest.mark.parametrize("case", REFERENCES["refused"], ids=lambda one: one["why"])
def test_references_are_refused(case: Any) -> None:
    """Each of these is refused."""
    with pytest.raises(MatcherError, match="not a reference"):
        Reference.from_bytes(bytes.fromhex(case["hex"]))
