"""A login by face: enrol, then attempts that end in a match, a non-match, and no usable capture."""
# needs: mediapipe, onnx

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.matchers import (
    CaptureGates,
    FaceFinder,
    FailureToAcquire,
    MatcherBackend,
    OnnxFaceEmbedder,
    Reference,
)
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own
CALIBRATION = "att-fmr-1e-2"


def enrol(matcher: MatcherBackend, photograph: Path) -> Reference:
    """Enrol from a photograph that is better than an attempt has to be."""
    strict = CaptureGates(minimum_eye_distance=90, maximum_yaw_degrees=15)
    sample = matcher.capture(photograph)
    fault = sample if isinstance(sample, FailureToAcquire) else strict.check_sample(sample)
    if isinstance(sample, FailureToAcquire) or fault is not None:
        raise SystemExit(f"not enrolled: {fault}")
    return Reference.from_features(matcher.extract(sample), id="ref-7f3a")


def log_in(
    log: biotrail.AuditLogger, matcher: MatcherBackend, reference: Reference, photograph: Path
) -> str:
    """One attempt, recorded whatever it comes to."""
    with log.attempt(
        action="authenticate", target="door", actor="ada", subject="ada", modality="face"
    ) as attempt:
        sample = matcher.capture(photograph)
        if isinstance(sample, FailureToAcquire):
            attempt.failed_to_acquire(sample.reason.event_reason)
            return f"failure to acquire: {sample.detail}"
        score = matcher.compare(reference, matcher.extract(sample))
        comparison = score.decide(THRESHOLD, calibration=CALIBRATION)
        attempt.compared(comparison)
        if comparison.decision is biotrail.ComparisonDecision.MATCH:
            attempt.grant()
            return "granted"
        attempt.deny(biotrail.Reason.NON_MATCH)
        return "denied"


def main() -> None:
    """Enrol one person, let several try, and let the auditor count."""
    photographs = demonstration_photographs()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with (
            FaceFinder(fetch(FACE_LANDMARKER)) as finder,
            OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as matcher,
            biotrail.open(path, origin="example.com/door", passphrase="example") as log,
        ):
            reference = enrol(matcher, photographs["enrolled"])
            for part in ("granted", "false_non_match", "denied", "other_person", "no_face"):
                print(f"{part}: {log_in(log, matcher, reference, photographs[part])}")
            key = log.verifier_key
        print(f"{biotrail.verify_log(path, key).events} attempts in the log")


if __name__ == "__main__":
    main()
