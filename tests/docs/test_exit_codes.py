"""The page of exit codes says what biotrail.errors says."""

from __future__ import annotations

import re

from biotrail import errors
from biotrail.errors import ProofError, SignatureError, VerificationError
from tests._components import ROOT

_ROW = re.compile(r"^\| (\d+) \| .* \| `(\w+)` \|$", re.MULTILINE)


def test_every_verdict_has_its_row() -> None:
    """The table names each verdict with its exit code, and no other."""
    page = (ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    shown = {name: int(code) for code, name in _ROW.findall(page)}
    public = [getattr(errors, name) for name in errors.__all__]
    assert shown == {one.__name__: one.exit_code for one in public if hasattr(one, "exit_code")}


def test_exit_codes_differ() -> None:
    """No two verdicts share an exit code."""
    codes = [verdict.exit_code for verdict in VerificationError.__subclasses__()]
    codes += [ProofError.exit_code, SignatureError.exit_code]
    assert len(codes) == len(set(codes))
