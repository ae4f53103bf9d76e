"""Errors as objects: one root, and whole when they come from another process."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from biotrail import errors
from biotrail.matchers.deletion import DeletionReport

_SPECIAL: dict[str, Any] = {
    "EventError": lambda: errors.EventError("Event.action", 7, "must be text"),
    "GalleryFileError": lambda: errors.GalleryFileError("no", reason="truncated"),
    "DeletionIncompleteError": lambda: errors.DeletionIncompleteError(
        "no", DeletionReport(references=("ref-1",), places=())
    ),
    "EventIdTakenError": lambda: errors.EventIdTakenError({bytes(16): 3}),
    "ProofError": lambda: errors.ProofError("no", expected=b"a", calculated=b"b"),
    "QuerySyntaxError": lambda: errors.QuerySyntaxError("no", "outcome ==", 9, "a value"),
    "TooManyRequestsError": lambda: errors.TooManyRequestsError("no", retry_after=2.5),
    "AlteredError": lambda: errors.AlteredError("no", index=3, expected="a", found="b"),
}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_pickled_whole(name: str) -> None:
    """Each error has the one root, a name in -Error, and comes out of a pickle as it went in."""
    error = _SPECIAL.get(name, lambda: getattr(errors, name)("what, where, what to do"))()
    assert isinstance(error, errors.BiotrailError)
    assert name.endswith("Error")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (str(again), again.args, again.__dict__) == (str(error), error.args, error.__dict__)


def test_exit_codes_are_distinct() -> None:
    """No two verdicts share an exit code or a name."""
    verdicts = [one for one in vars(errors).values() if hasattr(one, "exit_code")]
    assert len({one.exit_code for one in verdicts}) == len(verdicts)
    assert len({one.kind for one in verdicts}) == len(verdicts)
