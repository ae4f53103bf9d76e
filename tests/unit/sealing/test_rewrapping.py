"""Data keys are wrapped anew: all of them, in steps, without undoing an erasure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import DestroyedKeyError, KeyProviderError
from biotrail.query import RecordReader
from biotrail.sealing import rewrapping
from biotrail.sealing.rewrapping import Rewrapped, count_keys, rewrap_keys
from biotrail.stores import MemoryStore, SQLiteStore, WrappedKey
from biotrail.vault import TAG_REFERENCE, Vault
from tests.unit.query._logs import ORIGIN, event, open_log, sealed_log
from tests.unit.vault._providers import CountingProvider


@pytest.fixture(params=["memory", "sqlite"])
def log(request: Any, tmp_path: Path) -> Any:
    """A store with a log of twelve people, a guard and the tags: fourteen keys."""
    kind = request.param
    store: Any = MemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "trail.db")
    sealed_log((event(n, subject=f"person-{n}") for n in range(12)), store=store)
    if kind == "sqlite":
        store = SQLiteStore(tmp_path / "trail.db")
    yield store
    store.close()


def _rotated() -> tuple[Vault, CountingProvider, CountingProvider]:
    old, new = CountingProvider(), CountingProvider("counting:2", bytes(32))
    return Vault(new, previous=[old]), old, new


def _readable(store: Any, vault: Vault) -> bool:
    records = RecordReader(store, vault=vault)
    return all(one.sealed == () and one.gone == () for one in records.records(2))


def test_all_keys(log: Any) -> None:
    """Every key, that of the tags too, is wrapped by the present one, and opens as before."""
    vault, _, _ = _rotated()
    assert count_keys(log).wrapped == {"counting:1": 14}
    seen: list[tuple[int, int]] = []
    done = rewrap_keys(log, vault, ORIGIN, progress=lambda *one: seen.append(one))
    assert done == Rewrapped(14, (), 0)
    assert seen == [(14, 14)]
    assert count_keys(log) == rewrapping.KeyCounts({"counting:2": 14}, 0)
    alone = Vault(CountingProvider("counting:2", bytes(32)))
    assert _readable(log, alone)
    found = RecordReader(log, vault=alone).by_person("person-3")
    assert [one.index for one in found] == [5]
    assert rewrap_keys(log, vault, ORIGIN) == Rewrapped(0, (), 0)


def test_the_provider_goes_down_in_the_middle(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done stays done; called again, it goes on with the rest."""
    monkeypatch.setattr(rewrapping, "_AT_ONCE", 3)
    vault, _, new = _rotated()

    def fail_after(done: int, _: int) -> None:
        new.down = done >= 6

    with pytest.raises(KeyProviderError):
        rewrap_keys(log, vault, ORIGIN, progress=fail_after)
    assert count_keys(log).wrapped == {"counting:1": 8, "counting:2": 6}
    new.down = False
    assert _readable(log, vault)
    seen: list[tuple[int, int]] = []
    assert rewrap_keys(log, vault, ORIGIN, progress=lambda *one: seen.append(one)).rewrapped == 8
    assert seen[-1] == (8, 8)
    assert _readable(log, vault)


def test_a_provider_that_is_down_from_the_beginning(log: Any) -> None:
    """The provider's own error is raised, and nothing is changed."""
    vault, old, _ = _rotated()
    old.down = True
    with pytest.raises(KeyProviderError, match="out of reach"):
        rewrap_keys(log, vault, ORIGIN)
    assert count_keys(log).wrapped == {"counting:1": 14}


def test_a_key_that_cannot_be_unwrapped() -> None:
    """A damaged key is named, left as it was, and does not hold up the others."""
    store, _ = sealed_log(event(n, subject=f"person-{n}") for n in range(12))
    bad = next(one for one in store._keys.values() if one.reference != TAG_REFERENCE)
    store._keys[bad.reference] = broken = bad._replace(wrapped=bytes(48))
    vault, _, _ = _rotated()
    done = rewrap_keys(store, vault, ORIGIN)
    assert (done.rewrapped, done.left) == (13, 0)
    ((reference, why),) = done.unusable
    assert reference == bad.reference
    assert "InvalidTag" in why
    assert store._keys[bad.reference] == broken


def _between(store: Any, act: Callable[[], object]) -> Any:
    """The store, on which something happens right before keys are replaced."""

    class Between:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def rewrap_keys(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
            act()
            replaced: int = store.rewrap_keys(keys)
            return replaced

    return Between()


def test_an_erasure_that_comes_between(log: Any) -> None:
    """A key that is destroyed while it is being wrapped anew stays destroyed."""
    vault, _, _ = _rotated()
    (reference,) = {RecordReader(log, vault=vault).record(2).content["subject"]}
    racing = _between(log, lambda: log.destroy_identities([reference]))
    done = rewrap_keys(racing, vault, ORIGIN)
    assert (done.rewrapped, done.left) == (13, 0)
    assert log.data_keys([reference])[reference].wrapped == b""
    assert count_keys(log).destroyed == 1
    vault.forget()
    assert [one.how for one in RecordReader(log, vault=vault).record(2).gone] == ["missing"]
    assert rewrap_keys(log, vault, ORIGIN) == Rewrapped(0, (), 0)


def test_two_at_once(log: Any) -> None:
    """Of two that wrap the same keys at once, each key is replaced by one, and opens."""
    vault, _, _ = _rotated()
    results: list[Rewrapped] = []
    racing = _between(log, lambda: results.append(rewrap_keys(log, vault, ORIGIN)))
    done = rewrap_keys(racing, vault, ORIGIN)
    assert (results[0].rewrapped, done.rewrapped) == (14, 0)
    vault.forget()
    assert _readable(log, vault)


def test_a_writer_that_goes_on(tmp_path: Path) -> None:
    """A writer with the older key goes on; what it adds is wrapped anew, if need be next time."""
    path = tmp_path / "trail.db"
    sealed_log([event(1)], store=SQLiteStore(path))
    store = SQLiteStore(path)
    vault, old, _ = _rotated()
    with open_log(SQLiteStore(path), Vault(old)) as log:
        coming = [event(50, subject="new-1")]
        racing = _between(store, lambda: coming and log.record(coming.pop()))
        assert rewrap_keys(racing, vault, ORIGIN) == Rewrapped(4, (), 0)  # the new one's too
        log.record(event(51, subject="new-2"))
        counts = count_keys(store).wrapped
        assert counts == {"counting:1": 1, "counting:2": 4}
        assert rewrap_keys(store, vault, ORIGIN).rewrapped == 1
    vault.forget()
    assert _readable(store, vault)
    store.close()


def test_a_destroyed_key_that_is_back() -> None:
    """A key that an erasure destroyed, back with a backup, is not wrapped anew."""
    store, _ = sealed_log([event(1)])
    back = next(one for one in store._keys.values() if one.reference != TAG_REFERENCE)
    vault, _, _ = _rotated()
    vault.refuse([back.fingerprint])
    done = rewrap_keys(store, vault, ORIGIN)
    assert [one for one, _ in done.unusable] == [back.reference]
    assert store._keys[back.reference] == back
    with pytest.raises(DestroyedKeyError):
        vault.rewrapped(_kept(back), ORIGIN)


def _kept(key: WrappedKey) -> Any:
    from biotrail.vault import KeptKey

    return KeptKey(*key)
