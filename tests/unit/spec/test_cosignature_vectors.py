"""The vectors of post-quantum cosignatures are as generated, and our code agrees with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biotrail.errors import SignatureError
from biotrail.signing import MlDsa44Cosigner, MlDsa44Key, check_post_quantum, open_checkpoint
from tests.vectors import _spec_log as spec
from tests.vectors import make_cosignature_vectors as maker

pytestmark = pytest.mark.component("ml-dsa")

VECTORS = json.loads(maker.FILE.read_text(encoding="utf-8"))


@pytest.mark.component("oracles")
def test_the_file_is_as_generated() -> None:
    """No vector was edited by hand, and another implementation still makes the same ones."""
    assert maker.FILE.read_text(encoding="utf-8") == maker.text_of(maker.cosignatures())


@pytest.mark.parametrize("one", VECTORS["opens"], ids=lambda one: one["why"])
def test_cosignatures_that_hold(one: dict[str, Any]) -> None:
    """Each holds under its key and says its time; the checkpoint opens under the log's key too."""
    key = MlDsa44Key.parse(one["verifier_key"])
    assert check_post_quantum(one["note"], key).timestamp == int(one["timestamp"])
    assert key == MlDsa44Cosigner.from_seed(key.name, bytes.fromhex(VECTORS["seed"])).key
    assert open_checkpoint(one["note"], [spec.verifier_key("A")])[0].size == 70_000


@pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["why"])
def test_cosignatures_that_are_refused(one: dict[str, Any]) -> None:
    """The others do not hold; to whoever requires none the checkpoint still opens."""
    with pytest.raises(SignatureError):
        check_post_quantum(one["note"], one["verifier_key"])
    assert open_checkpoint(one["note"], [spec.verifier_key("A")])[0].size == 70_000
