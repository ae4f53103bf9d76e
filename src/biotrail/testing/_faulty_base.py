"""Plans of failures: which step fails, how, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs

from biotrail.stores import Store

__all__ = ["STEPS", "Fault", "Faulty"]

_Answer = TypeVar("_Answer")

STEPS = (
    "turn",
    "append",
    "head",
    "entries",
    "raw_entries",
    "lookups",
    "payloads",
    "payloads_at",
    "clear_payloads",
    "entries_at",
    "tile",
    "tiles",
    "checkpoint_from",
    "find_events",
    "indices_of_other_kinds",
    "references",
    "segments",
    "postings",
    "field_postings",
    "occurred",
    "sealed_of",
    "sealed_people",
    "sealed_by_device",
    "sealed_by_ip",
    "data_keys",
    "data_keys_after",
    "count_data_keys",
    "fence_count",
    "fences",
    "keep_key",
    "rewrap_keys",
    "write_fence",
    "destroy_identities",
    "replace_payloads",
    "delete_payloads",
    "finish_fence",
    "purge_remains",
    "extent",
    "structure_faults",
    "reopen_after_fork",
    "close",
)
"""Names of the steps: the methods of `biotrail.stores.SealedStore`, and of `SearchableStore`."""


@attrs.define
class Fault:
    """One planned failure.

    Attributes:
        step: Name of the step, one of `STEPS`.
        error: What it raises.
        written: Whether the step does its work before it raises.
        after: How many calls of the step still pass before it fails.
        times: How many calls fail from then on.
    """

    step: str
    error: BaseException
    written: bool
    after: int
    times: int

    def is_due(self) -> bool:
        """Whether this call fails; counts the call."""
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


class Faulty:
    """Fails the steps that it was told to."""

    def __init__(self, store: Store) -> None:
        """Wrap a store; nothing fails yet."""
        self.store = store
        self.calls: list[str] = []
        self._faults: list[Fault] = []

    def fail(
        self,
        step: str,
        error: BaseException,
        *,
        written: bool = False,
        after: int = 0,
        times: int = 1,
    ) -> Fault:
        """Plan a failure.

        Args:
            step: Which step, one of `STEPS`.
            error: What it raises.
            written: False: nothing is done. True: it is done, and only the answer is lost; for
                ``turn`` that is a failure as the turn ends.
            after: How many calls of the step pass before.
            times: How many calls fail from then on.

        Returns:
            The plan, whose `Fault.times` says how many failures are still to come.
        """
        if step not in STEPS:
            raise ValueError(f"no step {step!r}; the steps are {', '.join(STEPS)}")
        fault = Fault(step, error, written, after, times)
        self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Drop all plans."""
        self._faults.clear()

    def _due(self, step: str) -> Fault | None:
        self.calls.append(step)
        due = [one for one in self._faults if one.step == step and one.is_due()]
        return due[0] if due else None

    def _do(self, step: str, work: Callable[[], _Answer]) -> _Answer:
        fault = self._due(step)
        if fault is None:
            return work()
        if fault.written:
            work()
        raise fault.error
