"""Matchers: a probe and a reference in, a comparison score out, and what may be said about it.

Importing this needs no optional package; each backend imports what it needs when it is made.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.matchers._worker import LostWorker
from biotrail.matchers.backend import (
    CaptureFailure,
    FailureToAcquire,
    Features,
    MatcherBackend,
    Sample,
)
from biotrail.matchers.card import Assurance, ModelCard, ModelFile, NetworkPolicy
from biotrail.matchers.decision import ComparisonScore, decide
from biotrail.matchers.deletion import (
    DeletionReport,
    PlaceReport,
    ReferencePlace,
    delete_references,
)
from biotrail.matchers.embedding import EmbeddingMatcher
from biotrail.matchers.enrolment import (
    Enrolment,
    FailureToEnrol,
    QualityGate,
    enrol,
    new_reference_id,
)
from biotrail.matchers.faces.alignment import FivePointFace, FivePoints
from biotrail.matchers.faces.challenges import (
    Challenge,
    ChallengeLimits,
    ChallengeOutcome,
    ChallengeSession,
    FrameSeen,
    draw_challenges,
    seen,
)
from biotrail.matchers.faces.face import Face
from biotrail.matchers.faces.finder import FaceFinder
from biotrail.matchers.faces.gates import CaptureGates
from biotrail.matchers.faces.known_answers import KnownAnswers
from biotrail.matchers.faces.onnx_embedder import OnnxFaceEmbedder
from biotrail.matchers.faces.opencv import OpenCvFaceRecognizer
from biotrail.matchers.faces.presets import ARCFACE_112, DLIB_RESNET_128, SFACE_128, FaceModel
from biotrail.matchers.faces.sample import FaceSample
from biotrail.matchers.gallery import Candidate, Gallery, Identification
from biotrail.matchers.landmarks import (
    DEMONSTRATION_THRESHOLD,
    MediaPipeFaceLandmarks,
    NetworkSeal,
)
from biotrail.matchers.pad import PadBackend, PadResult
from biotrail.matchers.projection import ProjectionKey, SignProjection
from biotrail.matchers.quality import Quality
from biotrail.matchers.reference import Reference
from biotrail.matchers.reference_store import ReferenceStore
from biotrail.matchers.registry import known_matchers, open_matcher
from biotrail.matchers.renewable import RenewableMatcher, centre_of
from biotrail.matchers.several import SampleRule, compare_reference

if TYPE_CHECKING:
    from biotrail.matchers.attempts import AttemptHistory, AttemptLimits
    from biotrail.matchers.fusion import (
        DecisionRule,
        FusedRates,
        fuse_decisions,
        fuse_samples,
        fused_rates,
    )
    from biotrail.matchers.gallery_place import GalleryPlace
    from biotrail.matchers.policy import DecisionPolicy, PolicyDecision
    from biotrail.matchers.rates import (
        Calibration,
        Placement,
        ScoreTable,
        calibrate,
        error_curve,
        evaluate,
    )
    from biotrail.matchers.weighted_sum import FusionPart, WeightedSum

__all__ = [
    "ARCFACE_112",
    "DEMONSTRATION_THRESHOLD",
    "DLIB_RESNET_128",
    "SFACE_128",
    "Assurance",
    "AttemptHistory",
    "AttemptLimits",
    "Calibration",
    "Candidate",
    "CaptureFailure",
    "CaptureGates",
    "Challenge",
    "ChallengeLimits",
    "ChallengeOutcome",
    "ChallengeSession",
    "ComparisonScore",
    "DecisionPolicy",
    "DecisionRule",
    "DeletionReport",
    "EmbeddingMatcher",
    "Enrolment",
    "Face",
    "FaceFinder",
    "FaceModel",
    "FaceSample",
    "FailureToAcquire",
    "FailureToEnrol",
    "Features",
    "FivePointFace",
    "FivePoints",
    "FrameSeen",
    "FusedRates",
    "FusionPart",
    "Gallery",
    "GalleryPlace",
    "Identification",
    "KnownAnswers",
    "LostWorker",
    "MatcherBackend",
    "MediaPipeFaceLandmarks",
    "ModelCard",
    "ModelFile",
    "NetworkPolicy",
    "NetworkSeal",
    "OnnxFaceEmbedder",
    "OpenCvFaceRecognizer",
    "PadBackend",
    "PadResult",
    "PlaceReport",
    "Placement",
    "PolicyDecision",
    "ProjectionKey",
    "Quality",
    "QualityGate",
    "Reference",
    "ReferencePlace",
    "ReferenceStore",
    "RenewableMatcher",
    "Sample",
    "SampleRule",
    "ScoreTable",
    "SignProjection",
    "WeightedSum",
    "calibrate",
    "centre_of",
    "compare_reference",
    "decide",
    "delete_references",
    "draw_challenges",
    "enrol",
    "error_curve",
    "evaluate",
    "fuse_decisions",
    "fuse_samples",
    "fused_rates",
    "known_matchers",
    "new_reference_id",
    "open_matcher",
    "seen",
]

# Deciding and measuring: classes that are not needed to compare.
__getattr__ = load_when_used(
    __name__,
    {
        "AttemptHistory": "biotrail.matchers.attempts",
        "AttemptLimits": "biotrail.matchers.attempts",
        "Calibration": "biotrail.matchers.rates",
        "DecisionPolicy": "biotrail.matchers.policy",
        "DecisionRule": "biotrail.matchers.fusion",
        "FusedRates": "biotrail.matchers.fusion",
        "FusionPart": "biotrail.matchers.weighted_sum",
        "GalleryPlace": "biotrail.matchers.gallery_place",
        "Placement": "biotrail.matchers.rates",
        "PolicyDecision": "biotrail.matchers.policy",
        "ScoreTable": "biotrail.matchers.rates",
        "WeightedSum": "biotrail.matchers.weighted_sum",
        "calibrate": "biotrail.matchers.rates",
        "error_curve": "biotrail.matchers.rates",
        "evaluate": "biotrail.matchers.rates",
        "fuse_decisions": "biotrail.matchers.fusion",
        "fuse_samples": "biotrail.matchers.fusion",
        "fused_rates": "biotrail.matchers.fusion",
    },
)
