"""Reading a log over HTTP: what is shown, and that it is recorded before it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from biotrail import verify_disclosure, verify_proof
from biotrail.errors import StoreFullError
from biotrail.stores import MemoryStore
from biotrail.testing import FaultyStore
from biotrail.tlog import leaf_hash
from biotrail.vault import PersonalFields, Vault
from tests.unit.query._logs import event, open_log
from tests.unit.vault._providers import CountingProvider
from tests.unit.web._reading import REASON, Web, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]

READING: dict[str, Any] = {
    "/status": None,
    "/records": None,
    "/records/3": None,
    "/records/3/proof": None,
    "/records/3/entry": None,
    "/count": None,
    "/facets": None,
    "/timeline": None,
    "/checkpoints": None,
    "/checkpoints/3": None,
    "/keys": None,
    "/records/search": {"where": "outcome = failure"},
    "/count?": {"where": "outcome = failure"},
    "/facets?": {"by": ["action"]},
    "/timeline?": {"bucket": "day"},
}


@pytest.fixture
def web() -> Iterator[Web]:
    """A sealed log of a genesis, a policy, and ten events, indices 2 to 11."""
    web = new_web()
    with web.log:
        yield web


def _asked(web: Web, path: str, reader: str = "read") -> Any:
    body = READING[path]
    return web.get(path, reader) if body is None else web.post(path, body, reader)


@pytest.mark.parametrize("path", READING)
def test_each_read_is_recorded(web: Web, path: str) -> None:
    """A read adds an entry that names reader, purpose, route and number of records."""
    before = web.size
    answer = _asked(web, path)
    assert answer.status_code == 200, answer.text
    (read,) = web.reads()
    assert web.size > before
    assert read["reader"] == web.readers["read"].reader.bytes
    assert read["purpose"] == "review"
    method, route = read["route"].split(" ")
    assert method == answer.request.method
    assert route.replace("{index}", "3").replace("{size}", "3") == f"/api/v1{path.strip('?')}"
    shown = answer.json()["records"] if "records" in answer.text[:12] else None
    assert read["rows"] == (len(shown) if shown else int(path.startswith("/records/3")))


@pytest.mark.parametrize("path", READING)
def test_nothing_is_shown_that_could_not_be_recorded(web: Web, path: str) -> None:
    """Where the read cannot be written, the answer is a problem that holds nothing of the log."""
    web.store.fail("append", StoreFullError("/var/log/door.db is full"), times=100)
    answer = _asked(web, path)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "The read could not be recorded, so nothing is shown"
    assert "door" not in answer.text
    assert "etag" not in answer.headers


def test_a_page_and_the_next(web: Web) -> None:
    """Pages follow each other by their cursors, proven by the same checkpoint as the log grows."""
    first = web.get("/records?where=outcome%3Dfailure%20and%20action%3Ddoor.open&limit=3").json()
    assert [one["index"] for one in first["records"]] == [11, 8, 5]
    options = {"where": "outcome=failure and action=door.open", "limit": 3}
    following = web.post("/records/search", {**options, "cursor": first["next"]}).json()
    assert [one["index"] for one in following["records"]] == [2]
    assert (following["next"], following["misleading"]) == (None, 0)
    assert following["checkpoint"] == first["checkpoint"]


def test_a_record_holds_no_personal_field(web: Web) -> None:
    """Unless they are revealed, a record says only whose personal fields there are."""
    record = web.get("/records/3").json()
    assert record["content"]["action"] == "door.open"
    assert record["content"]["id"] == "00000000-0000-0000-0000-000000000002"
    assert record["payload"] == {"subject": {"state": "sealed"}, "actor": {"state": "sealed"}}
    assert record["personal"] == {}
    for value in ("person-1", "192.0.1.1", "reader-1", "guard"):
        assert value not in str(record)


def test_revealed_fields(web: Web) -> None:
    """What is revealed is shown, recorded by name with its reason, and kept by nobody."""
    path = "/records/3?reveal=subject&reveal=ip&reveal=score"
    answer = web.get(path, "reveal", headers=REASON)
    assert answer.json()["personal"] == {
        "subject": {"state": "shown", "value": {"id": "person-1"}},
        "ip": {"state": "shown", "value": "192.0.1.1"},
        "score_micro": {"state": "none"},
    }
    assert answer.headers["cache-control"] == "no-store"
    (read,) = web.reads()
    assert read["revealed"] == ["subject", "ip", "score_micro"]
    found = web.log.query("action = log.read", limit=1).records[0].event
    assert found is not None
    assert found.attributes == {"query": "index = 3", "reveal_reason": "a complaint"}
    assert found.actor is not None
    assert found.actor.id == "Ann"


def test_fields_of_a_log_without_a_vault_are_hidden_too() -> None:
    """That a log keeps personal fields in the clear shows them to nobody who may not see them."""
    web = new_web(sealed=False)
    with web.log:
        assert "person-1" not in web.get("/records").text
        assert web.get("/records?reveal=subject", headers=REASON).status_code == 403
        shown = web.get("/records/2?reveal=subject", "reveal", headers=REASON).json()
        assert shown["personal"]["subject"]["value"] == {"id": "person-1"}


def test_what_a_host_seals_is_personal_here_too() -> None:
    """Where the host's policy seals the target, it is shown and asked by with a reason only."""
    store = FaultyStore(MemoryStore())
    vault = Vault(CountingProvider(), policy=PersonalFields(seal=["target"]))
    web = Web(open_log(store, vault), store)
    with web.log:
        web.log.record(event(target="strong-room"))
        assert "strong-room" not in web.get("/records").text
        asked = {"where": "target = strong-room", "reveal": ["target"]}
        assert web.post("/records/search", asked).status_code == 403
        assert web.post("/facets", {"by": ["target"]}).status_code == 403
        shown = web.post("/records/search", {**asked, "reason": "a complaint"}, "reveal").json()
        (record,) = shown["records"]
        assert record["personal"]["target"] == {"state": "shown", "value": "strong-room"}


