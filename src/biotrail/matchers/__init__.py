"""Matchers: a probe and a reference in, a comparison score out, and what may be said about it.

Importing this needs no optional package; each backend imports what it needs when it is made.
"""

from biotrail.matchers.backend import (
    CaptureFailure,
    FailureToAcquire,
    Features,
    MatcherBackend,
    Sample,
)
from biotrail.matchers.card import Assurance, ModelCard, ModelFile, NetworkPolicy
from biotrail.matchers.decision import ComparisonScore, decide
from biotrail.matchers.embedding import EmbeddingMatcher
from biotrail.matchers.landmarks import (
    DEMONSTRATION_THRESHOLD,
    MediaPipeFaceLandmarks,
    NetworkSeal,
)
from biotrail.matchers.reference import Reference
from biotrail.matchers.several import SampleRule, compare_reference

__all__ = [
    "DEMONSTRATION_THRESHOLD",
    "Assurance",
    "CaptureFailure",
    "ComparisonScore",
    "EmbeddingMatcher",
    "FailureToAcquire",
    "Features",
    "MatcherBackend",
    "MediaPipeFaceLandmarks",
    "ModelCard",
    "ModelFile",
    "NetworkPolicy",
    "NetworkSeal",
    "Reference",
    "Sample",
    "SampleRule",
    "compare_reference",
    "decide",
]
