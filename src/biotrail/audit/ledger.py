"""The ledger of erasures: what a log was made to forget, kept beside it.

A backup that is restored brings back what was erased after it was made, and knows nothing of the
erasure. The ledger does: a file of JSON lines, each with the certificate of an erasure, and no
personal data. Keep a copy away from the backups that it is there to correct.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from biotrail.audit.certificate import ErasureCertificate
from biotrail.canonical import format_time
from biotrail.errors import BiotrailError, MalformedError, StoreUnavailableError
from biotrail.tlog import ProofFile

__all__ = ["ErasureLedger"]

_NAMED, _ENDED = '{"erasure": "', '"}'
_HEX = re.compile("[0-9a-f]{32}")


class ErasureLedger:
    """A file with a line for each finished erasure."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Use a file; it is made with the first erasure."""
        self.path = Path(path)

    def add(self, certificate: ErasureCertificate) -> None:
        """Add an erasure, unless it is there; durable on return.

        Raises:
            StoreUnavailableError: The file cannot be written.
        """
        document = _document(certificate)
        named = json.dumps(dict(list(document.items())[:3]))[:-1]
        if any(line.startswith(named) for line in self._lines() if line.endswith(_ENDED)):
            return
        line = json.dumps(document, ensure_ascii=True) + "\n"
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                # A line that a crash cut short is ended, so that the next stands alone.
                os.write(file, (b"" if self._ends_well() else b"\n") + line.encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreUnavailableError(
                f"{self.path}: the ledger of erasures cannot be written: {error.strerror}"
            ) from error

    def known(self) -> frozenset[bytes]:
        """Ids of the erasures that have a line, and a whole one."""
        return frozenset(_named(line) for line in self._lines() if line.endswith(_ENDED)) - {b""}

    def cut_short(self) -> list[bytes]:
        """Ids of the lines that a crash cut short, in order; empty for one that cannot be read."""
        return [_named(line) for line in self._lines() if not line.endswith(_ENDED)]

    def certificates(self) -> list[ErasureCertificate]:
        """The erasures, in the order in which they were added; see `cut_short` for the others.

        Raises:
            StoreUnavailableError: The file cannot be read.
            MalformedError: A line of it is not what `add` writes.
        """
        return [_read(line, self.path) for line in self._lines() if line.endswith(_ENDED)]

    def fingerprints(self) -> frozenset[bytes]:
        """Fingerprints of all data keys that were destroyed; damaged lines are passed over."""
        return frozenset(one for found in self._readable() for one in found.fingerprints)

    def _readable(self) -> Iterator[ErasureCertificate]:
        for line in self._lines():
            try:
                yield _read(line, self.path)
            except MalformedError:
                continue

    def _ends_well(self) -> bool:
        return not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")

    def _lines(self) -> list[str]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnavailableError(
                f"{self.path}: the ledger of erasures cannot be read: {error.strerror}"
            ) from error
        return [line for line in text.split("\n") if line]


def _named(line: str) -> bytes:
    """The id that a line begins with; empty where it does not."""
    name = line[len(_NAMED) : len(_NAMED) + 32]
    return bytes.fromhex(name) if line.startswith(_NAMED) and _HEX.fullmatch(name) else b""


def _document(one: ErasureCertificate) -> dict[str, object]:
    return {
        "erasure": one.erasure.hex(),
        "index": one.index,
        "recorded": format_time(one.entry.recorded),
        "references": [reference.hex() for reference in one.references],
        "fingerprints": [fingerprint.hex() for fingerprint in one.fingerprints],
        "proof": one.proof.encode().decode(),
    }


def _read(line: str, path: Path) -> ErasureCertificate:
    """Read a line. Only the proof in it counts; the rest is for people."""
    try:
        proof = json.loads(line)["proof"]
        if not isinstance(proof, str):
            raise MalformedError("its proof is no text")
        return ErasureCertificate.of(ProofFile.parse(proof))
    except (ValueError, KeyError, TypeError, BiotrailError) as error:
        raise MalformedError(f"{path}: a line is no erasure's: {error}") from error
