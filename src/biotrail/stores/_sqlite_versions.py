"""The statements of the SQLite schema, version by version; specified in ``docs/spec/sqlite.md``."""

from __future__ import annotations

__all__ = ["MIGRATIONS"]

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

_VERSION_3 = (
    """CREATE TABLE sealed_tags (
        id INTEGER PRIMARY KEY CHECK (id >= 0),
        cells BLOB NOT NULL
    ) STRICT""",
    "DROP INDEX sealed_device",
    "DROP INDEX sealed_ip",
    """CREATE TRIGGER sealed_tags_stay BEFORE UPDATE ON sealed_tags
        WHEN NEW.id <> OLD.id OR length(NEW.cells) <> length(OLD.cells)
        BEGIN SELECT RAISE(ABORT, 'tags do not move'); END""",
    """CREATE TRIGGER sealed_tags_no_delete BEFORE DELETE ON sealed_tags
        BEGIN SELECT RAISE(ABORT, 'tags do not move'); END""",
)

_VERSION_4 = (
    """CREATE TABLE postings (
        segment INTEGER NOT NULL CHECK (segment >= 0),
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        positions BLOB NOT NULL,
        PRIMARY KEY (segment, field, value)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE posting_times (
        segment INTEGER PRIMARY KEY CHECK (segment >= 0),
        occurred BLOB NOT NULL
    ) STRICT""",
    """CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings
        BEGIN SELECT RAISE(ABORT, 'postings are not changed'); END""",
    """CREATE TRIGGER posting_times_no_update BEFORE UPDATE ON posting_times
        BEGIN SELECT RAISE(ABORT, 'postings are not changed'); END""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
"""Statements that lead from version n to n + 1: a migration changes nothing that is recorded."""
