"""Faces through MediaPipe and ONNX Runtime, on photographs and drawings that anybody can have."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from biotrail.errors import MatcherError, ModelError
from biotrail.events import Reason
from biotrail.matchers import (
    DLIB_RESNET_128,
    CaptureFailure,
    CaptureGates,
    EmbeddingMatcher,
    FaceFinder,
    FaceModel,
    FailureToAcquire,
    FivePointFace,
    FivePoints,
    KnownAnswers,
    MatcherBackend,
    MediaPipeFaceLandmarks,
    OnnxFaceEmbedder,
    Reference,
)
from biotrail.matchers import _self_test as drawing
from biotrail.matchers.faces.alignment import five_points
from biotrail.matchers.faces.challenges import Challenge, ChallengeSession, seen
from biotrail.matchers.faces.sample import FaceSample
from tests._components import SHARED
from tests.integration.matchers_photographs import embedding_model, photographs

pytestmark = [pytest.mark.component(name) for name in ("mediapipe", "onnx")]

WRONG: list[dict[str, Any]] = [
    {"colour_order": "BGR"},
    {"scale": 255.0},
    {"scale": 127.5},
    {"mean": 127.5},
    {"mean": 127.5, "scale": 127.5},
    {"mean": 20.0},
    {"normalised": True},
    {"points": FivePoints.EYES_NOSE_AND_MOUTH},
]
"""Ways to feed dlib's network that give features which look like any others."""


