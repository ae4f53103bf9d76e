"""Raw samples, images, templates, embeddings and landmarks: refused everywhere, and told why."""

from __future__ import annotations

import array
import io
from types import SimpleNamespace
from typing import Any

import pytest

from biotrail.matchers import Features, Reference, Sample
from tests.unit.events._making import refusal
from tests.unit.events.test_numbers import REAL
from tests.unit.events.test_text import EVERY

FIELDS = [*EVERY, *REAL, "Event.actor", "Event.subject", "Event.modality", "Event.reason"]
FIELDS += ["Event.comparison", "Context.location", "Event.attributes", "Event.labels"]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(1_000)
SAMPLES: dict[str, Any] = {
    "bytes of an image": PNG,
    "bytearray": bytearray(PNG),
    "memoryview": memoryview(PNG),
    "list of an embedding": [0.25] * 128,
    "tuple of landmarks": ((0.1, 0.2, 0.3),) * 478,
    "frozenset": frozenset({0.5}),
    "array": array.array("d", [0.5] * 128),
    "image by its interface": SimpleNamespace(__array_interface__={"shape": (1, 1)}, size=(1, 1)),
    "tensor by its shape": SimpleNamespace(shape=(128,)),
    "result with landmarks": SimpleNamespace(face_landmarks=[[0.1]]),
    "landmark list": SimpleNamespace(landmark=[0.1]),
    "features of a matcher": Features(card_digest=bytes(32), values=None),  # type: ignore[arg-type]
    "reference": Reference(card_digest=bytes(32), values=None, id="r"),  # type: ignore[arg-type]
    "sample": Sample(card_digest=bytes(32), values=None),  # type: ignore[arg-type]
}
NAMES = ["embedding", "Embedding", "template", "landmarks", "photo", "face", "iris_code"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_field_refuses_samples(field: str, sample: str) -> None:
    """Each field refuses what can carry a sample, and says why."""
    error = refusal(field, SAMPLES[sample])
    assert error.field == field
    assert error.value_type == type(SAMPLES[sample]).__name__
    assert "cannot be revoked once leaked" in error.rule
    assert "record the comparison score instead" in str(error)


@pytest.mark.parametrize("field", ["Event.attributes", "Event.labels"])
@pytest.mark.parametrize("sample", [one for one in SAMPLES if one != "bytes of an image"])
def test_the_hosts_values_refuse_samples(field: str, sample: str) -> None:
    """No value of the host's own may be such a thing."""
    error = refusal(field, {"colour": SAMPLES[sample]})
    assert error.field == f"{field}[colour]"
    assert "cannot be revoked once leaked" in error.rule


@pytest.mark.parametrize("field", ["Event.attributes", "Event.labels"])
def test_bytes_by_size(field: str) -> None:
    """Bytes beyond the size of a digest are refused: the smallest template is larger."""
    error = refusal(field, {"colour": bytes(65)})
    assert "at most 64" in error.rule
    assert "cannot be revoked once leaked" in error.rule


@pytest.mark.parametrize("field", ["Event.attributes", "Event.labels"])
@pytest.mark.parametrize("name", NAMES)
def test_names_of_biometrics(field: str, name: str) -> None:
    """Under a name of a biometric neither bytes nor long text are accepted."""
    for value in (b"\x00", "A" * 65):
        assert "cannot be revoked once leaked" in refusal(field, {name: value}).rule


@pytest.mark.component("numpy")
@pytest.mark.parametrize("field", FIELDS)
def test_numpy_arrays(field: str) -> None:
    """Arrays of any size and kind are refused, one of a single number too."""
    numpy = pytest.importorskip("numpy")
    for value in (numpy.zeros(128, numpy.float32), numpy.zeros(1), numpy.array(["face"])):
        assert "cannot be revoked once leaked" in refusal(field, value).rule


@pytest.mark.component("pillow")
@pytest.mark.parametrize("field", FIELDS)
def test_pillow_images(field: str) -> None:
    """Images are refused."""
    image = pytest.importorskip("PIL.Image")
    error = refusal(field, image.new("RGB", (2, 2)))
    assert "cannot be revoked once leaked" in error.rule


def test_files_are_no_values() -> None:
    """A file is refused as a value of another type."""
    assert refusal("Event.attributes", {"scan": io.BytesIO(PNG)}).value_type == "BytesIO"
