"""The SQLite schema: made, brought up to date, and held against what a file has."""

from __future__ import annotations

import re
import sqlite3

from biotrail.errors import StoreUnavailableError
from biotrail.stores._sqlite_tags import complete_blocks
from biotrail.stores._sqlite_versions import MIGRATIONS

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
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
    (size,) = connection.execute("SELECT coalesce(max(size), 0) FROM head").fetchone()
    complete_blocks(connection, size)
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
    dropped = {one.removeprefix("DROP INDEX ") for one in statements}
    return {
        match[1]: _squeeze(statement)
        for match, statement in named
        if match and match[1] not in dropped
    }


def _squeeze(sql: str) -> str:
    return " ".join(sql.split())


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
