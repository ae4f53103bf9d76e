"""SQLite connections that fail at the n-th statement, before it or after it was carried out."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from biotrail.stores import SQLiteStore
from biotrail.stores._sqlite_fork import ReadingConnection


class Plan:
    """Which statement fails, how, and how many of those after it."""

    def __init__(self) -> None:
        self.left = 0
        self.times = 0
        self.code = 0
        self.done_before = False
        self.struck: list[str] = []

    def strike(self, at: int, code: int, *, done: bool, times: int = 1) -> None:
        """Let the statement of this number fail, counted from 1."""
        self.left, self.code, self.done_before, self.times = at, code, done, times
        self.struck = []

    def heal(self) -> None:
        """Let nothing fail any more."""
        self.left = self.times = 0

    def due(self, statement: str) -> bool:
        """Whether this statement fails; counts it."""
        if self.left > 1:
            self.left -= 1
            return False
        if self.left == 1 and self.times > 0:
            self.times -= 1
            self.struck.append(statement.split("(")[0].strip())
            return True
        return False

    def error(self) -> sqlite3.OperationalError:
        """The failure, as SQLite would raise it."""
        error = sqlite3.OperationalError("a failure that was asked for")
        error.sqlite_errorcode = self.code
        return error


class Failing:
    """A connection that asks a plan before each statement."""

    def __init__(self, connection: sqlite3.Connection, plan: Plan) -> None:
        self._connection = connection
        self._plan = plan

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Carry it out, or fail before, or fail after."""
        return self._do(self._connection.execute, statement, values)

    def executemany(self, statement: str, values: Any) -> sqlite3.Cursor:
        """The same for many rows."""
        return self._do(self._connection.executemany, statement, values)

    def _do(self, act: Any, statement: str, values: Any) -> sqlite3.Cursor:
        if not self._plan.due(statement):
            cursor: sqlite3.Cursor = act(statement, values)
            return cursor
        if self._plan.done_before:
            act(statement, values)
        raise self._plan.error()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def install(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Let every connection that a store opens from now on ask one plan."""
    plan = Plan()
    connect = SQLiteStore._connect_for_writing

    def connect_for_writing(store: SQLiteStore, path: Path) -> Any:
        return Failing(connect(store, path), plan)

    def execute(connection: ReadingConnection, statement: str, values: Any = ()) -> sqlite3.Cursor:
        if not plan.due(statement):
            return sqlite3.Connection.execute(connection, statement, values)
        if plan.done_before:
            sqlite3.Connection.execute(connection, statement, values)
        raise plan.error()

    monkeypatch.setattr(SQLiteStore, "_connect_for_writing", connect_for_writing)
    monkeypatch.setattr(ReadingConnection, "execute", execute)
    return plan
