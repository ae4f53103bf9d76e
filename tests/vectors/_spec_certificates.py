"""Erasure certificates that hold, and files that must be refused.

Their texts are put together here from ``docs/spec/erasure.md``, not by the code under test.
"""

from __future__ import annotations

import base64
from typing import Any

from biotrail.canonical import encode_value
from biotrail.signing import sign_checkpoint
from biotrail.tlog import Checkpoint
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec

_RECORDED = "2026-11-23T11:34:00.123456Z"
_REQUESTED = "2026-11-20T08:00:00.000000Z"
_CONTENT: dict[str, Any] = {
    "id": bytes(range(16)),
    "reason": "subject_request",
    "through": 7,
    "payloads": 3,
    "requested": _REQUESTED,
    "references": [bytes([0xAA]) * 16, bytes([0xBB]) * 16],
    "legal_basis": "GDPR Art. 17(1)(b)",
    "fingerprints": [bytes([0xCC]) * 32, bytes([0xDD]) * 32],
}
# What the words of `beyond` are, and how they stand in the text.
_BEYOND = [
    ("backups of Zürich, 35 days", "backups of Zürich, 35 days"),
    ("tab\tline\nreturn\r", "tab\\tline\\nreturn\\r"),
    ("\x00\x1b[31m\x7f\x85\xa0\xad", "\\x00\\x1b[31m\\x7f\\x85\\xa0\\xad"),
    (
        "\u200b\u2028\u202e\u3000\ue000\ufeff\uffff",
        "\\u200b\\u2028\\u202e\\u3000\\ue000\\ufeff\\uffff",
    ),
    ("\U000e0001\U0010ffff", "\\U000e0001\\U0010ffff"),
    ("C:\\backups \\x1b", "C:\\backups \\x1b"),
    ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\\n"),
]
_TITLE = "biotrail/erasure-certificate/1\n"
_PROOF = "c2sp.org/tlog-proof@v1\n"
_LINES = f"""
log                   {spec.ORIGIN}
erasure               000102030405060708090a0b0c0d0e0f
entry                 0
requested             {_REQUESTED}
recorded              {_RECORDED}
reason                subject_request
legal basis           GDPR Art. 17(1)(b)
records before index  7
payload parts         3
reference             {"aa" * 16}
reference             {"bb" * 16}
destroyed key         {"cc" * 32}
destroyed key         {"dd" * 32}
"""
_MEANING = """
One person's data keys were destroyed, with the rows that led from the person to their records,
the sealed personal fields named above, and the tags by which they could be found. The entries
themselves stay and hold no name. What is encrypted and lies elsewhere, as in a backup, can no
longer be opened with the keys of this log.

This does not show that copies elsewhere were deleted: backups, exports, other systems.
The proof that follows shows that the log records this erasure, under the key that signed it.

"""
_TEXT = _TITLE + _LINES + _MEANING


def _proof(body: dict[str, Any], *, key: str = "A") -> str:
    """Return a proof file of the only entry of a log."""
    entry = encode_value([1, 0, bytes(32), _RECORDED, body])
    extra = base64.b64encode(encode_value({"entry": entry})).decode()
    checkpoint = Checkpoint(spec.ORIGIN, 1, rfc6962.mth([entry]))
    note = sign_checkpoint(checkpoint, spec.signer(key))
    return f"{_PROOF}extra {extra}\nindex 0\n\n{note}"


def _tombstone(**fields: Any) -> str:
    return _proof({"subject_erased": _CONTENT | fields})


def _with(lines: str) -> str:
    return _TITLE + _LINES + lines + _MEANING


def _files() -> list[str]:
    told = "".join(f"not reached           {one}\n" for _, one in _BEYOND)
    beyond = [one for one, _ in _BEYOND]
    bare = "".join(line for line in _LINES.splitlines(True) if "destroyed key" not in line)
    return [
        _TEXT + _tombstone(),
        _with(told) + _tombstone(beyond=beyond),
        _TITLE + bare + _MEANING + _tombstone(fingerprints=[]),
    ]


def _refused() -> list[tuple[str, str, str]]:
    good = _tombstone()
    tab = _tombstone(beyond=["a\tb"])
    hold: dict[str, Any] = {"id": bytes(16), "reason": "r", "references": [bytes(16)]}
    first, second = f"reference             {'aa' * 16}\n", f"reference             {'bb' * 16}\n"
    return [
        ("nothing", "malformed", ""),
        ("no proof", "malformed", _TEXT),
        ("the proof alone", "malformed", good),
        ("another first line", "malformed", f"\n{_TEXT}{good}"),
        ("a byte order mark", "malformed", f"\ufeff{_TEXT}{good}"),
        ("a proof of another kind", "malformed", _TEXT + _proof({"hold_placed": hold})),
        ("a space in the proof's first line", "malformed", _TEXT + good.replace("\n", " \n", 1)),
        ("more after the proof", "malformed", f"{_TEXT}{good}\n"),
        ("the proof's first line twice", "malformed", _TEXT + _PROOF + good),
        ("line ends of two characters", "malformed", (_TEXT + good).replace("\n", "\r\n")),
        ("another key", "not signed", _TEXT + _proof({"subject_erased": _CONTENT}, key="X")),
        ("another number", "altered", _TEXT.replace("parts         3", "parts         4") + good),
        ("another reason", "altered", _TEXT.replace("subject_request", "host.mistake") + good),
        ("a reference left out", "altered", _TEXT.replace(second, "") + good),
        ("another order", "altered", _TEXT.replace(first + second, second + first) + good),
        ("the text of another entry", "altered", _TEXT + _tombstone(payloads=4)),
        ("a line more", "altered", _with("not reached           all\n") + good),
        ("no empty line before the proof", "altered", _TEXT[:-1] + good),
        ("words after the text", "altered", f"{_TEXT}and more\n{good}"),
        ("a tab as it is", "altered", _with("not reached           a\tb\n") + tab),
        ("a tab by its number", "altered", _with("not reached           a\\x09b\n") + tab),
    ]


def certificates() -> dict[str, Any]:
    """Return the content of ``certificates.json``."""
    return {
        "keys": [str(spec.verifier_key("A"))],
        "files": _files(),
        "refused": [
            {"why": why, "verdict": verdict, "text": text} for why, verdict, text in _refused()
        ],
    }
