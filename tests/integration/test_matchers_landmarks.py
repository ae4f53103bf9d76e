"""MediaPipe face landmarks on real photographs: capture, scores, failures, a broken worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import MatcherError, MissingDependencyError, ModelError, NetworkSealError
from biotrail.matchers import (
    DEMONSTRATION_THRESHOLD,
    EmbeddingMatcher,
    FailureToAcquire,
    LostWorker,
    MatcherBackend,
    MediaPipeFaceLandmarks,
    Reference,
    Sample,
)
from biotrail.matchers._worker import LandmarkWorker
from tests.integration.matchers_photographs import photographs

pytestmark = pytest.mark.component("mediapipe")


@pytest.fixture(scope="module")
def backend() -> Iterator[MediaPipeFaceLandmarks]:
    """One matcher for all tests that do not break it."""
    with MediaPipeFaceLandmarks(photographs()["model"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def reference(backend: MediaPipeFaceLandmarks) -> Reference:
    """The enrolled person."""
    return Reference.from_features(_features(backend, "enrolled"), id="ref-1")


def _features(backend: MediaPipeFaceLandmarks, part: str) -> Any:
    sample = backend.capture(photographs()[part])
    assert isinstance(sample, Sample)
    return backend.extract(sample)


def test_it_is_a_sealed_backend(backend: MediaPipeFaceLandmarks) -> None:
    """It has what the protocol asks for, and its process can make no socket."""
    assert isinstance(backend, MatcherBackend)
    assert backend.seal.filter
    assert backend.card.assurance == "demonstration"
    assert backend.card.runtime_version == backend.seal.mediapipe
    backend.self_test()


@pytest.mark.parametrize(
    ("part", "decision"),
    [
        ("enrolled", "match"),
        ("granted", "match"),
        ("denied", "non_match"),
        ("other_person", "non_match"),
        ("false_non_match", "non_match"),
    ],
)
def test_the_demonstration_decides_as_documented(
    backend: MediaPipeFaceLandmarks, reference: Reference, part: str, decision: str
) -> None:
    """At the demonstration's threshold each photograph gets its documented decision."""
    score = backend.compare(reference, _features(backend, part))
    comparison = score.decide(DEMONSTRATION_THRESHOLD)
    assert comparison.decision == decision
    assert comparison.digest == backend.card.digest
    assert comparison.reference == "ref-1"


def test_the_threshold_lies_between_with_room(
    backend: MediaPipeFaceLandmarks, reference: Reference
) -> None:
    """The same person's photograph is a tenth better than the threshold, the others worse."""
    scores = {
        part: backend.compare(reference, _features(backend, part)).value
        for part in ("granted", "denied", "other_person")
    }
    assert scores["granted"] < 0.9 * DEMONSTRATION_THRESHOLD
    assert min(scores["denied"], scores["other_person"]) > 1.1 * DEMONSTRATION_THRESHOLD


@pytest.mark.parametrize(
    ("part", "reason"), [("no_face", "no_face"), ("several_faces", "multiple_faces")]
)
def test_failures_to_acquire_are_data(
    backend: MediaPipeFaceLandmarks, part: str, reason: str
) -> None:
    """No face and several faces are answers with a reason, not errors."""
    failure = backend.capture(photographs()[part])
    assert isinstance(failure, FailureToAcquire)
    assert failure.reason == reason


def test_a_blank_and_a_tiny_image_have_no_face(backend: MediaPipeFaceLandmarks) -> None:
    """An empty picture and a single pixel have no face."""
    import numpy

    for height, width in ((480, 640), (1, 1)):
        failure = backend.capture(numpy.zeros((height, width, 3), numpy.uint8))
        assert isinstance(failure, FailureToAcquire)
        assert failure.reason == "no_face"


def test_a_small_face_is_too_small(backend: MediaPipeFaceLandmarks) -> None:
    """A face whose pupils are nearer than the minimum is refused as too small."""
    from PIL import Image

    with Image.open(photographs()["other_person"]) as opened:
        small = opened.convert("RGB").resize((256, 256))
    import numpy

    failure = backend.capture(numpy.asarray(small))
    assert isinstance(failure, FailureToAcquire)
    assert failure.reason == "too_small"


