"""Matchers by name: those of biotrail, those of a plain dict, and those of installed packages.

A package offers its matcher as an entry point of the group ``biotrail.matchers``::

    [project.entry-points."biotrail.matchers"]
    acme-face = "acme.faces:AcmeFaceMatcher"

Installing a package must not change which code judges faces under a known name: an entry point
with the name of a matcher of biotrail's, or of another package's, is refused. A host that wants
that says so with a dict of its own, which comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from biotrail.errors import MatcherError
from biotrail.matchers.backend import MatcherBackend
from biotrail.matchers.embedding import EmbeddingMatcher
from biotrail.matchers.faces.onnx_embedder import OnnxFaceEmbedder
from biotrail.matchers.faces.opencv import OpenCvFaceRecognizer
from biotrail.matchers.landmarks import MediaPipeFaceLandmarks

__all__ = ["GROUP", "known_matchers", "open_matcher"]

GROUP = "biotrail.matchers"

Factory = Callable[..., MatcherBackend]

_OURS: dict[str, Factory] = {
    "embedding": EmbeddingMatcher,
    "mediapipe-face-landmarks": MediaPipeFaceLandmarks,
    "onnx-face-embedder": OnnxFaceEmbedder,
    "opencv-face-recognizer": OpenCvFaceRecognizer,
}
_METHODS = ("capture", "quality", "extract", "compare", "self_test", "close")


def known_matchers(further: Mapping[str, Factory] | None = None) -> dict[str, str]:
    """Every matcher's name, and where it comes from; nothing is imported for it.

    Args:
        further: The host's own.
    """
    known = dict.fromkeys(_OURS, "biotrail")
    for point in entry_points(group=GROUP):
        known.setdefault(point.name, point.value)
    return {**known, **dict.fromkeys(further or {}, "the host")}


def open_matcher(
    name: str, *, further: Mapping[str, Factory] | None = None, **settings: Any
) -> MatcherBackend:
    """Make a matcher by its name, and let it test itself.

    Args:
        name: One of `known_matchers`.
        further: The host's own: names, and what makes the matcher. They come first.
        settings: Arguments for the matcher.

    Raises:
        MatcherError: The name is unknown, or is offered twice; or what was made is no matcher.
        BiotrailError: What the matcher itself raises when it is made, or fails its self-test.
    """
    factory = (further or {}).get(name) or _OURS.get(name)
    offered = [point for point in entry_points(group=GROUP) if point.name == name]
    if factory is None:
        factory = _load(name, offered, further)
    elif offered and name not in (further or {}):
        raise MatcherError(f"{offered[0].value} calls itself {name}, which is biotrail's own name")
    matcher: object = factory(**settings)
    if not isinstance(matcher, MatcherBackend):
        absent = [method for method in ("card", *_METHODS) if not hasattr(type(matcher), method)]
        raise MatcherError(
            f"{name} gave a {type(matcher).__name__}, which is no matcher: it has no "
            f"{', '.join(absent) or '__enter__ and __exit__'}"
        )
    try:
        matcher.self_test()
    except BaseException:
        matcher.close()
        raise
    return matcher


def _load(name: str, offered: list[EntryPoint], further: Mapping[str, Factory] | None) -> Factory:
    if not offered:
        names = ", ".join(sorted(known_matchers(further)))
        raise MatcherError(f"no matcher {name!r} is known; known: {names}")
    if len(offered) > 1:
        values = " and ".join(sorted(point.value for point in offered))
        raise MatcherError(f"{name} is offered by {values}; name the one you mean in a dict")
    try:
        factory: Factory = offered[0].load()
    except (ImportError, AttributeError) as error:
        raise MatcherError(f"{name} ({offered[0].value}) cannot be loaded: {error}") from error
    return factory