def test_erased_fields_say_so(web: Web) -> None:
    """Of a person who was erased the record stays, and says which entry erased them."""
    web.log.erase("person-1", tenant="south", reason="subject_request", legal_basis="GDPR Art. 17")
    record = web.get("/records/3?reveal=subject", "reveal", headers=REASON).json()
    part = record["payload"]["subject"]
    assert (part["state"], part["how"], part["reason"]) == ("erased", "erased", "subject_request")
    assert record["personal"]["subject"]["state"] == "erased"
    unrevealed = web.get("/records/3").json()
    assert (unrevealed["payload"], unrevealed["personal"]) == (record["payload"], {})


def test_the_proof_and_the_entry_of_a_record(web: Web) -> None:
    """Both are the bytes that anybody can verify without this application."""
    record = web.get("/records/3").json()
    entry = web.get("/records/3/entry")
    assert entry.headers["content-type"] == "application/cbor"
    assert leaf_hash(entry.content).hex() == record["leaf_hash"]
    proof = web.get("/records/3/proof")
    assert proof.headers["content-disposition"] == 'attachment; filename="3.tlog-proof"'
    proven = verify_proof(proof.content, web.log.verifier_key)
    assert proven.index == 3
    revealing = web.get("/records/3/proof?reveal=ip", "reveal", headers=REASON)
    assert b"192.0.1.1" not in proof.content
    shown = verify_disclosure(revealing.content, web.log.verifier_key)
    assert set(shown.fields or ()) == {"ip"}


def test_that_a_field_is_not_there_is_recorded_too(web: Web) -> None:
    """A proof of a field that the record has not is an answer about a person: it is recorded."""
    answer = web.get("/records/3/proof?reveal=session", "reveal", headers=REASON)
    assert answer.status_code == 404
    (read,) = web.reads()
    assert (read["rows"], read["revealed"]) == (0, ["session_id"])


def test_counting(web: Web) -> None:
    """Counts, facets and timelines are what the library says."""
    where = "where=action%3Ddoor.open"
    assert web.get(f"/count?{where}").json() == {"count": 10}
    facets = web.get(f"/facets?{where}&by=outcome&by=tenant&most=1").json()["facets"]
    assert facets == {
        "outcome": [{"value": "success", "count": 6}],
        "tenant": [{"value": "north", "count": 5}],
    }
    timeline = web.get(f"/timeline?{where}&bucket=day&by=outcome").json()["timeline"]
    day = {"start": "2026-11-23T00:00:00.000000Z", "count": 10}
    assert timeline == [{**day, "by": {"failure": 4, "success": 6}}]
    window = "since=2026-11-23T12:03:00Z&until=2026-11-23T12:05:00Z"
    bounded = web.get(f"/timeline?{where}&bucket=minute&{window}").json()["timeline"]
    assert [one["count"] for one in bounded] == [1, 1]


def test_the_log_as_it_once_stood(web: Web) -> None:
    """By the size of a checkpoint, or the checkpoint itself, the log is shown as it was."""
    note = web.get("/checkpoints/6").text
    for as_of in ("6", note):
        page = web.post("/records/search", {"as_of": as_of, "limit": 1}).json()
        assert page["records"][0]["index"] == 5
        assert page["checkpoint"]["note"] == note
    record = web.get("/records/3?as_of=6").json()
    assert record["checkpoint"]["size"] == 6
    assert web.get("/records/7?as_of=6").status_code == 404


def test_checkpoints_and_keys(web: Web) -> None:
    """Checkpoints come newest first, and go on; keys are those that the log admitted."""
    size = web.size
    first = web.get("/checkpoints?limit=2").json()
    assert [one["size"] for one in first["checkpoints"]] == [size, size - 1]
    following = web.get(f"/checkpoints?limit=1&before={first['before']}").json()
    assert following["checkpoints"][0]["size"] == size - 2
    keys = web.get("/keys").json()
    assert [one["verifier_key"] for one in keys["keys"]] == [web.log.verifier_key]
    size = web.size
    status = web.get("/status").json()
    assert (status["size"], status["verifier_key"]) == (size, web.log.verifier_key)


def test_an_answer_that_the_reader_has(web: Web) -> None:
    """By its ETag it is answered by 304 without a body, and recorded with no rows."""
    for path in ("/records/3", "/records/3/entry", "/records?where=index%3C4", "/keys"):
        first = web.get(path)
        again = web.get(path, headers={"if-none-match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert web.reads()[-1]["rows"] == 0
        assert web.get(path, headers={"if-none-match": '"other"'}).content == first.content or (
            "records" in path
        )
    assert web.get("/keys", headers={"if-none-match": "*"}).status_code == 304
