"""Model cards: one serialisation, one digest, and no two cards' scores mixed."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import pytest

from biotrail.errors import MatcherError
from biotrail.matchers import Assurance, ModelCard, ModelFile, NetworkPolicy

CARD = ModelCard(
    id="voice",
    version="2",
    metric="cosine",
    higher_is_better=True,
    intended_use="vérification",
    assurance=Assurance.IDENTITY,
    network_policy=NetworkPolicy.IN_PROCESS,
    dimension=4,
    files=(ModelFile(name="voice.onnx", sha256="ab" * 32, licence="MIT"),),
)

SERIALISED = (
    '{"alignment":null,"assurance":"identity","colour_order":null,"dimension":4,'
    '"files":[{"licence":"MIT","name":"voice.onnx","sha256":"' + "ab" * 32 + '"}],'
    '"higher_is_better":true,"id":"voice","intended_use":"vérification","licence":"Apache-2.0",'
    '"metric":"cosine","network_policy":"in_process","runtime":null,"runtime_version":null,'
    '"value_range":null,"version":"2"}'
)


def test_serialisation_is_sorted_json() -> None:
    """A card's bytes are sorted JSON without spaces, in UTF-8."""
    assert CARD.to_json() == SERIALISED.encode()


def test_digest_can_be_computed_from_the_description() -> None:
    """The digest is SHA-256 over the first line and the JSON, as the docstring says."""
    expected = hashlib.sha256(b"biotrail/model-card/1\n" + SERIALISED.encode()).digest()
    assert CARD.digest == expected
    assert CARD.digest is CARD.digest


@pytest.mark.parametrize(
    "change",
    [
        {"version": "3"},
        {"metric": "euclidean"},
        {"runtime_version": "1"},
        {"dimension": 5},
        {"files": ()},
        {"assurance": "demonstration"},
    ],
)
def test_every_field_changes_the_digest(change: dict[str, Any]) -> None:
    """Whatever changes in a card, its digest changes."""
    assert attrs.evolve(CARD, **change).digest != CARD.digest


@pytest.mark.parametrize("field", ["id", "version", "metric", "intended_use"])
def test_a_card_without_a_name_is_refused(field: str) -> None:
    """The texts that name a card must not be empty."""
    empty: dict[str, Any] = {field: " "}
    with pytest.raises(MatcherError, match=field):
        attrs.evolve(CARD, **empty)


def test_a_file_needs_a_whole_hash() -> None:
    """A model file's SHA-256 is 64 lower-case hexadecimal digits."""
    with pytest.raises(MatcherError, match="64"):
        ModelFile(name="x", sha256="AB" * 32, licence="MIT")
