"""Erasure certificates of the vectors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biotrail.errors import AlteredError, BiotrailError, MalformedError, SignatureError
from biotrail.verify import verify_certificate
from tests.vectors.make_spec_vectors import FOLDER

VECTORS: Any = json.loads((FOLDER / "certificates.json").read_text(encoding="utf-8"))
VERDICTS: dict[str, type[BiotrailError]] = {
    "altered": AlteredError,
    "malformed": MalformedError,
    "not signed": SignatureError,
}


@pytest.mark.parametrize("text", VECTORS["files"])
def test_certificates_hold(text: str) -> None:
    """Each certificate of the vectors is accepted, and its text is the one that was told."""
    found = verify_certificate(text.encode(), VECTORS["keys"])
    assert text.startswith(found.text + "c2sp.org/tlog-proof@v1\n")


@pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["why"])
def test_certificates_are_refused(one: dict[str, Any]) -> None:
    """Each file of the vectors that is no certificate has its verdict."""
    with pytest.raises(VERDICTS[one["verdict"]]):
        verify_certificate(one["text"].encode(), VECTORS["keys"])
