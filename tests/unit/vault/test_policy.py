"""Which fields are personal."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.errors import EventError
from biotrail.vault import CLEAR_BY_DEFAULT, SEALED_BY_DEFAULT, PersonalFields


def test_by_default_nothing_is_moved() -> None:
    """The policy of a host that says nothing is the default."""
    assert PersonalFields().is_default
    assert not PersonalFields(seal={"target"}).is_default


def test_every_movable_field_moves_one_way() -> None:
    """A field is either sealed or clear by default, never both."""
    policy = PersonalFields(seal=CLEAR_BY_DEFAULT, clear=SEALED_BY_DEFAULT)
    assert policy.seal.isdisjoint(policy.clear)


@pytest.mark.parametrize(
    ("seal", "clear"),
    [
        ({"action"}, ()),
        ({"tenant"}, ()),
        ({"ip"}, ()),
        ((), {"subject"}),
        ((), {"actor"}),
        ((), {"target"}),
        ("target", ()),
        ({7}, ()),
    ],
)
def test_what_cannot_be_moved_is_refused_at_the_door(seal: Any, clear: Any) -> None:
    """Identities stay sealed, what a record is filed under stays clear, and names are known."""
    with pytest.raises(EventError):
        PersonalFields(seal=seal, clear=clear)


def test_the_digest_depends_on_the_policy_and_not_on_its_order() -> None:
    """Two ways to say the same policy have one digest, two policies have two."""
    one = PersonalFields(seal=["target", "labels"]).digest()
    assert one == PersonalFields(seal=("labels", "target")).digest()
    assert one != PersonalFields(seal=["target"]).digest()
    assert one != PersonalFields().digest()