def test_bytes_paths_and_arrays_give_one_answer(backend: MediaPipeFaceLandmarks) -> None:
    """However an image is handed over, its features are the same."""
    import numpy
    from PIL import Image

    path = photographs()["other_person"]
    with Image.open(path) as opened:
        array = numpy.asarray(opened.convert("RGB"))
    samples = [backend.capture(image) for image in (path, str(path), path.read_bytes(), array)]
    values = [backend.extract(sample).values for sample in samples if isinstance(sample, Sample)]
    assert len(values) == 4
    assert all((value == values[0]).all() for value in values)


@pytest.mark.parametrize("fault", ["upside down", "planes", "zero to one", "negative"])
def test_wrong_pixels_fail_the_self_test(backend: MediaPipeFaceLandmarks, fault: str) -> None:
    """The drawn face finds what hashes cannot: pixels in a wrong order or on a wrong scale."""
    from biotrail.matchers._self_test import check_drawn_face
    from biotrail.matchers.images import RgbImage

    faults: dict[str, Any] = {
        "upside down": lambda pixels: pixels[::-1],
        "planes": lambda pixels: pixels.transpose(2, 0, 1).reshape(pixels.shape),
        "zero to one": lambda pixels: pixels // 255,
        "negative": lambda pixels: 255 - pixels,
    }

    def wrongly(image: RgbImage) -> Any:
        wrong = RgbImage(faults[fault](image.pixels).copy(), image.width, image.height)
        return [face.landmarks for face in backend.finder.faces(wrong)]

    with pytest.raises(ModelError, match="self-test"):
        check_drawn_face(wrongly)


def test_references_of_other_models_are_refused(
    backend: MediaPipeFaceLandmarks, reference: Reference
) -> None:
    """A reference of another model is never compared, even with as many values."""
    other = EmbeddingMatcher(model="m", version="1", dimension=backend.card.dimension)
    with pytest.raises(MatcherError, match="another model"):
        backend.compare(reference, other.features(reference.values))
    again = Reference.from_bytes(reference.to_bytes())
    assert backend.compare(again, reference).value == pytest.approx(0, abs=1e-6)


def test_landmarks_are_never_shown(backend: MediaPipeFaceLandmarks, reference: Reference) -> None:
    """Neither samples nor references show their values."""
    sample = backend.capture(photographs()["enrolled"])
    assert isinstance(sample, Sample)
    shown = repr(sample) + repr(reference) + repr(backend.extract(sample))
    assert "array" not in shown
    assert str(float(sample.values[0, 0]))[:6] not in shown


def test_a_killed_worker_is_replaced() -> None:
    """A worker that is killed from outside is replaced, and the answer is the same."""
    with MediaPipeFaceLandmarks(photographs()["model"]) as backend:
        before = _features(backend, "enrolled").values
        process = backend.finder._worker._process
        assert process is not None
        os.kill(process.popen.pid, signal.SIGKILL)
        assert (_features(backend, "enrolled").values == before).all()
        assert len(backend.lost_workers) == 1


def test_a_stopped_worker_is_replaced() -> None:
    """A worker that hangs is killed at the deadline and replaced."""
    with MediaPipeFaceLandmarks(photographs()["model"], timeout=1.0) as backend:
        process = backend.finder._worker._process
        assert process is not None
        os.kill(process.popen.pid, signal.SIGSTOP)
        assert isinstance(backend.capture(photographs()["enrolled"]), Sample)
        assert len(backend.lost_workers) == 1


