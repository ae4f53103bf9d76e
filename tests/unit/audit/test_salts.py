"""Salts are drawn many at once, and each is used once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from biotrail.audit.prepare import Preparer, SystemSalts
from biotrail.stores import MemoryStore


def test_no_salt_is_given_twice() -> None:
    """Whatever threads take at the same time, no two get the same salt."""
    salts = SystemSalts()
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: salts.take(), range(5_000)))
    assert len(set(taken)) == len(taken)
    assert {len(one) for one in taken} == {32}


@pytest.mark.component("fork")
def test_a_child_draws_its_own() -> None:
    """After a fork the child does not hand out what the parent has drawn and will use."""
    preparer = Preparer(MemoryStore(), os.urandom)
    assert preparer._salts is not None
    preparer._salts.take()
    drawn = set(preparer._salts._drawn)
    preparer.begin_in_child()
    assert preparer._salts.take() not in drawn
