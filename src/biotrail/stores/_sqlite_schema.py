"""The SQLite schema, version by version. Specified for other readers in ``docs/spec/sqlite.md``."""

from __future__ import annotations

import re
import sqlite3

from biotrail.errors import StoreUnavailableError

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "check_identity",
    "check_log",
    "missing_guards",
    "prepare_schema",
    "schema_version",
    "strange_guards",
]

APPLICATION_ID = 0x62696F74
"""``biot`` in ASCII: marks the file as ours, in the field that SQLite keeps for this."""

_VERSION_1 = (
    """CREATE TABLE head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        size INTEGER NOT NULL CHECK (size >= 0)
    ) STRICT""",
    """CREATE TABLE entries (
        idx INTEGER PRIMARY KEY CHECK (idx >= 0),
        entry BLOB NOT NULL,
        checkpoint TEXT,
        kind TEXT NOT NULL,
        recorded INTEGER NOT NULL,
        event_id BLOB,
        occurred INTEGER,
        action TEXT,
        target TEXT,
        modality TEXT,
        decision TEXT,
        outcome TEXT,
        reason TEXT,
        tenant TEXT,
        matcher TEXT,
        subject BLOB
    ) STRICT""",
    """CREATE TABLE payloads (
        idx INTEGER PRIMARY KEY CHECK (idx >= 0),
        payload BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE tiles (
        level INTEGER NOT NULL CHECK (level >= 0),
        idx INTEGER NOT NULL CHECK (idx >= 0),
        hashes BLOB NOT NULL,
        PRIMARY KEY (level, idx)
    ) STRICT""",
    """CREATE TABLE subjects (
        tenant TEXT NOT NULL,
        identity TEXT NOT NULL,
        reference BLOB NOT NULL,
        PRIMARY KEY (tenant, identity, reference)
    ) STRICT""",
    "CREATE UNIQUE INDEX entries_event_id ON entries (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX entries_other_kinds ON entries (idx) WHERE kind <> 'event'",
    """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END""",
    """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END""",
    """CREATE TRIGGER tiles_no_update BEFORE UPDATE ON tiles
        BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END""",
    """CREATE TRIGGER tiles_no_delete BEFORE DELETE ON tiles
        BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END""",
    """CREATE TRIGGER payloads_no_update BEFORE UPDATE ON payloads
        BEGIN SELECT RAISE(ABORT, 'payloads are not changed'); END""",
    """CREATE TRIGGER head_only_grows BEFORE UPDATE ON head WHEN NEW.size <= OLD.size
        BEGIN SELECT RAISE(ABORT, 'the head only grows'); END""",
    """CREATE TRIGGER head_no_delete BEFORE DELETE ON head
        BEGIN SELECT RAISE(ABORT, 'the head only grows'); END""",
    "INSERT INTO head (one, size) VALUES (1, 0)",
)

