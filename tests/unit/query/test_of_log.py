"""What a log tells of itself: its keys, its checkpoints, and what in a question is personal."""

from __future__ import annotations

from typing import Any

import pytest

import biotrail
from biotrail.errors import ForkedError, QueryError
from biotrail.query import LogQuery
from biotrail.query.of_log import _kept_before
from biotrail.stores import MemoryStore
from biotrail.vault import PersonalFields, Vault
from tests.unit.query._logs import ORIGIN, event, open_log, sealed_log
from tests.unit.query._questions import KEY, ask
from tests.unit.vault._providers import CountingProvider

pytestmark = pytest.mark.component("lark")


def _in_batches(*sizes: int) -> MemoryStore:
    """A log of a genesis, and batches of so many events: one checkpoint each."""
    store, number = MemoryStore(), 0
    with open_log(store, None) as log:
        for size in sizes:
            log.record_many(event(number + one) for one in range(size))
            number += size
    return store


def test_checkpoints_newest_first() -> None:
    """Every checkpoint that is kept is found, however many entries lie between two."""
    store = _in_batches(1, 300, 2, 40, 1, 1)
    sizes = [346, 345, 344, 304, 302, 2, 1]
    with LogQuery(store, trusted=KEY) as asked:
        assert [one.size for one in asked.checkpoints()] == sizes
        assert [one.size for one in asked.checkpoints(most=2)] == sizes[:2]
        assert [one.size for one in asked.checkpoints(before=303, most=2)] == [302, 2]
        assert [one.size for one in asked.checkpoints(before=302)] == [2, 1]
        assert asked.checkpoints(before=1) == ()
        assert asked.checkpoints(before=10**18)[0].size == 346


def test_checkpoints_are_found_in_few_steps() -> None:
    """The store is asked as often as the logarithm of what lies between two checkpoints."""
    asked: list[int] = []

    class Sparse:
        def checkpoint_from(self, size: int) -> tuple[int, str] | None:
            asked.append(size)
            return (7, "") if size <= 7 else (1_000_000, "")

    store: Any = Sparse()
    assert list(_kept_before(store, 1_000_000)) == [7]
    assert len(asked) < 100


def test_a_checkpoint_of_another_history_is_not_handed_out() -> None:
    """One that is kept and does not fit the tree is refused, not listed."""
    store, other = _in_batches(1, 1, 1), MemoryStore()
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    with biotrail.AuditLogger(other, signer) as log:
        log.record(event(7, action="door.close"))
    forged = other.checkpoint_from(2)
    assert forged is not None
    rows: Any = store
    rows._entries[1] = rows._entries[1]._replace(checkpoint=forged[1])
    with LogQuery(store, trusted=KEY) as asked, pytest.raises(ForkedError):
        asked.checkpoints()


def test_keys() -> None:
    """The keys are those that the log's own entries admit, in order."""
    with LogQuery(_in_batches(3), trusted=KEY) as asked:
        (key,) = asked.keys()
        assert (str(key.key), key.added, key.purpose) == (KEY, 0, "genesis")


@pytest.mark.parametrize(
    ("where", "besides", "names"),
    [
        (None, (), ()),
        ("outcome = failure and threshold > 0.5", ("action", "os"), ()),
        ("subject = anna or not (ip in 10.0.0.0/8)", (), ("subject", "ip")),
        ("score < 0.5 and score > 0.1", ("country", "city"), ("score_micro", "location")),
        ("attribute.x exists and label.y = 1", ("device",), ("attributes", "device_id")),
        ("session exists", ("user_agent",), ("session_id", "user_agent")),
    ],
)
def test_what_a_question_tells_of_people(
    where: str | None, besides: tuple[str, ...], names: tuple[str, ...]
) -> None:
    """Every personal field by which is asked is named once, however deep it stands."""
    asked = ask(*sealed_log([event()]))
    assert asked.personal_fields(where, besides=besides) == names


def test_what_a_host_seals_is_personal_too() -> None:
    """In a log whose host seals fields of the entry, those that may be sealed count."""
    vault = Vault(CountingProvider(), policy=PersonalFields(seal=["target", "labels"]))
    asked = ask(*sealed_log([event(target="vault", labels={"y": 1})], vault=vault))
    assert asked.personal_fields("label.y = 1", besides=("target",)) == ("labels", "target")
    assert asked.personal_fields("action = door.open") == ()


def test_a_field_that_does_not_exist() -> None:
    """An unknown name is an error, and no silence."""
    asked = ask(*sealed_log([event()]))
    with pytest.raises(QueryError, match="colour"):
        asked.personal_fields(besides=("colour",))
