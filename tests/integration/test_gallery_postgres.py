"""A gallery in a real PostgreSQL: nodes load it, follow its changes, and find tampering."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import DuplicateReferenceError, MatcherError, UnknownReferenceError
from biotrail.matchers import EmbeddingMatcher, Gallery, Reference
from tests._components import postgres_program, reason_for_absence

pytestmark = pytest.mark.component("postgres")

if reason_for_absence("postgres") is None:
    import numpy as np
    import psycopg

    from biotrail.matchers.gallery.postgres import PostgresGallery

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=16)
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own behind a Unix socket in a short folder; how to connect to it."""
    as_root = os.geteuid() == 0
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if as_root else {}
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if as_root:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    subprocess.run(
        [str(postgres_program("initdb")), "-D", data, "-U", "tester", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **user,
    )
    running = subprocess.Popen(
        [
            str(postgres_program("postgres")),
            "-D",
            data,
            "-k",
            str(folder),
            "-c",
            "listen_addresses=",
            "-F",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **user,
    )
    info = f"host={folder} user=tester dbname=postgres"
    try:
        _wait(lambda: _connects(info))
        yield info
    finally:
        running.terminate()
        running.wait()
        shutil.rmtree(folder)


def _connects(info: str) -> bool:
    try:
        psycopg.connect(info).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait(true: Any) -> None:
    """Wait up to 20 seconds for something to become true."""
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until, "it did not become true"
        time.sleep(0.02)


def features(count: int, seed: int = 1) -> list[Any]:
    """Random features."""
    rows = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return [MATCHER.features(row) for row in rows]


def node(server: str, name: str, key: bytes = KEY) -> PostgresGallery:
    """A node of a gallery."""
    return PostgresGallery(server, MATCHER.card, key=key, name=name)


def test_a_node_loads_what_others_enrolled(server: str) -> None:
    """References, samples, version and answers are those of the node that made them."""
    made = features(30)
    with node(server, "loads") as first:
        ids = [first.add(one) for one in made]
        first.add(Reference.from_samples(made[:3], id="Zoë"))
        assert first.remove(ids[4]) == 1
        with node(server, "loads") as second:
            assert (len(second), second.gallery.samples) == (30, 32)
            assert second.gallery.version == first.gallery.version == 34
            found = second.identify_many(made, top=3)
            assert found == first.identify_many(made, top=3)
            assert found[0].decide(0.9).gallery == "loads@34"
            assert ids[4] not in second
            with pytest.raises(UnknownReferenceError):
                second.remove(ids[4])


def test_a_node_follows_another_process(server: str) -> None:
    """What another process enrols and removes is seen here soon, and scores as in one gallery."""
    program = f"""
from biotrail.matchers import EmbeddingMatcher
from biotrail.matchers.gallery.postgres import PostgresGallery
matcher = EmbeddingMatcher(model="m", version="1", dimension=16)
with PostgresGallery({server!r}, matcher.card, key={KEY!r}, name="follows") as gallery:
    for number in range(20):
        gallery.add(matcher.features([1.0 + number * k % 7 for k in range(16)]),
                    reference=f"r{{number}}")
    gallery.remove("r3")
"""
    with node(server, "follows") as here:
        here.follow(every=5.0)
        began = here.heard
        subprocess.run([sys.executable, "-c", program], check=True)
        _wait(lambda: here.gallery.version == 21)
        assert len(here) == 19
        assert "r3" not in here
        assert began is not None
        assert here.heard is not None
        assert here.heard > began
        whole = Gallery(MATCHER.card)
        for number in range(20):
            if number != 3:
                values = [1.0 + number * k % 7 for k in range(16)]
                whole.add(MATCHER.features(values), reference=f"r{number}")
        (probe,) = features(1, seed=4)
        found = here.identify(probe, top=9).candidates
        assert found == whole.identify(probe, top=9).candidates


def test_following_outlives_a_lost_connection(server: str) -> None:
    """When PostgreSQL drops the follower's connection, it connects again and catches up."""
    (one,) = features(1)
    with node(server, "lost") as here, node(server, "lost") as there:
        here.follow(every=0.05)
        _wait(lambda: _readers(server) == 3)
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'SELECT number, reference%%' AND pid <> ALL(%s)",
                ([here._connection.info.backend_pid, there._connection.info.backend_pid],),
            )
        name = there.add(one)
        _wait(lambda: name in here)


def _readers(server: str) -> int:
    with psycopg.connect(server) as admin:
        found = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT number, reference%'"
        ).fetchone()
    return int(found[0]) if found else 0


