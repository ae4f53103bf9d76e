"""Parts of a sealed payload that changed owners or keys, by a writer who commits to the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import pytest

from biotrail.canonical import decode_entry
from biotrail.canonical.sealed import Part, SealedPart, decode_sealed, encode_sealed, sealed_root
from biotrail.errors import AlteredError
from biotrail.sealing import Keyring, Opener
from biotrail.verify.destruction import Destruction
from biotrail.verify.payloads import Payloads
from tests.unit.query._logs import ORIGIN, event, sealed_log

Pair: TypeAlias = tuple[SealedPart, SealedPart]


def _owners_exchanged(pair: Pair) -> list[Part]:
    first, second = pair
    return [second._replace(owner=first.owner), first._replace(owner=second.owner)]


def _keys_exchanged(pair: Pair) -> list[Part]:
    first, second = pair
    return [first._replace(key=second.key), second._replace(key=first.key)]


def _one_key_for_both(pair: Pair) -> list[Part]:
    return [pair[0], pair[1]._replace(key=pair[0].key)]


def _actor_left_out(pair: Pair) -> list[Part]:
    return [pair[0]]


def _nobody_instead(pair: Pair) -> list[Part]:
    return [pair[0]._replace(owner=0)]


FORGERIES = [
    _owners_exchanged,
    _keys_exchanged,
    _one_key_for_both,
    _actor_left_out,
    _nobody_instead,
]


def _as_kept() -> tuple[Any, Opener, Pair]:
    store, vault = sealed_log([event(0)])
    entry = decode_entry(next(iter(store.entries(2, 3))).entry)
    first, second = decode_sealed(dict(store.payloads(2, 3))[2])
    assert isinstance(first, SealedPart)
    assert isinstance(second, SealedPart)
    return entry, Opener(ORIGIN, Keyring(store, vault, ORIGIN)), (first, second)


def _check(entry: Any, opener: Opener, parts: list[Part], *, commit: bool) -> list[Any]:
    """What opening and verifying do, as two calls."""
    content = {**entry.content, "payload": sealed_root(parts)} if commit else entry.content
    entry, data = attrs.evolve(entry, content=content), encode_sealed(parts)
    return [
        lambda: opener.open(2, content, data),
        lambda: Payloads(iter([(2, data)]), Destruction()).check(entry),
    ]


def test_as_recorded_both_pass() -> None:
    """Nothing else is wrong with the record that is forged here."""
    entry, opener, pair = _as_kept()
    for check in _check(entry, opener, [*pair], commit=False):
        check()


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("forge", FORGERIES)
def test_other_owners_or_keys(forge: Callable[[Pair], list[Part]], *, commit: bool) -> None:
    """Whoever reads and whoever verifies refuse it, even where the entry commits to it."""
    entry, opener, pair = _as_kept()
    for check in _check(entry, opener, forge(pair), commit=commit):
        with pytest.raises(AlteredError) as caught:
            check()
        assert caught.value.index == 2
        if commit:
            assert "the entry names" in str(caught.value) or "somebody else" in str(caught.value)
