"""A door by face, without any web framework: a plain function whose calls are attempts."""
# needs: mediapipe, onnx

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.errors import AttemptRefusedError
from biotrail.matchers import FaceFinder, MatcherBackend, OnnxFaceEmbedder, Reference
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch
from biotrail.middleware import recorded_attempt

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own


def main() -> None:
    """Somebody is let in, somebody is not, and a caller that forgot to decide is refused."""
    photographs = demonstration_photographs()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with (
            FaceFinder(fetch(FACE_LANDMARKER)) as finder,
            OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as matcher,
            biotrail.open(path, origin="example.com/door", passphrase="example") as log,
        ):
            guard_the_door(log, matcher, photographs)
            key = log.verifier_key
        print(f"{biotrail.verify_log(path, key).events} attempts in the log")


def guard_the_door(
    log: biotrail.AuditLogger, matcher: MatcherBackend, photographs: dict[str, Path]
) -> None:
    """Open the door to the enrolled person alone."""
    sample = matcher.capture(photographs["enrolled"])
    reference = Reference.from_features(matcher.extract(sample))

    @recorded_attempt(
        log,
        action="door.open",
        modality="face",
        target="lab",
        context=lambda reader, image: biotrail.Context(
            device_id=reader, provenance={"device_id": "observed"}
        ),
    )
    def open_door(reader: str, image: bytes, *, attempt: biotrail.Attempt) -> str:
        check = attempt.verify(matcher, reference, image, threshold=THRESHOLD)
        if check.matched:
            attempt.grant()
            return f"{reader} opens"
        if check.denied is None:
            attempt.deny("non_match")
        return f"{reader} stays shut"

    for part in ("granted", "denied", "no_face"):
        print(part, open_door("reader-17", photographs[part].read_bytes()))

    @recorded_attempt(log, action="door.open")
    def forgetful(*, attempt: biotrail.Attempt) -> str:
        return "opens"

    try:
        print(forgetful())
    except AttemptRefusedError as refused:
        print(f"refused: {refused}")


if __name__ == "__main__":
    main()
