"""Threat: the auditor is made to use, or happens to use, another key than the log's."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import VerifierKey, verify_log
from biotrail.errors import MalformedError, WrongKeyError
from tests.attacks._tools import key_of, signer, verdict


def test_a_key_of_the_same_name(log: Path) -> None:
    """Another key of the log's name is not the log's."""
    error = verdict(log, WrongKeyError, 0, key=key_of(9))
    assert (error.expected, error.found, error.exit_code) == (key_of(9), key_of(), 18)


def test_a_key_of_another_origin(log: Path) -> None:
    """The same key under another name is the key of another log."""
    error = verdict(log, WrongKeyError, 0, key=key_of(1, "biotrail.example/else"))
    assert error.expected == "biotrail.example/else"


def test_one_of_several_is_enough(log: Path) -> None:
    """Of several trusted keys one must be the log's; strangers among them do no harm."""
    for keys in ([key_of(9), key_of()], [key_of(), key_of(9)], (signer().verifier_key,)):
        assert verify_log(log, keys, workers=1).keys == (key_of(),)


def test_no_key_at_all(log: Path) -> None:
    """Without a key nothing can be proven."""
    verdict(log, WrongKeyError, None, key=())
    with pytest.raises(WrongKeyError):
        verify_log(log, [])


def test_keys_of_two_logs(log: Path) -> None:
    """Keys of different logs are refused."""
    verdict(log, WrongKeyError, None, key=[key_of(), key_of(1, "biotrail.example/else")])


@pytest.mark.parametrize("text", ["", "x", "a+b+c", key_of()[:-1], key_of().replace("+", "-")])
def test_what_is_no_key(log: Path, text: str) -> None:
    """A text that is no verifier key is malformed."""
    with pytest.raises(MalformedError):
        verify_log(log, text)


def test_a_key_with_a_line_end(log: Path) -> None:
    """A key as it was read from its file, with the line's end, is that key."""
    assert verify_log(log, f"{key_of()}\n", workers=1).origin == VerifierKey.parse(key_of()).name