@pytest.fixture(scope="module")
def finder() -> Iterator[FaceFinder]:
    """One finder for all tests that do not break it."""
    with FaceFinder(photographs()["model"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def embedder(finder: FaceFinder) -> Iterator[OnnxFaceEmbedder]:
    """The embedding that anybody can fetch."""
    with OnnxFaceEmbedder(embedding_model(), finder=finder) as opened:
        yield opened


def picture(part: str) -> Any:
    """A photograph as RGB pixels, at most 1,024 wide or high."""
    import numpy
    from PIL import Image

    with Image.open(photographs()[part]) as opened:
        small = opened.convert("RGB")
    small.thumbnail((1024, 1024))
    return numpy.asarray(small)


def features(embedder: OnnxFaceEmbedder, image: Any) -> Any:
    """Features of a photograph in which there is a face."""
    sample = embedder.capture(image)
    assert isinstance(sample, FaceSample)
    return embedder.extract(sample)


def test_it_is_a_backend(embedder: OnnxFaceEmbedder) -> None:
    """It has what the protocol asks for, and its card says all that its scores depend on."""
    assert isinstance(embedder, MatcherBackend)
    card = embedder.card
    assert card.assurance == "identity"
    assert card.network_policy == "observed"
    assert (card.metric, card.higher_is_better, card.dimension) == ("euclidean", False, 128)
    assert card.files[0].sha256 in DLIB_RESNET_128.sha256
    assert (card.colour_order, card.value_range) == ("RGB", "0..255")
    embedder.self_test()


def test_it_tells_people_apart(embedder: OnnxFaceEmbedder) -> None:
    """The same person is far nearer than others, also where landmarks fail: turned, one sitting."""
    reference = Reference.from_features(features(embedder, photographs()["enrolled"]), id="ref")
    scores = {
        part: embedder.compare(reference, features(embedder, photographs()[part])).value
        for part in ("granted", "false_non_match", "denied", "other_person")
    }
    assert max(scores["granted"], scores["false_non_match"]) < 0.45
    assert min(scores["denied"], scores["other_person"]) > 0.75


def test_points_of_the_host_do_as_well(embedder: OnnxFaceEmbedder, finder: FaceFinder) -> None:
    """Five points from another detector give the same features as MediaPipe's."""
    image = picture("enrolled")
    face = finder.find(image)
    assert not isinstance(face, FailureToAcquire)
    points = five_points(face.landmarks, FivePoints.EYE_CORNERS_AND_NOSE_BASE)
    by_host = embedder.capture(FivePointFace(image=image, points=points))
    by_us = embedder.capture(image)
    assert isinstance(by_host, FaceSample)
    assert isinstance(by_us, FaceSample)
    assert (by_host.values == by_us.values).all()
    assert by_host.eye_distance == pytest.approx(by_us.eye_distance, rel=0.15)
    assert by_host.brightness == pytest.approx(by_us.brightness, rel=0.15)


@pytest.mark.parametrize(
    "points", [None, [(1, 2)] * 4, [(0, float("nan"))] * 5, "five", [(1, 1)] * 5]
)
def test_points_that_are_none_are_refused(points: Any) -> None:
    """Points must be five pairs of finite numbers that span a face."""
    with (
        OnnxFaceEmbedder(embedding_model(), find_faces=False) as alone,
        pytest.raises(MatcherError, match="points"),
    ):
        alone.capture(FivePointFace(image=picture("enrolled"), points=points))


def test_without_a_finder_images_need_points() -> None:
    """An embedder made without a finder says so; closed, it says that."""
    alone = OnnxFaceEmbedder(embedding_model(), find_faces=False)
    with pytest.raises(MatcherError, match="FivePointFace"):
        alone.capture(picture("enrolled"))
    alone.close()
    with pytest.raises(MatcherError, match="closed"):
        alone.capture(picture("enrolled"))


@pytest.mark.parametrize("options", [{}, {"unchecked": True}])
@pytest.mark.parametrize("name", [{}, {"id": "acme"}, {"id": "acme", "sha256": ()}])
@pytest.mark.parametrize("change", WRONG)
def test_wrong_preprocessing_refuses_to_load(
    change: dict[str, Any], name: dict[str, Any], options: dict[str, Any]
) -> None:
    """Of a known file, known answers find each at load, under whatever id, and whatever is said."""
    wrong = attrs.evolve(DLIB_RESNET_128, **change, **name)
    with pytest.raises(ModelError, match="self-test"):
        OnnxFaceEmbedder(embedding_model(), preset=wrong, find_faces=False, **options)


@pytest.mark.component("shared")
@pytest.mark.parametrize("change", WRONG)
def test_the_file_in_8_bits_is_held_to_the_same_answers(change: dict[str, Any]) -> None:
    """It loads as it should be fed, under another id too, and refuses to load otherwise."""
    path = SHARED / "models" / "face_embedding_128.onnx"
    mine = attrs.evolve(DLIB_RESNET_128, id="acme", sha256=())
    OnnxFaceEmbedder(path, preset=mine, find_faces=False).close()
    with pytest.raises(ModelError, match="self-test"):
        OnnxFaceEmbedder(path, preset=attrs.evolve(mine, **change), find_faces=False)


def test_a_known_file_is_checked_under_another_id() -> None:
    """Fed rightly, it loads under an id of the host's, and its card is that of a checked model."""
    mine = attrs.evolve(DLIB_RESNET_128, id="acme", sha256=())
    for unchecked in (False, True):
        with OnnxFaceEmbedder(
            embedding_model(), preset=mine, find_faces=False, unchecked=unchecked
        ) as matcher:
            assert matcher.card.intended_use == DLIB_RESNET_128.intended_use
            assert matcher.card.assurance == "identity"


def test_recorded_answers_do_not_replace_those_of_a_known_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers recorded with a wrong preset do not make it load."""
    wrong = attrs.evolve(DLIB_RESNET_128, id="acme", scale=255.0)
    with monkeypatch.context() as patch:
        patch.setattr(KnownAnswers, "stored", lambda _: None)
        with OnnxFaceEmbedder(
            embedding_model(), preset=wrong, find_faces=False, unchecked=True
        ) as matcher:
            recorded = matcher.answers()
    with pytest.raises(ModelError, match="self-test"):
        OnnxFaceEmbedder(embedding_model(), preset=wrong, find_faces=False, known_answers=recorded)


@pytest.mark.parametrize("fault", ["mirrored", "upside down", "moved", "dark"])
def test_a_wrong_chip_refuses_to_load(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chip that is mirrored, turned over, moved by three pixels or dimmed is found at load."""
    from biotrail.matchers.faces import alignment, embedder

    rightly = alignment.align

    def wrongly(pixels: Any, points: Any, **options: Any) -> Any:
        chip = rightly(pixels, points + (3 if fault == "moved" else 0), **options)
        if fault == "mirrored":
            return chip[:, ::-1]
        return chip[::-1] if fault == "upside down" else chip // (2 if fault == "dark" else 1)

    monkeypatch.setattr(embedder, "align", wrongly)
    with pytest.raises(ModelError, match="self-test"):
        OnnxFaceEmbedder(embedding_model(), find_faces=False)


def test_one_flipped_bit_refuses_to_load(tmp_path: Path) -> None:
    """A preset's file with one bit flipped is refused by its hash."""
    data = bytearray(embedding_model().read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="956dcf7bb1f6"):
        OnnxFaceEmbedder(path, find_faces=False)
    with pytest.raises(ModelError, match="No such file"):
        OnnxFaceEmbedder(tmp_path / "missing.onnx", find_faces=False)


@pytest.fixture
def unknown(tmp_path: Path) -> tuple[Path, FaceModel]:
    """The same network in a file that nobody knows, since it names a producer."""
    path = tmp_path / "acme.onnx"
    path.write_bytes(embedding_model().read_bytes() + b"\x12\x04acme")  # ModelProto.producer_name
    return path, attrs.evolve(DLIB_RESNET_128, id="acme", sha256=())


def test_a_model_without_known_answers_refuses_to_load(unknown: tuple[Path, FaceModel]) -> None:
    """The error says how to record them; the id of a known preset does not help."""
    path, preset = unknown
    for refused in (preset, attrs.evolve(preset, id=DLIB_RESNET_128.id)):
        with pytest.raises(ModelError, match=r"acme\.onnx.*unchecked=True.*known_answers="):
            OnnxFaceEmbedder(path, preset=refused, find_faces=False)


def test_an_unchecked_model_says_so_in_its_card(unknown: tuple[Path, FaceModel]) -> None:
    """Its card says that it is unverified, so its features are refused once it is checked."""
    path, preset = unknown
    with OnnxFaceEmbedder(path, preset=preset, find_faces=False, unchecked=True) as matcher:
        card, answers = matcher.card, matcher.answers()
    assert "preprocessing is unverified" in card.intended_use
    assert card.assurance == "demonstration"
    with OnnxFaceEmbedder(path, preset=preset, find_faces=False, known_answers=answers) as checked:
        assert checked.card.intended_use == preset.intended_use
        assert checked.card.assurance == "identity"
        assert checked.card.digest != card.digest


@pytest.mark.parametrize("change", WRONG)
def test_a_users_model_is_held_to_its_recorded_answers(
    change: dict[str, Any], unknown: tuple[Path, FaceModel]
) -> None:
    """For a model without a known hash, answers recorded once find a later change."""
    path, preset = unknown
    with OnnxFaceEmbedder(path, preset=preset, find_faces=False, unchecked=True) as first:
        known = KnownAnswers.from_json(first.answers().to_json())
    OnnxFaceEmbedder(path, preset=preset, find_faces=False, known_answers=known).close()
    wrong = attrs.evolve(preset, **change)
    for unchecked in (False, True):
        with pytest.raises(ModelError, match="self-test"):
            OnnxFaceEmbedder(
                path, preset=wrong, find_faces=False, known_answers=known, unchecked=unchecked
            )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 112}, "input is not"),
        ({"channels_first": True}, "input is not"),
        ({"dimension": 512}, "does not give 512"),
    ],
)
def test_a_preset_of_another_model_is_refused(change: dict[str, Any], message: str) -> None:
    """A model whose input or output is not the preset's does not load."""
    other = attrs.evolve(DLIB_RESNET_128, id="other", sha256=(), **change)
    with pytest.raises(ModelError, match=message):
        OnnxFaceEmbedder(embedding_model(), preset=other, find_faces=False)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """Bytes that are no ONNX model end in an error of that name."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    mine = attrs.evolve(DLIB_RESNET_128, id="mine", sha256=())
    with pytest.raises(ModelError, match="refuses the model"):
        OnnxFaceEmbedder(path, preset=mine, find_faces=False, unchecked=True)


def test_features_of_other_models_are_refused(embedder: OnnxFaceEmbedder) -> None:
    """Features of a model with as many values are never compared."""
    probe = features(embedder, photographs()["enrolled"])
    other = EmbeddingMatcher(model="m", version="1", dimension=128)
    with pytest.raises(MatcherError, match="another model"):
        embedder.compare(other.features(probe.values), probe)
    with pytest.raises(MatcherError, match="another model"):
        embedder.extract(other.capture(probe.values))
    with pytest.raises(MatcherError, match="another model"):
        embedder.quality(other.capture(probe.values))


def test_quality_is_measured(embedder: OnnxFaceEmbedder) -> None:
    """Pose, size, light and expression of a photograph are what anybody can see in it."""
    found = {}
    for part in ("enrolled", "false_non_match", "other_person"):
        sample = embedder.capture(photographs()[part])
        assert isinstance(sample, FaceSample)
        found[part] = embedder.quality(sample)
        assert sample.landmarks is not None
        assert sample.landmarks.shape == (478, 3)
        assert sample.blendshapes is not None
        assert len(sample.blendshapes) == 52
    assert abs(found["enrolled"].yaw_degrees or 90) < 5
    assert -25 < (found["false_non_match"].yaw_degrees or 0) < -10
    assert found["other_person"].eye_distance == pytest.approx(42.6, abs=2)
    assert all(0.2 < (one.sharpness or 0) < 1.5 for one in found.values())
    assert all(80 < (one.brightness or 0) < 200 for one in found.values())
    assert (found["enrolled"].neutrality or 1) < 0.3, "he smiles"


def test_a_mirror_image_turns_the_other_way(finder: FaceFinder) -> None:
    """Yaw and roll change their sign in a mirror, pitch does not; a tilted picture rolls."""
    import numpy
    from PIL import Image

    from biotrail.matchers.faces.measured import pose

    image = picture("false_non_match")
    turned = numpy.asarray(Image.fromarray(image).rotate(20, fillcolor=(128, 128, 128)))
    angles = []
    for one in (image, numpy.ascontiguousarray(image[:, ::-1]), turned):
        face = finder.find(one)
        assert not isinstance(face, FailureToAcquire)
        angles.append(pose(face.transformation))
    assert angles[1] == pytest.approx((-angles[0][0], angles[0][1], -angles[0][2]), abs=4)
    assert angles[2][2] - angles[0][2] == pytest.approx(-20, abs=5)


def spoilt(image: Any, how: str) -> Any:
    """The photograph, blurred, dark, bright, cut off, or turned on its side."""
    import numpy
    from PIL import Image, ImageFilter

    if how == "blur":
        return numpy.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(14)))
    if how == "cut off":
        return numpy.ascontiguousarray(image[:, : round(0.57 * image.shape[1])])
    if how == "small":
        return numpy.asarray(Image.fromarray(image).reduce(5))
    if how == "pose":
        return numpy.ascontiguousarray(numpy.rot90(image))
    factor = {"dark": 0.05, "bright": 1.6}[how]
    return numpy.clip(image * factor, 0, 255).astype(numpy.uint8)


@pytest.mark.parametrize(
    ("how", "limits", "reason"),
    [
        ("blur", {}, "blur"),
        ("dark", {}, "too_dark"),
        ("bright", {"maximum_brightness": 200.0}, "too_bright"),
        ("small", {}, "too_small"),
        ("pose", {"maximum_roll_degrees": 30.0}, "pose"),
        ("cut off", {}, "low_quality"),
    ],
)
def test_poor_captures_are_typed_failures(
    finder: FaceFinder, how: str, limits: dict[str, float], reason: str
) -> None:
    """A face that is blurred, dark, bright, small or turned is a failure with that reason."""
    gates = CaptureGates(**limits)
    with OnnxFaceEmbedder(embedding_model(), finder=finder, gates=gates) as gated:
        failure = gated.capture(spoilt(picture("enrolled"), how))
    assert isinstance(failure, FailureToAcquire)
    assert failure.reason == reason
    assert isinstance(failure.reason.event_reason, Reason)
    assert failure.detail


def test_every_failure_has_a_word_for_events() -> None:
    """Each reason of a failure to acquire is a reason that an event can carry."""
    for reason in CaptureFailure:
        assert reason.event_reason in Reason


def drawn(*, eyes_closed: bool) -> Any:
    """The drawn face; with its lids down if wanted."""
    if not eyes_closed:
        return drawing.drawn_face().pixels
    with pytest.MonkeyPatch.context() as patch:
        brow, lid, _, _, _, nostril = drawing._PAIRS
        lash = (0.095, 0.468, 0.045, 0.004, (60, 40, 30), 0.15)
        patch.setattr(drawing, "_PAIRS", (brow, lid, lash, nostril))
        return drawing.drawn_face().pixels


def test_a_drawing_can_blink() -> None:
    """In a video of a drawn face the blink is seen: challenges are no attack detection."""
    session = ChallengeSession([Challenge.BLINK])
    with FaceFinder(photographs()["model"], video=True) as video:
        for number, closed in enumerate([False] * 4 + [True] * 6 + [False] * 6):
            time = 40 * number
            session.observe(seen(video.find(drawn(eyes_closed=closed), milliseconds=time), time))
    assert session.outcome == "passed"


def test_a_still_photograph_passes_no_challenge() -> None:
    """A photograph held still for the whole time passes nothing."""
    session = ChallengeSession([Challenge.BLINK])
    image = picture("enrolled")
    with FaceFinder(photographs()["model"], video=True) as video:
        for time in range(0, 8400, 300):
            session.observe(seen(video.find(image, milliseconds=time), time))
    assert session.outcome == "too_late"


def test_frames_of_a_video_come_with_rising_times() -> None:
    """In a video, times are needed and rise; for images they are refused."""
    image = picture("enrolled")
    with FaceFinder(photographs()["model"], video=True) as video:
        first = video.find(image, milliseconds=0)
        assert not isinstance(first, FailureToAcquire)
        assert first.milliseconds == 0
        for wrong in (None, 0, -1, 2.5, True, 2**60):
            with pytest.raises(MatcherError, match="time of a frame"):
                video.find(image, milliseconds=wrong)  # type: ignore[arg-type]
        with pytest.raises(MatcherError, match="before its first frame"):
            video.self_test()


def test_a_face_of_a_video_can_be_compared(embedder: OnnxFaceEmbedder) -> None:
    """The frame in which a challenge was passed is the one that is compared."""
    image = picture("enrolled")
    with FaceFinder(photographs()["model"], video=True) as video:
        face = video.find(image, milliseconds=40)
        assert not isinstance(face, FailureToAcquire)
        sample = embedder.capture(face)
        assert isinstance(sample, FaceSample)
        assert sample.milliseconds == 40
        by_geometry = MediaPipeFaceLandmarks(finder=video).capture(face)
        assert isinstance(by_geometry, FaceSample)
        assert (by_geometry.values == face.landmarks).all()
    score = embedder.compare(embedder.extract(sample), features(embedder, image))
    assert score.value < 0.15


def test_images_have_no_time(finder: FaceFinder) -> None:
    """A finder of images takes no time."""
    with pytest.raises(MatcherError, match="video=True"):
        finder.find(picture("enrolled"), milliseconds=5)


def test_threads_do_not_disturb_each_other(embedder: OnnxFaceEmbedder) -> None:
    """Several threads with different photographs get what each would get alone."""
    parts = ("enrolled", "granted", "denied", "other_person") * 3
    images = {part: picture(part) for part in parts}
    alone = {part: features(embedder, images[part]).values for part in images}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: features(embedder, images[part]).values, parts))
    assert all((one == alone[part]).all() for part, one in zip(parts, found, strict=True))


def test_nothing_biometric_is_shown(embedder: OnnxFaceEmbedder) -> None:
    """Neither samples nor faces nor known answers show their values."""
    sample = embedder.capture(photographs()["enrolled"])
    assert isinstance(sample, FaceSample)
    shown = repr(sample) + repr(embedder.extract(sample)) + repr(embedder.answers())
    assert "array" not in shown
    assert "eyeBlinkLeft" not in shown
    assert len(shown) < 1000