def resident_kilobytes(process: int) -> int:
    """Memory that a process has in use (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@pytest.mark.component("memfd")
def test_memory_stays_flat() -> None:
    """Over hundreds of images the worker does not grow; ten thousand were measured by hand."""
    import numpy

    with MediaPipeFaceLandmarks(photographs()["model"]) as backend:
        process = backend.finder._worker._process
        assert process is not None
        sample = backend.capture(photographs()["other_person"])
        assert isinstance(sample, Sample)
        images = [
            numpy.random.default_rng(seed).integers(0, 255, (200 + seed, 300, 3), numpy.uint8)
            for seed in range(5)
        ]
        for image in images * 10:
            backend.capture(image)
        before = resident_kilobytes(process.popen.pid)
        for _ in range(50):
            backend.capture(photographs()["other_person"])
            for image in images:
                backend.capture(image)
        assert resident_kilobytes(process.popen.pid) - before < 8 * 1024
        assert backend.lost_workers == ()


def test_the_host_can_record_a_lost_worker() -> None:
    """A worker that is killed is told to the host, with its cause, once."""
    lost: list[LostWorker] = []
    with MediaPipeFaceLandmarks(photographs()["model"], on_worker_lost=lost.append) as backend:
        process = backend.finder._worker._process
        assert process is not None
        os.kill(process.popen.pid, signal.SIGKILL)
        assert isinstance(backend.capture(photographs()["enrolled"]), Sample)
        assert [one.cause for one in lost] == ["ended by signal 9"]
        assert backend.lost_workers == tuple(lost)


def test_closing_is_quick_and_leaves_no_process() -> None:
    """Closing kills the worker within a fraction of a second; afterwards calls fail by name."""
    backend = MediaPipeFaceLandmarks(photographs()["model"])
    process = backend.finder._worker._process
    assert process is not None
    begun = time.monotonic()
    backend.close()
    assert time.monotonic() - begun < 0.1
    assert process.popen.returncode is not None
    with pytest.raises(MatcherError, match="closed"):
        backend.capture(photographs()["enrolled"])


def test_a_model_with_one_flipped_bit_is_refused(tmp_path: Path) -> None:
    """Another model file is refused with both hashes, before any process is started."""
    data = bytearray(photographs()["model"].read_bytes())
    data[1000] ^= 1
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="64184e229b26"):
        MediaPipeFaceLandmarks(path)
    with pytest.raises(ModelError, match="No such file"):
        MediaPipeFaceLandmarks(tmp_path / "missing.task")


def test_mediapipe_refuses_what_is_no_model() -> None:
    """Bytes that are no model end in an error of that name, not in a crash or a restart."""
    worker = LandmarkWorker(b"not a model")
    with pytest.raises(ModelError, match="refuses the model"):
        worker.start()
    assert not worker.lost_workers
    worker.close()


UNSEALED = (
    "from biotrail.matchers import _landmark_worker as worker\n"
    "from biotrail.matchers._seal import Seal\n"
    "worker.seal_network = lambda: Seal(True, False, 'forbidden here')\n"
    "worker._installed_version = lambda: {version!r}\n"
)
NEVER = "worker.Detector = lambda *_: 1 / 0\n"


def test_a_reporting_mediapipe_is_not_even_imported_unsealed() -> None:
    """Where the seal fails, a MediaPipe that reports usage is refused before it is imported."""
    program = UNSEALED.format(version="1.2.2") + NEVER + "worker.main()"
    worker = LandmarkWorker(photographs()["model"].read_bytes(), command=("-c", program))
    with pytest.raises(NetworkSealError, match=r"forbidden here.*<0\.10\.35"):
        worker.start()
    worker.close()


@pytest.mark.parametrize("library", ["libEGL.so.1", "libGLESv2.so.2"])
def test_missing_system_libraries_are_named(library: str) -> None:
    """Without the libraries that MediaPipe loads, the error gives the command to install them."""
    fault = (
        "def fail(*_):\n"
        f"    raise OSError('{library}: cannot open shared object file')\n"
        "worker.Detector._create = fail\n"
    )
    program = "from biotrail.matchers import _landmark_worker as worker\n" + fault
    worker = LandmarkWorker(b"model", command=("-c", program + "worker.main()"))
    with pytest.raises(MissingDependencyError, match=r"apt-get install .*libegl1 libgles2"):
        worker.start()
    worker.close()
