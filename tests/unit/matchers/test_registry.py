"""Matchers by name: ours, a host's, and installed ones, none of which can take another's name."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from biotrail.errors import MatcherError, ModelError
from biotrail.matchers import EmbeddingMatcher, known_matchers, open_matcher, registry

pytestmark = pytest.mark.component("numpy")

SETTINGS: dict[str, Any] = {"model": "m", "version": "1", "dimension": 2}


class Untrue(EmbeddingMatcher):
    """A matcher whose self-test fails."""

    closed = False

    def self_test(self) -> None:
        """Fail."""
        raise ModelError("wrong answer")

    def close(self) -> None:
        """Note it."""
        Untrue.closed = True


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """The entry points that are installed: put some in."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    return points


def point(name: str, value: str) -> EntryPoint:
    """An entry point of our group."""
    return EntryPoint(name=name, value=value, group="biotrail.matchers")


def test_ours_are_known() -> None:
    """The matchers of biotrail are there without any set-up."""
    assert {"embedding", "onnx-face-embedder", "mediapipe-face-landmarks"} <= set(known_matchers())
    with open_matcher("embedding", **SETTINGS) as matcher:
        assert matcher.card.id == "m"


def test_a_dict_is_enough() -> None:
    """A host's own matcher needs a plain dict, and comes before all others."""

    def mine(**settings: Any) -> EmbeddingMatcher:
        return EmbeddingMatcher(metric="euclidean", **settings)

    for name in ("mine", "embedding"):
        matcher = open_matcher(name, further={name: mine}, **SETTINGS)
        assert matcher.card.metric == "euclidean"
    assert known_matchers({"mine": mine})["mine"] == "the host"


def test_an_installed_package_is_found(installed: list[EntryPoint]) -> None:
    """An entry point of the group is a matcher's name."""
    installed.append(point("acme", "biotrail.matchers.embedding:EmbeddingMatcher"))
    assert known_matchers()["acme"] == "biotrail.matchers.embedding:EmbeddingMatcher"
    assert open_matcher("acme", **SETTINGS).card.id == "m"


def test_no_package_takes_a_known_name(installed: list[EntryPoint]) -> None:
    """A package that calls itself as ours, and two that share a name, are refused."""
    installed.append(point("embedding", "evil:Matcher"))
    with pytest.raises(MatcherError, match=r"evil:Matcher calls itself embedding"):
        open_matcher("embedding", **SETTINGS)
    installed.extend([point("acme", "one:Matcher"), point("acme", "two:Matcher")])
    with pytest.raises(MatcherError, match="one:Matcher and two:Matcher"):
        open_matcher("acme")


@pytest.mark.parametrize("value", ["no_such_package:Matcher", "biotrail.matchers:NoSuchMatcher"])
def test_a_broken_package_is_named(installed: list[EntryPoint], value: str) -> None:
    """What cannot be loaded is an error with its name and place."""
    installed.append(point("acme", value))
    with pytest.raises(MatcherError, match=r"acme .* cannot be loaded"):
        open_matcher("acme")


def test_unknown_names_are_refused() -> None:
    """An unknown name is refused, and the known ones are listed."""
    with pytest.raises(MatcherError, match=r"known: embedding, mediapipe-face-landmarks"):
        open_matcher("nonsense")


def test_what_is_no_matcher_is_refused() -> None:
    """A factory that makes something else is refused; what is missing is listed."""
    with pytest.raises(MatcherError, match=r"gave a dict, .* card, capture, quality"):
        open_matcher("mine", further={"mine": dict})  # type: ignore[dict-item]


def test_a_failed_self_test_closes_it() -> None:
    """A matcher whose known answers are wrong is closed, and its error goes on."""
    with pytest.raises(ModelError, match="wrong answer"):
        open_matcher("untrue", further={"untrue": Untrue}, **SETTINGS)
    assert Untrue.closed