def test_many_nodes_enrol_at_once(server: str) -> None:
    """Changes of several nodes get numbers without gaps, and none is missed by any node."""
    nodes = [node(server, "many") for _ in range(4)]
    made = features(40)

    def enrol(which: int) -> None:
        for one in made[which * 10 : which * 10 + 10]:
            nodes[which].add(one)

    threads = [threading.Thread(target=enrol, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in nodes:
        one.refresh()
        assert (len(one), one.gallery.version) == (40, 40)
        one.close()


def test_duplicates_of_another_node_are_refused(server: str) -> None:
    """Who was enrolled by a node a moment ago is not enrolled by another that has not heard yet."""
    made = features(20)
    with node(server, "twice") as first, node(server, "twice") as second:
        for number, one in enumerate(made):
            first.add(one, reference=f"r{number}", refuse_duplicates=0.999)
        with pytest.raises(DuplicateReferenceError) as caught:
            second.add(made[3], refuse_duplicates=0.999)
        assert [found.reference for found in caught.value.candidates] == ["r3"]
        assert second.duplicates(made[4], threshold=0.999)[0].reference == "r4"
        second.add(made[3], reference="r3", refuse_duplicates=0.999)  # another sample of the same
        first.refresh()
        for one in (first, second):
            assert (len(one), one.gallery.samples, one.gallery.version) == (20, 21, 21)


def test_of_many_nodes_one_enrols_a_person(server: str) -> None:
    """Nodes that enrol the same people at once, refusing duplicates, enrol each of them once."""
    nodes = [node(server, "once") for _ in range(3)]
    people = features(8, seed=6)
    outcomes: list[str] = []

    def enrol(which: int) -> None:
        for person in people:
            try:
                nodes[which].add(person, refuse_duplicates=0.999)
                outcomes.append("enrolled")
            except DuplicateReferenceError:
                outcomes.append("refused")

    threads = [threading.Thread(target=enrol, args=(which,)) for which in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["enrolled"] * 8 + ["refused"] * 16
    for one in nodes:
        one.refresh()
        assert (len(one), one.gallery.version) == (8, 8)
        one.close()


def test_every_node_knows_when_references_end(server: str) -> None:
    """An end is sealed with the reference's samples, and holds on nodes that load it later."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    end = now + timedelta(microseconds=1)
    times = [now]

    def open_node() -> PostgresGallery:
        return PostgresGallery(server, MATCHER.card, key=KEY, name="ends", clock=lambda: times[0])

    made = features(3)
    with open_node() as first:
        first.add(Reference.from_samples(made[:2], id="ends", expires=end))
        first.add(made[2], reference="stays")
        with open_node() as second:
            for one in (first, second):
                assert one.identify(made[0], top=1).candidates[0].reference == "ends"
                assert one.gallery.reference("ends").expires == end
            times[0] = end
            for one in (first, second):
                found = one.identify(made[0], top=2).candidates
                assert [candidate.reference for candidate in found] == ["stays"]
                assert one.gallery.expired() == ["ends"]
            first.remove("ends")
            second.refresh()
            assert second.gallery.expiries() == {}


def test_the_database_holds_no_values(server: str) -> None:
    """What PostgreSQL has of a reference is its id and sealed bytes."""
    (one,) = features(1)
    with node(server, "sealed") as here, psycopg.connect(server) as admin:
        here.add(one, reference="r")
        row = admin.execute(
            "SELECT reference, sealed FROM biotrail_gallery_change WHERE gallery = 'sealed'"
        ).fetchone()
    assert row is not None
    assert row[0] == "r"
    assert one.values.astype("<f4").tobytes() not in bytes(row[1])
    assert len(row[1]) == 16 * 4 + 28


@pytest.mark.parametrize(
    "change",
    [
        "reference = 'another'",
        "sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "sealed = ''",
        "number = 7",
    ],
)
def test_changed_rows_are_refused(server: str, change: str) -> None:
    """A row that is given to somebody else, changed, emptied or renumbered does not open."""
    name = f"changed {change}"
    with node(server, name) as here:
        here.add(features(1)[0], reference="r")
        with psycopg.connect(server) as admin:
            admin.execute(
                f"UPDATE biotrail_gallery_change SET {change} WHERE gallery = %s",
                (name,),
            )
        with pytest.raises(MatcherError, match="does not open"):
            node(server, name)


def test_other_keys_and_models_are_refused(server: str) -> None:
    """Another key, another model, or a key of the wrong length does not get at the gallery."""
    with node(server, "keys"):
        with pytest.raises(MatcherError, match="does not open"):
            node(server, "keys", key=bytes(32))
        with pytest.raises(MatcherError, match="32 bytes"):
            node(server, "keys", key=b"short")
        other = EmbeddingMatcher(model="m", version="2", dimension=16).card
        with pytest.raises(MatcherError, match="another model"):
            PostgresGallery(server, other, key=KEY, name="keys")