_VERSION_2 = (
    """CREATE TABLE sealed (
        idx INTEGER PRIMARY KEY CHECK (idx >= 0),
        payload BLOB NOT NULL,
        subject BLOB,
        actor BLOB,
        device BLOB,
        ip BLOB,
        found INTEGER,
        filler BLOB
    ) STRICT""",
    """CREATE TABLE data_keys (
        id INTEGER PRIMARY KEY CHECK (id > 0),
        reference BLOB NOT NULL UNIQUE,
        key_id TEXT NOT NULL,
        wrapped BLOB NOT NULL,
        fingerprint BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE fences (
        number INTEGER PRIMARY KEY CHECK (number > 0),
        erasure BLOB NOT NULL UNIQUE,
        content BLOB NOT NULL,
        through INTEGER NOT NULL,
        entry INTEGER
    ) STRICT""",
    """CREATE TABLE fence_references (
        number INTEGER NOT NULL,
        place INTEGER NOT NULL,
        reference BLOB NOT NULL,
        PRIMARY KEY (number, place)
    ) STRICT""",
    """CREATE INDEX sealed_subject ON sealed (subject)
        WHERE found IS NOT NULL AND subject IS NOT NULL""",
    """CREATE INDEX sealed_actor ON sealed (actor)
        WHERE found IS NOT NULL AND actor IS NOT NULL""",
    """CREATE INDEX sealed_device ON sealed (device)
        WHERE found IS NOT NULL AND device IS NOT NULL""",
    """CREATE INDEX sealed_ip ON sealed (ip)
        WHERE found IS NOT NULL AND ip IS NOT NULL""",
    """CREATE TRIGGER sealed_only_shrinks BEFORE UPDATE ON sealed
        WHEN (NEW.payload <> OLD.payload AND length(NEW.payload) >= length(OLD.payload))
        OR NEW.idx <> OLD.idx OR (NEW.found IS NULL AND OLD.found IS NOT NULL)
        OR NEW.subject IS NOT OLD.subject OR NEW.actor IS NOT OLD.actor
        OR (NEW.device IS NOT NULL AND NEW.device IS NOT OLD.device)
        OR (NEW.ip IS NOT NULL AND NEW.ip IS NOT OLD.ip)
        BEGIN SELECT RAISE(ABORT, 'sealed payloads only shrink'); END""",
    """CREATE TRIGGER sealed_no_delete BEFORE DELETE ON sealed
        BEGIN SELECT RAISE(ABORT, 'sealed payloads only shrink'); END""",
    """CREATE TRIGGER data_keys_stay BEFORE UPDATE ON data_keys
        WHEN NEW.id <> OLD.id OR NEW.reference <> OLD.reference
        OR NEW.fingerprint <> OLD.fingerprint OR OLD.wrapped = zeroblob(length(OLD.wrapped))
        BEGIN SELECT RAISE(ABORT, 'a destroyed key stays destroyed'); END""",
    """CREATE TRIGGER data_keys_no_delete BEFORE DELETE ON data_keys
        BEGIN SELECT RAISE(ABORT, 'a destroyed key stays destroyed'); END""",
    """CREATE TRIGGER fences_stay BEFORE UPDATE ON fences
        WHEN NEW.number <> OLD.number OR NEW.erasure <> OLD.erasure OR NEW.content <> OLD.content
        OR NEW.through <> OLD.through OR OLD.entry IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'a fence stays'); END""",
    """CREATE TRIGGER fences_no_delete BEFORE DELETE ON fences
        BEGIN SELECT RAISE(ABORT, 'a fence stays'); END""",
    """CREATE TRIGGER fence_references_no_update BEFORE UPDATE ON fence_references
        BEGIN SELECT RAISE(ABORT, 'a fence stays'); END""",
    """CREATE TRIGGER fence_references_no_delete BEFORE DELETE ON fence_references
        BEGIN SELECT RAISE(ABORT, 'a fence stays'); END""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2)
"""Statements that lead from version n to n + 1: a migration adds, and changes nothing."""
SCHEMA_VERSION = len(MIGRATIONS)


def prepare_schema(connection: sqlite3.Connection, name: str) -> None:
    """Create the schema, or bring an older one up to date; runs inside a write transaction.

    Raises:
        StoreUnavailableError: The file belongs to another program or to a newer biotrail.
    """
    check_identity(connection, name)
    version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


# In one statement: another process may be making the schema at this moment.
_IDENTITY = (
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) "
    "FROM pragma_application_id, pragma_user_version"
)


def check_identity(connection: sqlite3.Connection, name: str) -> None:
    """Check that the file is a biotrail log, or empty.

    Raises:
        StoreUnavailableError: It is something else, or of a newer version.
    """
    application, version, tables = connection.execute(_IDENTITY).fetchone()
    if application != APPLICATION_ID and (tables or application or version):
        raise StoreUnavailableError(
            f"{name} is a SQLite database of another program, not a biotrail log"
        )
    if version > SCHEMA_VERSION:
        raise StoreUnavailableError(
            f"{name} has schema version {version}; this biotrail knows up to {SCHEMA_VERSION}: "
            "upgrade biotrail"
        )


def check_log(connection: sqlite3.Connection, name: str) -> None:
    """Check that the file is a biotrail log, begun or not.

    Raises:
        StoreUnavailableError: It is something else, of a newer version, or empty.
    """
    check_identity(connection, name)
    if schema_version(connection) == 0:
        raise StoreUnavailableError(f"{name} is empty: it is not a biotrail log")


def schema_version(connection: sqlite3.Connection) -> int:
    """Version of the file's schema; 0 for a file that is not begun."""
    return _pragma(connection, "user_version")


def missing_guards(connection: sqlite3.Connection) -> list[str]:
    """What the schema of the file's version has and this file lacks, or has changed: names."""
    found = {
        name: _squeeze(sql or "")
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_schema")
    }
    expected = _expected(schema_version(connection))
    return sorted(name for name, sql in expected.items() if found.get(name) != sql)


def strange_guards(connection: sqlite3.Connection) -> list[str]:
    """Names of triggers and views that the schema does not have: they act on what is written."""
    expected = _expected(schema_version(connection))
    query = "SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name"
    return [name for (name,) in connection.execute(query) if name not in expected]


def _expected(version: int) -> dict[str, str]:
    pattern = re.compile(r"CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) (\w+)")
    statements = [statement for some in MIGRATIONS[:version] for statement in some]
    named = [(pattern.match(statement), statement) for statement in statements]
    return {match[1]: _squeeze(statement) for match, statement in named if match}


def _squeeze(sql: str) -> str:
    return " ".join(sql.split())


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
