"""One gallery over many machines: shards that search at once, as actors of Dask.

An answer over a threshold is that of the shards put together, and the best k of all are among the
best k of each shard, so answers merge exactly: the same ids and scores as one gallery gives.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biotrail.errors import MatcherError, MissingDependencyError, UnknownReferenceError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._answering import AnsweringGallery
from biotrail.matchers.gallery._checks import (
    checked_id,
    checked_probe,
    checked_question,
    checked_rows,
    refuse_others,
)
from biotrail.matchers.gallery._shard import Shard, answers
from biotrail.matchers.gallery.candidates import Identification, Ranked, ranked
from biotrail.matchers.reference import checked_reference_id

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ShardedGallery"]


class ShardedGallery(AnsweringGallery):
    """A gallery whose references are spread over the workers of a Dask cluster.

    References and probes travel between the machines: secure the cluster with Dask's TLS. Shards
    are in memory; a worker that is lost takes its shard with it, and every search then raises
    until the gallery is made anew. Each shard is searched in one version of its own, and the
    gallery's version is their sum: a change that comes while a search runs may be seen or not.

    Args:
        client: A client of the cluster, as ``distributed.Client(...)`` gives it.
        card: As for a `Gallery`.
        name: As for a `Gallery`.
        shards: Number of shards; else one for each worker.

    Raises:
        MissingDependencyError: Dask's scheduler is not installed.
        MatcherError: The card or the name is refused, or there is no worker.
    """

    def __init__(
        self,
        client: Client,
        card: ModelCard,
        *,
        name: str = "gallery",
        shards: int | None = None,
    ) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(
                "ShardedGallery needs Dask: pip install 'biotrail[cluster]'"
            ) from error
        super().__init__(card, name)
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        count = len(workers) if shards is None else shards
        if not workers or count < 1:
            raise MatcherError("a sharded gallery needs at least one worker and one shard")
        self._enrolling = threading.Lock()
        made = [
            client.submit(
                Shard, card, name, actor=True, workers=[workers[n % len(workers)]], pure=False
            )
            for n in range(count)
        ]
        self._shards: list[Any] = [one.result() for one in made]

    @property
    def shards(self) -> int:
        """Number of shards."""
        return len(self._shards)

    @property
    def version(self) -> int:
        """Sum of the shards' versions: rises with every change."""
        return sum(version for version, _, _ in self._states())

    @property
    def samples(self) -> int:
        """Samples of all references together."""
        return sum(samples for _, _, samples in self._states())

    def __len__(self) -> int:
        return sum(size for _, size, _ in self._states())

    def _states(self) -> list[tuple[int, int, int]]:
        asked = [shard.state() for shard in self._shards]
        return answers(asked)

    def _home(self, reference: str) -> int:
        """The shard of a reference: by its id alone, so that all its samples are in one place."""
        digest = hashlib.sha256(checked_reference_id(reference).encode()).digest()
        return int.from_bytes(digest[:8], "big") % len(self._shards)

    def add(
        self,
        features: Features,
        *,
        reference: str | None = None,
        refuse_duplicates: float | None = None,
    ) -> str:
        """Enrol; as `Gallery.add`. Duplicates are looked for in all shards.

        Where they are to be refused, nobody else who refuses them can enrol by this object in
        between. A gallery is changed by the one object that made it.

        Raises:
            DuplicateReferenceError: The person seems to be enrolled already; nothing was added.
            MatcherError: As `Gallery.add`; or a shard does not answer.
        """
        if refuse_duplicates is None:
            return self._add_many([features], [reference])[0]
        checked_rows(self._card, features)
        identifier = checked_id(features, reference)
        with self._enrolling:
            found = self.duplicates(features, threshold=refuse_duplicates)
            refuse_others(found, identifier)
            return self._add_many([features], [identifier])[0]

    def add_many(self, many: Sequence[Features]) -> list[str]:
        """Enrol many, each shard its own; as `Gallery.add_many`."""
        return self._add_many(many, [None] * len(many))

    def _add_many(self, many: Sequence[Features], given: Sequence[str | None]) -> list[str]:
        ids: list[str] = []
        for features, own in zip(many, given, strict=True):
            checked_rows(self._card, features)
            ids.append(checked_id(features, own))
        shares: dict[int, tuple[list[Features], list[str]]] = {}
        for features, identifier in zip(many, ids, strict=True):
            share = shares.setdefault(self._home(identifier), ([], []))
            share[0].append(features)
            share[1].append(identifier)
        asked = [self._shards[home].add_many(*share) for home, share in shares.items()]
        answers(asked)
        return ids

    def remove(self, reference: str) -> int:
        """Remove a reference; as `Gallery.remove`.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        (removed,) = answers([self._shards[self._home(reference)].remove(reference)])
        if not removed:
            raise UnknownReferenceError("no reference with this id is in the gallery")
        return int(removed)

    def identify(
        self, probe: Features, *, threshold: float | None = None, top: int | None = None
    ) -> Identification:
        """Find candidates in all shards at once; as `Gallery.identify`."""
        return self.identify_many((probe,), threshold=threshold, top=top)[0]

    def rank_many(
        self, probes: Sequence[Features], *, threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """Ids and unrounded scores of all shards together; version and size are their sums."""
        threshold = checked_question(threshold, top)
        for probe in probes:
            checked_probe(self._card, probe)
        asked = [shard.rank(list(probes), threshold, top) for shard in self._shards]
        found: list[tuple[int, int, list[Ranked]]] = answers(asked)
        merged = [
            ranked((pair for _, _, ranks in found for pair in ranks[n]), self._card, top)
            for n in range(len(probes))
        ]
        return sum(one[0] for one in found), sum(one[1] for one in found), merged
