"""Records as OCSF 1.8 events, field by field and against the published schema."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail import Context, Factor
from biotrail.canonical.schema import KINDS
from biotrail.forwarding import ocsf_event
from biotrail.forwarding._ocsf_other import OTHER_KINDS
from biotrail.forwarding.ocsf import ACTIONS
from tests.unit.forwarding._ocsf import errors_in
from tests.unit.forwarding._views import OTHERS, entry_of, view_of

pytestmark = pytest.mark.component("ocsf")
ATTEMPTS: list[dict[str, Any]] = [
    {},
    {"decision": "granted", "reason": "match"},
    {"outcome": "unknown", "reason": "error"},
    {"subject": None, "actor": None, "comparison": None, "modality": "none", "factors": []},
    {"context": Context(), "target": None, "tenant": None},
    {"context": Context(ip="2001:db8::1")},
    {"factors": list(Factor)},
]


@pytest.mark.parametrize("changes", ATTEMPTS)
@pytest.mark.parametrize("opened", [True, False])
def test_attempts_fit_the_schema(changes: dict[str, Any], opened: bool) -> None:
    """Attempts, open and sealed, are events of the published schema."""
    found = ocsf_event(view_of(opened=opened, **changes))
    assert errors_in(found) == []
    assert found["class_uid"] == 3002
    assert found["type_uid"] == 300201


@pytest.mark.parametrize("action", [*ACTIONS, "detection.hill_climbing"])
def test_other_actions_fit_the_schema(action: str) -> None:
    """Enrolments, locks, changed thresholds and what rules detect have classes of their own."""
    found = ocsf_event(view_of(action=action))
    assert errors_in(found) == []
    assert found["class_uid"] != 3002


@pytest.mark.parametrize("kind", [*OTHERS])
def test_other_entries_fit_the_schema(kind: str) -> None:
    """Every entry that is no event is an event of the published schema."""
    found = ocsf_event(entry_of(kind, OTHERS[kind]))
    assert errors_in(found) == []
    assert found["class_uid"] == OTHER_KINDS[kind].class_uid


def test_every_kind_is_mapped() -> None:
    """Each kind of entry of the specification has its class."""
    assert set(OTHER_KINDS) | {"event"} == set(KINDS)
    assert set(OTHERS) == set(OTHER_KINDS)


def test_the_schema_would_refuse() -> None:
    """The schema that is asked does refuse what is wrong."""
    found = ocsf_event(view_of())
    assert errors_in({**found, "severity_id": 77})
    assert errors_in({**found, "score": 1})
    assert errors_in({name: one for name, one in found.items() if name != "user"})


def test_fields() -> None:
    """Who, from where, how it ended, and what leads back to the proof."""
    view = view_of()
    found = ocsf_event(view)
    assert found["user"]["uid"] == "ada"
    assert found["user"]["name"] == "Ada L."
    assert found["user"]["uid_alt"] == view.subject_reference
    assert found["actor"]["user"]["uid"] == "kiosk-1"
    assert found["src_endpoint"]["ip"] == "192.0.2.7"
    assert found["src_endpoint"]["os"] == {"name": "Android 16", "type_id": 201}
    assert found["service"] == {"name": "server room", "uid": "example.com/door"}
    assert (found["status_id"], found["status_code"]) == (2, "non_match")
    assert (found["action_id"], found["disposition_id"]) == (2, 2)
    assert [one["factor_type_id"] for one in found["auth_factors"]] == [4, 6, 99]
    assert found["is_mfa"] is True
    assert found["session"] == {"uid": "s-1"}
    assert found["time"] == 1795435198123
    assert found["metadata"]["sequence"] == view.index
    assert found["metadata"]["uid"] == "00000000-0000-0000-0000-000000000007"
    assert found["metadata"]["original_time"] == "2026-11-23T11:59:58.123456Z"
    own = found["unmapped"]["biotrail"]
    assert own["leaf_hash"] == view.record.leaf_hash.hex()
    assert (own["index"], own["checkpoint_size"]) == (view.index, view.place.size)
    assert own["comparison"]["score"] == 0.25


def test_sealed_fields_are_absent() -> None:
    """Without the vault nothing personal is told: the reference stands for the person."""
    view = view_of(opened=False)
    found = ocsf_event(view)
    assert found["user"]["uid"] == f"reference:{view.subject_reference}"
    assert "src_endpoint" not in found
    assert "session" not in found
    assert found["unmapped"]["biotrail"]["absent"] == {"subject": "sealed", "actor": "sealed"}
    assert not [word for word in ("Ada L.", "kiosk-1", "192.0.2.7", "s-1") if word in str(found)]


def test_one_kind_of_factor_is_not_two() -> None:
    """A password and a PIN are known both: that is one factor. A place is none."""
    known = view_of(modality="none", comparison=None, factors=["password", "pin", "location"])
    assert ocsf_event(known)["is_mfa"] is False
    nothing = view_of(modality="none", comparison=None, factors=["location"])
    assert "is_mfa" not in ocsf_event(nothing)
