"""All answers at once: the same records as page after page, each held against the tree."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.errors import AlteredError, MissingError
from biotrail.query import LogQuery
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.query._logs import event, open_log, sealed_log


@pytest.fixture
def kept() -> tuple[Any, Vault, str]:
    """A log of twelve events, of one of which a person was erased; its vault and key."""
    store, vault = sealed_log([event(number) for number in range(12)])
    with open_log(store, vault) as log:
        log.erase("person-1", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
        key = log.verifier_key
    return store, vault, key


@pytest.mark.parametrize("where", [None, "kind = event", 'subject = "person-2"', "action = no"])
@pytest.mark.parametrize("opened", [False, True])
def test_answers_are_those_of_pages(
    kept: tuple[Any, Vault, str], where: str | None, opened: bool
) -> None:
    """The same entries in order of index, with the same word of what is gone."""
    store, vault, key = kept
    with LogQuery(store, trusted=key, vault=vault) as log:
        bulk = log.bulk(where, opened=opened)
        found = [one for some in bulk for one in some]
        pages = list(log.search(where, sort="index"))
        assert bulk.checkpoint == pages[0].checkpoint if pages else not found
    assert [one.data for one in found] == [one.record.data for one in pages]
    said = [[(gone.owner, gone.how) for gone in one.gone] for one in found]
    assert said == [[(gone.owner, gone.how) for gone in one.record.gone] for one in pages]
    if opened:
        assert [one.personal for one in found] == [one.record.personal for one in pages]
    elif where is None or where == "kind = event":
        assert not any(one.personal for one in found)


def test_something_was_erased(kept: tuple[Any, Vault, str]) -> None:
    """What was erased is told as such, though nothing is opened."""
    store, _, key = kept
    with LogQuery(store, trusted=key) as log:
        records = [one for some in log.bulk("kind = event") for one in some]
    assert {gone.how for one in records for gone in one.gone} == {"erased"}


def test_the_log_is_taken_as_it_was(kept: tuple[Any, Vault, str]) -> None:
    """What is recorded after the question was asked is not among its answers."""
    store, vault, key = kept
    with LogQuery(store, trusted=key) as log:
        bulk = log.bulk()
        with open_log(store, vault) as writer:
            writer.record(event(50))
        found = [one.index for some in bulk for one in some]
    assert found == list(range(bulk.checkpoint.size))


def test_an_altered_entry_is_found(kept: tuple[Any, Vault, str]) -> None:
    """An entry that was changed or taken away is not handed out: who takes all out is told."""
    store, _, key = kept

    class Altered(MemoryStore):
        """Another store's entries, one of them changed."""

        def __getattribute__(self, name: str) -> Any:
            if name == "raw_entries":
                return lambda start, stop: [
                    (index, data.replace(b"door.open", b"door.shut"), lookups)
                    for index, data, lookups in store.raw_entries(start, stop)
                ]
            return getattr(store, name)

    class Missing(Altered):
        """Another store's entries without one."""

        def __getattribute__(self, name: str) -> Any:
            if name == "raw_entries":
                return lambda start, stop: [
                    one for one in store.raw_entries(start, stop) if one[0] != 5
                ]
            return getattr(store, name)

    for broken, error in ((Altered(), AlteredError), (Missing(), MissingError)):
        with LogQuery(broken, trusted=key) as log, pytest.raises(error):
            list(log.bulk())
