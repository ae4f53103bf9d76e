"""The spool of a log with a vault: sealed, and emptied by whoever holds the vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biotrail import Fallback, MemoryStore, Spool
from biotrail.errors import KeyProviderError, NotRecordedError, SpoolError, StoreFullError
from biotrail.query import RecordReader
from biotrail.stores import Batch
from biotrail.vault import Vault
from tests.unit.query._logs import event, open_log
from tests.unit.vault._providers import CountingProvider

PLAINTEXTS = (b"person-", b"guard", b"reader-", b"192.0", bytes((192, 0, 1)), b"door.open")


class Full(MemoryStore):
    """A store whose disk is full at times."""

    full = False

    def append(self, batch: Batch) -> None:
        """Append, unless the disk is full."""
        if self.full:
            raise StoreFullError("no space is left")
        super().append(batch)


@pytest.fixture
def store() -> Full:
    """An empty store."""
    return Full()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where the spool will be."""
    return tmp_path / "trail.spool"


def _spool(log: Any, *numbers: int) -> None:
    for number in numbers:
        one = event(number)
        with pytest.raises(NotRecordedError) as caught:
            log.record(one)
        assert log.fall_back(one, caught.value) is Fallback.SPOOLED


def _recorded(store: MemoryStore, vault: Vault) -> list[Any]:
    records = RecordReader(store, vault=vault).records()
    return [one.field("device_id") for one in records if one.kind == "event"]


def test_nothing_lies_in_it_in_the_clear(store: Full, spool: Path) -> None:
    """No field of an event is in the file, nor how long they are; what is recorded is all of it."""
    vault = Vault(CountingProvider())
    with open_log(store, vault, on_failure=Spool(spool)) as log:
        store.full = True
        _spool(log, 1, 2)
        data = spool.read_bytes()
        assert not any(text in data for text in PLAINTEXTS)
        store.full = False
        log.recover()
        assert spool.stat().st_size == 0
        store.full = True
        _spool(log, 3)  # the key is written anew into the emptied file
        store.full = False
    with open_log(store, vault, on_failure=Spool(spool)):
        assert spool.stat().st_size == 0
    assert _recorded(store, vault) == ["reader-1", "reader-2", "reader-3"]


def test_the_key_provider_is_down(store: Full, spool: Path) -> None:
    """The spool needs no provider when it is needed; emptying it waits until it is back."""
    provider = CountingProvider()
    with open_log(store, Vault(provider), on_failure=Spool(spool)) as log:
        provider.down = True
        _spool(log, 1, 2)  # new people, whose keys cannot be wrapped
        with pytest.raises(KeyProviderError):
            open_log(store, Vault(provider), on_failure=Spool(spool))
        assert spool.stat().st_size > 0
        provider.down = False
        log.recover()
    assert spool.stat().st_size == 0
    assert _recorded(store, Vault(provider)) == ["reader-1", "reader-2"]


def test_another_process_goes_on(store: Full, spool: Path) -> None:
    """Several processes' frames, each under its own key, are recorded by a third."""
    first = open_log(store, Vault(CountingProvider()), on_failure=Spool(spool))
    second = open_log(store, Vault(CountingProvider()), on_failure=Spool(spool))
    store.full = True
    _spool(first, 1)
    _spool(second, 2)
    _spool(first, 3)
    store.full = False
    vault = Vault(CountingProvider())
    with open_log(store, vault, on_failure=Spool(spool)):
        assert spool.stat().st_size == 0
    assert _recorded(store, vault) == ["reader-1", "reader-2", "reader-3"]


def test_a_spool_in_the_clear_is_read(spool: Path) -> None:
    """What a log without a vault had spooled is sealed when it is recorded with one."""
    store = Full()
    with open_log(store, None, on_failure=Spool(spool)) as log:
        store.full = True
        _spool(log, 1)
        assert b"person-1" in spool.read_bytes()
    store.full = False
    vault = Vault(CountingProvider())
    with open_log(store, vault, on_failure=Spool(spool)) as log:
        assert spool.stat().st_size == 0
    assert _recorded(store, vault) == ["reader-1"]
    assert [one.sealed for one in RecordReader(store).records(2) if one.kind == "event"] == [
        ("subject", "actor")
    ]


def test_without_the_vault_it_is_not_taken_for_empty(store: Full, spool: Path) -> None:
    """A sealed spool given to a log without a vault is refused, and left as it is."""
    with open_log(store, Vault(CountingProvider()), on_failure=Spool(spool)) as log:
        store.full = True
        _spool(log, 1)
    before = spool.read_bytes()
    with pytest.raises(SpoolError, match="vault"):
        open_log(MemoryStore(), None, on_failure=Spool(spool))
    assert spool.read_bytes() == before


@pytest.mark.parametrize("place", [60, -1])
def test_a_changed_spool_is_not_recorded(store: Full, spool: Path, place: int) -> None:
    """A frame whose seal was changed, its checksum too, is not recorded as an event."""
    from hashlib import sha256

    vault = Vault(CountingProvider())
    with open_log(store, vault, on_failure=Spool(spool)) as log:
        store.full = True
        _spool(log, 1)
        data = bytearray(spool.read_bytes())
        size = int.from_bytes(data[:4], "big")
        start = 36 + size  # after the frame that holds the key
        frame = data[start + 36 :]
        frame[place] ^= 1
        spool.write_bytes(data[: start + 4] + sha256(frame).digest() + frame)
        store.full = False
        with pytest.raises(Exception, match=r"does not open|not spooled"):
            log.recover()
    assert _recorded(store, vault) == []
    assert spool.stat().st_size > 0


def test_a_key_that_is_not_there(store: Full, spool: Path) -> None:
    """Frames without the key that seals them are told, and left as they are."""
    with open_log(store, Vault(CountingProvider()), on_failure=Spool(spool)) as log:
        store.full = True
        _spool(log, 1)
    data = spool.read_bytes()
    spool.write_bytes(data[36 + int.from_bytes(data[:4], "big") :])
    store.full = False
    with (
        open_log(store, Vault(CountingProvider()), on_failure=Spool(spool)) as log,
        pytest.raises(SpoolError, match=r"the key .* is not in it"),
    ):
        log.recover()


def test_the_bound_counts_the_key_too(store: Full, spool: Path) -> None:
    """A spool that has no room for key and event takes neither."""
    with open_log(
        store, Vault(CountingProvider()), on_failure=Spool(spool, maximum_bytes=500)
    ) as log:
        store.full = True
        one = event(1)
        with pytest.raises(NotRecordedError) as caught:
            log.record(one)
        with pytest.raises(NotRecordedError):
            log.fall_back(one, caught.value)
        assert spool.stat().st_size == 0
        store.full = False
