"""The card of a renewable matcher, and the centre that its embeddings are seen from."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Sequence

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.backend import Features, require_features
from biotrail.matchers.card import ModelCard, ModelFile
from biotrail.matchers.projection import ProjectionKey

__all__ = ["SUFFIX", "centre_of", "renewable_card"]

SUFFIX = "/sign-projection"
"""Ends the id of every such card."""
_VERSION_LIMIT = 64


def centre_of(features: Iterable[Features]) -> tuple[float, ...]:
    """The mean of embeddings: what `RenewableMatcher` takes as its centre.

    Take one embedding each of twenty or more people who are not to be enrolled, and keep the
    result: it is part of the model card.

    Raises:
        MatcherError: No features, features of different models, or such as hold no array of real
            numbers.
    """
    kept = list(features)
    require_features(*kept)
    if not kept or len({(one.card_digest, one.values.shape) for one in kept}) != 1:
        raise MatcherError("a centre is the mean of features of one model")
    columns = zip(*(one.values.tolist() for one in kept), strict=True)
    return tuple(math.fsum(column) / len(kept) for column in columns)


def renewable_card(
    inner: ModelCard,
    key: ProjectionKey,
    bits: int,
    metric: str,
    centre: Sequence[float] | None,
) -> ModelCard:
    """The wrapped card's fields, the key's id in the version, and what else the bits depend on.

    Raises:
        MatcherError: The wrapped matcher's version leaves no room for the key's id.
    """
    version = f"{inner.version}+key.{key.id}"
    if len(version) > _VERSION_LIMIT:
        raise MatcherError(f"the version {inner.version!r} is too long to take a key's id")
    wrapped = ModelFile(
        name=f"model card of {inner.id}", sha256=inner.digest.hex(), licence=inner.licence
    )
    files = [*inner.files, wrapped]
    if centre is not None:
        written = hashlib.sha256(struct.pack(f"<{len(centre)}d", *centre)).hexdigest()
        files.append(ModelFile(name="centre of embeddings", sha256=written, licence=inner.licence))
    return attrs.evolve(
        inner,
        id=f"{inner.id}{SUFFIX}",
        version=version,
        metric=metric,
        higher_is_better=metric == "cosine",
        dimension=bits,
        files=tuple(files),
        intended_use=f"{inner.intended_use}; renewable while the projection key is secret",
    )
