"""The contracts find what is broken, and only they need pytest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import biotrail.testing
from biotrail.stores import Batch, MemoryStore, Store, StoredEntry
from biotrail.stores.postings import Segment
from biotrail.testing import SearchableStoreContract, StoreContract


class _Unswapped(MemoryStore):
    """Appends whatever the head is."""

    def append(self, batch: Batch) -> None:
        super().append(batch._replace(first=len(self._entries)))


class _Halfway(MemoryStore):
    """Writes what lies beside the entries before it looks at the head."""

    def append(self, batch: Batch) -> None:
        for one in batch.subjects:
            self._references.setdefault((one.tenant, one.identity), []).append(one.reference)
        super().append(batch)


class _Forgetful(MemoryStore):
    """Knows no event ids."""

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        return {}


class _Generous(MemoryStore):
    """Gives one entry too many."""

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        return super().entries(start, stop + 1)


class _Dateless(MemoryStore):
    """Puts the checkpoint of a batch on each of its entries."""

    def checkpoint_from(self, size: int) -> tuple[int, str] | None:
        found = super().checkpoint_from(size)
        return None if found is None else (max(size, 1), found[1])


class _Hasty(MemoryStore):
    """Keeps segments that are not whole."""

    def segments(self, start: int, stop: int) -> Iterator[int]:
        return iter(range(max(start, 0), min(stop, 1)))

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return ((number, b"") for number in self.segments(start, stop))

    def _segment(self, number: int) -> Segment:
        return Segment(number, {}, b"")


class _Unordered(MemoryStore):
    """Gives the values of a column in no order."""

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        return reversed([*super().field_postings(field, start, stop)])


@pytest.mark.parametrize(
    ("store", "case"),
    [
        (_Unswapped, lambda one, store: one.test_a_stale_head_is_refused_whole(store, 0)),
        (_Halfway, lambda one, store: one.test_a_stale_head_is_refused_whole(store, 0)),
        (_Forgetful, lambda one, store: one.test_taken_ids_are_refused_whole(store)),
        (_Forgetful, lambda one, store: one.test_events_are_found_by_id(store)),
        (_Generous, lambda one, store: one.test_a_range_holds_what_lies_in_it(store, 3, 7)),
        (_Dateless, lambda one, store: one.test_the_first_checkpoint_at_or_above_a_size(store)),
        (_Unswapped, lambda one, store: one.test_of_two_writers_with_one_head_one_wins(store)),
    ],
)
def test_the_contract_finds_what_is_broken(
    store: Callable[[], Store], case: Callable[[StoreContract, Store], None]
) -> None:
    """Each of these stores breaks one promise, and the case about it fails; a good one passes."""
    case(StoreContract(), MemoryStore())
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        case(StoreContract(), store())


@pytest.mark.parametrize(
    ("store", "case"),
    [
        (_Hasty, lambda one, store: one.test_no_segment_before_it_is_whole(store)),
        (_Unordered, lambda one, store: one.test_a_range_holds_the_segments_in_it(store)),
    ],
)
def test_the_contract_finds_wrong_segments(
    store: Callable[[], Any], case: Callable[[SearchableStoreContract, Any], None]
) -> None:
    """The same of stores that keep segments."""
    with pytest.raises(AssertionError):
        case(SearchableStoreContract(), store())


def test_a_store_must_be_given(tmp_path: Path) -> None:
    """A contract that was not told how to open a store says so."""
    with pytest.raises(NotImplementedError, match="open_store"):
        StoreContract().open_store(tmp_path)


def test_only_contracts_need_pytest() -> None:
    """Without pytest the kit imports, and a contract says what to install."""
    script = (
        "import sys; sys.modules['pytest'] = None\n"
        "import biotrail.testing as kit\n"
        "kit.FixedClock(), kit.FaultyStore, kit.tampering\n"
        "try:\n    kit.StoreContract\n"
        "except kit.MissingDependencyError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "biotrail[test]" in ran.stdout


def test_every_name_is_there() -> None:
    """Each name of the kit's `__all__` can be had, and others cannot."""
    for name in biotrail.testing.__all__:
        assert getattr(biotrail.testing, name).__doc__ or name == "STEPS"
    with pytest.raises(AttributeError, match="Nothing"):
        _ = biotrail.testing.Nothing
