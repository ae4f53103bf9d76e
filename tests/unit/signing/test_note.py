"""Signed notes: what is signed, whose signature counts, and what is refused."""

from __future__ import annotations

import pytest

from biotrail.errors import SignatureError
from biotrail.signing import (
    Ed25519Signer,
    NoteSignature,
    SignedNote,
    VerifierKey,
    parse_note,
    sign_note,
    verify_note,
)
from biotrail.signing.note import MAX_NOTE_BYTES, MAX_SIGNATURES

ALICE = Ed25519Signer.from_seed("alice.example", bytes(32))
BOB = Ed25519Signer.from_seed("bob.example", b"\x01" * 32)
UNKNOWN = NoteSignature("unknown.example", bytes(4), b"anything")


def forged(signer: Ed25519Signer) -> NoteSignature:
    """Return a signature line of a signer that is not by the signer."""
    key = signer.verifier_key
    return NoteSignature(key.name, key.key_id, bytes(64))


def test_the_signature_covers_the_text_with_its_last_newline() -> None:
    """What is signed is the text as UTF-8, newline included, and nothing else."""
    note = sign_note("text é\n", ALICE)
    ALICE.verifier_key.verify("text é\n".encode(), note.signatures[0].signature)


def test_a_note_is_text_blank_line_and_a_line_a_signature() -> None:
    """Two signers give two lines, in their order, behind em dashes."""
    lines = sign_note("one\ntwo\n", ALICE, BOB).encode().split("\n")
    assert lines[:3] == ["one", "two", ""]
    assert [line.split(" ")[:2] for line in lines[3:5]] == [
        ["—", "alice.example"],
        ["—", "bob.example"],
    ]
    assert lines[5:] == [""]


def test_a_text_may_have_blank_lines() -> None:
    """The last blank line is what parts text and signatures."""
    note = sign_note("one\n\ntwo\n", ALICE)
    assert parse_note(note.encode()).text == "one\n\ntwo\n"


def test_known_keys_that_signed_are_returned_once_in_order() -> None:
    """Verification says who signed, among the known."""
    note = sign_note("text\n", BOB, ALICE, BOB)
    keys = [ALICE.verifier_key, BOB.verifier_key]
    assert verify_note(note, keys) == (BOB.verifier_key, ALICE.verifier_key)


def test_unknown_signatures_have_no_say() -> None:
    """A signature of an unknown key neither spoils a note nor makes it good."""
    good = sign_note("text\n", ALICE)
    mixed = SignedNote(good.text, (UNKNOWN, *good.signatures, UNKNOWN))
    assert verify_note(mixed, [ALICE.verifier_key]) == (ALICE.verifier_key,)
    with pytest.raises(SignatureError, match=r"no trusted key.*unknown\.example\+00000000"):
        verify_note(SignedNote(good.text, (UNKNOWN,)), [ALICE.verifier_key])


def test_one_wrong_known_signature_spoils_the_note() -> None:
    """A known key's wrong signature is an alarm even beside a good one."""
    good = sign_note("text\n", ALICE)
    mixed = SignedNote(good.text, (*good.signatures, forged(BOB)))
    assert verify_note(mixed, [ALICE.verifier_key]) == (ALICE.verifier_key,)
    with pytest.raises(SignatureError, match="not that of bob"):
        verify_note(mixed, [ALICE.verifier_key, BOB.verifier_key])


def test_no_keys_means_no_trust() -> None:
    """Without known keys no note verifies."""
    with pytest.raises(SignatureError, match="no trusted key"):
        verify_note(sign_note("text\n", ALICE), [])


def test_keys_that_share_a_key_id_are_told_apart_by_the_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Key ids are only four bytes: where two known keys share one, either may have signed."""
    monkeypatch.setattr("biotrail.signing.keys._key_id", lambda *_: b"same")
    first, second = (Ed25519Signer.from_seed("a", bytes([n]) * 32) for n in (1, 2))
    keys = [first.verifier_key, second.verifier_key]
    assert verify_note(sign_note("text\n", first), keys) == (keys[0],)
    assert verify_note(sign_note("text\n", second), keys) == (keys[1],)
    with pytest.raises(SignatureError, match="not that of"):
        verify_note(SignedNote("text\n", (forged(first),)), keys)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\0\n", "cr\r\n", "\ud800\n"])
def test_texts_that_cannot_be_signed(text: str) -> None:
    """A text has a last newline, no control characters, and a UTF-8 form."""
    with pytest.raises(SignatureError):
        sign_note(text, ALICE)


def test_signing_needs_a_signer() -> None:
    """A note without signatures is none."""
    with pytest.raises(SignatureError, match="1 to 100 signatures"):
        sign_note("text\n")


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2028b", "\x1f", "\ud800"]
)
def test_names_that_no_key_can_have(name: str) -> None:
    """A name has no spaces of any script, no plus sign, and no control characters."""
    with pytest.raises(SignatureError, match="name in the signature line"):
        NoteSignature(name, bytes(4), b"x")


def test_the_number_of_signatures_is_bounded() -> None:
    """As many as are allowed are read, and one more is refused."""
    most = SignedNote("text\n", (UNKNOWN,) * MAX_SIGNATURES).encode()
    assert len(parse_note(most).signatures) == MAX_SIGNATURES
    with pytest.raises(SignatureError, match="at most 100"):
        parse_note(most + UNKNOWN.line())


def test_the_length_is_bounded() -> None:
    """A note that is too long is refused before it is looked into."""
    with pytest.raises(SignatureError, match="longer than"):
        parse_note(b"a" * (MAX_NOTE_BYTES + 1))


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """A note is UTF-8."""
    with pytest.raises(SignatureError, match="not UTF-8"):
        parse_note(b"\xff\n\n\n")


def test_a_signature_line_needs_a_signature() -> None:
    """Four bytes of key id alone are no signature."""
    with pytest.raises(SignatureError, match="lacks a key id or a signature"):
        parse_note("text\n\n— name AAAAAA==\n")


def test_the_key_of_the_specification_is_read() -> None:
    """The verifier key in C2SP signed-note has the name and the key id that stand there."""
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert (key.name, key.key_id.hex()) == ("example.com/foo", "530d903a")


def test_the_note_of_the_go_package_verifies() -> None:
    """The example in the documentation of golang.org/x/mod/sumdb/note is signed as it says."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = parse_note(
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
        "pRZb6KE6RyyBwJnAM=\n"
    )
    assert verify_note(note, [key]) == (key,)
