"""Logs in which keys come, go, are stolen and reported at random, most of them by the rules."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from biotrail.errors import VerificationError
from biotrail.trust import KeyHistory
from tests.vectors import _spec_log as spec
from tests.vectors._spec_forged import HandLog, added, compromised, event, genesis, retired

_NAMES = "ABCDWX"
_TRIES = 30
Entry = tuple[str, dict[str, Any]]


class RandomKeys:
    """Writes one log. Most batches are chosen so that they keep the rules, by our own account."""

    def __init__(self, chance: random.Random) -> None:
        """Begin with key A, mostly committed to another."""
        self.chance = chance
        self.history = KeyHistory(spec.ORIGIN)
        first = {**genesis("A"), **self._promise(chance.choice([None, "B", "B", "B", "C"]))}
        self.history.apply(0, "genesis", first)
        self.history.settle(1, spec.verifier_key("A"))
        self.log = HandLog().add("genesis", first)

    def written(self) -> HandLog:
        """Write some batches; one in thirty is not looked at before."""
        for _ in range(self.chance.randrange(4, 12)):
            careless = self.chance.random() < 0.03
            for _ in range(_TRIES):
                batch, signer = self._batch(), self.chance.choice(_NAMES)
                if careless or self._fits(batch, signer):
                    for kind, content in batch:
                        self.log.add(kind, content, by=None)
                    self.log.sign(signer)
                    break
        return self.log

    def _fits(self, batch: list[Entry], signer: str) -> bool:
        history, start = deepcopy(self.history), len(self.log.data)
        try:
            for index, (kind, content) in enumerate(batch, start):
                history.apply(index, kind, content)
            history.check_in_force(spec.verifier_key(signer), start + len(batch))
            history.settle(start + len(batch), spec.verifier_key(signer))
        except VerificationError:
            return False
        self.history = history
        return True

    def _batch(self) -> list[Entry]:
        return [self._entry() for _ in range(self.chance.choice([1, 1, 2, 3]))]

    def _entry(self) -> Entry:
        chance, name = self.chance, self.chance.choice(_NAMES)
        kind = chance.choice(
            ["event", "event", "writer", "rotation", "retired", "report", "report"]
        )
        if kind == "rotation":
            then = self._promise(chance.choice([None, *_NAMES]))
            return "key_added", added(name, "rotation", **then)
        if kind == "writer":
            return "key_added", added(name)
        if kind == "retired" and chance.random() < 0.3:
            return "key_retired", retired(name)
        if kind == "report":
            return "key_compromised", compromised(name, chance.randrange(len(self.log.data) + 1))
        return "event", event(id=chance.randbytes(16))

    def _promise(self, name: str | None) -> dict[str, Any]:
        return {} if name is None else {"next": spec.verifier_key(name).digest()}
