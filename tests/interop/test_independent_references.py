"""References and projections in another language, written from the specification, agree with us."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from biotrail.matchers.projection import ProjectionKey, SignProjection, whole_numbers
from tests._components import ROOT
from tests.vectors.make_reference_vectors import FOLDER

pytestmark = [pytest.mark.component("node"), pytest.mark.component("numpy")]

READER = ROOT / "tests" / "interop" / "independent" / "references.js"


def disagreements(*arguments: Path) -> list[Any]:
    """What the other implementation finds wrong."""
    ran = subprocess.run(
        ["node", str(READER), *map(str, arguments)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    return found


def test_the_vectors_hold_in_another_language() -> None:
    """Key ids, whole numbers, bits, and which bytes are references: all as in the vectors."""
    assert disagreements(FOLDER) == []


def test_a_wrong_vector_is_noticed(tmp_path: Path) -> None:
    """The other implementation does not simply agree with everything."""
    for name in ("projection.json", "references.json"):
        content = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        if name == "projection.json":
            content["projections"][0]["projected"] = "00" * 8
        else:
            content["accepted"][0]["hex"] += "00"
        (tmp_path / name).write_text(json.dumps(content))
    assert len(disagreements(tmp_path)) == 2


def test_random_embeddings_come_to_the_same_bits(tmp_path: Path) -> None:
    """For random keys, sizes, magnitudes and centres both come to the same numbers and bits."""
    import numpy

    source = random.Random(20261123)
    made = []
    for _ in range(60):
        dimension, bits = source.choice((1, 2, 17, 128)), source.choice((64, 136))
        scale = 10.0 ** source.randint(-300, 300)
        values = [scale * source.gauss(0, 1) for _ in range(dimension)]
        centre = [scale * source.gauss(0, 1) for _ in values] if source.random() < 0.5 else None
        key, context = source.randbytes(32), source.randbytes(32)
        projection = SignProjection(
            ProjectionKey(key), context=context, dimension=dimension, bits=bits, centre=centre
        )
        array = numpy.array(values)
        seen = array if centre is None else array - numpy.array(centre)
        signs = projection.project(array)
        pack = struct.Struct(f"<{dimension}d").pack
        made.append(
            {
                "key": key.hex(),
                "context": context.hex(),
                "bits": bits,
                "values": pack(*values).hex(),
                "centre": None if centre is None else pack(*centre).hex(),
                "whole_numbers": [int(number) for number in whole_numbers(seen)],
                "projected": numpy.packbits(signs > 0, bitorder="little").tobytes().hex(),
            }
        )
    path = tmp_path / "random.json"
    path.write_text(json.dumps({"projections": made}))
    assert disagreements(FOLDER, path) == []
