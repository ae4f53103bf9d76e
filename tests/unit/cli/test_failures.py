"""Every error has its exit code, its word and its JSON form."""

from __future__ import annotations

import inspect

import pytest

from biotrail import errors
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    EventError,
    ProofError,
    StoreUnavailableError,
    VerificationError,
)

pytest.importorskip("typer", reason="component cli: not installed (extra: cli)")

from biotrail.cli._failures import _ADVICE, describe, exit_code_of, report_failure

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass)]


def test_every_verdict_says_what_to_do() -> None:
    """Each class of error with an exit code of its own has a meaning and an advice."""
    verdicts = {one for one in CLASSES if hasattr(one, "exit_code")}
    assert verdicts == set(_ADVICE)


def test_other_errors_exit_with_3() -> None:
    """What is no verdict exits with 3, in one line."""
    assert exit_code_of(StoreUnavailableError("x")) == 3
    assert exit_code_of(BiotrailError("x")) == 3


def test_errors_are_described() -> None:
    """The JSON form has the same keys for every error, and the evidence where there is some."""
    told = describe(AlteredError("changed", index=3, expected="aa", found=b"\xbb"))
    assert told == {
        "kind": "altered",
        "type": "AlteredError",
        "exit_code": 11,
        "index": 3,
        "message": "changed",
        "expected": "aa",
        "found": "bb",
    }
    assert describe(EventError("field", 1, "rule"))["kind"] == "event"
    assert describe(StoreUnavailableError("x"))["kind"] == "store unavailable"
    assert describe(ProofError("x", expected=b"\x01"))["expected"] == "01"


def test_text_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict in words is on standard error, with hostile evidence escaped."""
    error = VerificationError("it says \x1b[2J", index=7, found="[red]\x1b[31m")
    assert report_failure(error, as_json=False) == 10
    written = capsys.readouterr()
    assert written.out == ""
    assert "FAILED  (exit code 10)" in written.err
    assert "[red]\\x1b[31m" in written.err
    assert "\x1b" not in written.err
