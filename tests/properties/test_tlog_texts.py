"""Texts that come from others: refused by name, or exactly what would be written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MalformedError, SignatureError
from biotrail.signing import NoteSignature, SignedNote, VerifierKey, parse_note
from biotrail.tlog import EMPTY_ROOT, Checkpoint, ProofFile

names = st.text("abzAZ09.-/_~!\x7fé漢😀—", min_size=1, max_size=30)
hashes = st.binary(min_size=32, max_size=32)
checkpoints = st.builds(Checkpoint, names, st.integers(1, 2**63 - 1), hashes)
signatures = st.builds(
    NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)
)
texts = st.text("ab \n—+é漢😀\x7f\x85\u2028", max_size=60).map(lambda text: text + "\n")
notes = st.builds(SignedNote, texts, st.lists(signatures, min_size=1, max_size=5).map(tuple))
near = st.text(
    "c2sp.org/tlog-proof@v1\nextra index — 0123456789+=/AZ\r\0\u2028\ud800", max_size=200
)


@st.composite
def proof_files(draw: st.DrawFn) -> ProofFile:
    """Return well-formed proof files."""
    checkpoint = draw(checkpoints)
    signed = draw(st.lists(signatures, min_size=1, max_size=3).map(tuple))
    return ProofFile(
        draw(st.integers(0, checkpoint.size - 1)),
        tuple(draw(st.lists(hashes, max_size=64))),
        SignedNote(checkpoint.text(), signed).encode(),
        draw(st.none() | st.binary(min_size=1, max_size=100)),
    )


@st.composite
def spoiled(draw: st.DrawFn, good: st.SearchStrategy[str]) -> str:
    """Return a good text with some of it cut out and something else put in."""
    text = draw(good)
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(len(text), begin + 3)))
    return text[:begin] + draw(near) + text[end:]


@given(checkpoints)
def test_checkpoints_come_back(checkpoint: Checkpoint) -> None:
    """Reading a checkpoint's text gives the checkpoint."""
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@given(near | spoiled(checkpoints.map(Checkpoint.text)))
def test_any_checkpoint_text_is_what_it_would_be_written_as(text: str) -> None:
    """A text is refused by name, or is exactly the text of the checkpoint read from it."""
    try:
        checkpoint = Checkpoint.parse(text)
    except MalformedError:
        return
    assert checkpoint.text() == text


@given(notes)
def test_notes_come_back(note: SignedNote) -> None:
    """Reading a note gives the note, from text and from bytes."""
    assert parse_note(note.encode()) == note
    assert parse_note(note.encode().encode()) == note


@given(near | spoiled(notes.map(SignedNote.encode)))
def test_any_note_is_what_it_would_be_written_as(text: str) -> None:
    """A text is refused by name, or is exactly the note read from it."""
    try:
        note = parse_note(text)
    except SignatureError:
        return
    assert note.encode() == text


@given(st.binary(max_size=200))
def test_any_bytes_as_a_note_are_refused_by_name(data: bytes) -> None:
    """Bytes never give another error."""
    try:
        parse_note(data)
    except SignatureError:
        return


@given(proof_files())
def test_proof_files_come_back(proof: ProofFile) -> None:
    """Reading a proof file gives the proof."""
    assert ProofFile.parse(proof.encode()) == proof


@given(near | spoiled(proof_files().map(lambda proof: proof.encode().decode())))
def test_any_proof_file_is_what_it_would_be_written_as(text: str) -> None:
    """A text is refused by name, or is exactly the file of the proof read from it."""
    try:
        proof = ProofFile.parse(text)
    except MalformedError:
        return
    assert proof.encode().decode() == text


@given(names, st.binary(min_size=32, max_size=32))
def test_verifier_keys_come_back(name: str, public: bytes) -> None:
    """Reading a verifier key's text gives the key."""
    key = VerifierKey.from_public(name, public)
    assert VerifierKey.parse(str(key)) == key


@given(
    near
    | spoiled(
        st.builds(VerifierKey.from_public, names, st.binary(min_size=32, max_size=32)).map(str)
    )
)
def test_any_verifier_key_is_what_it_would_be_written_as(text: str) -> None:
    """A text is refused by name, or is exactly the text of the key read from it."""
    try:
        key = VerifierKey.parse(text)
    except MalformedError:
        return
    assert str(key) == text


def test_the_empty_log_has_a_checkpoint() -> None:
    """Size 0 is written as 0, under the hash of nothing."""
    text = "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.parse(text) == Checkpoint("a", 0, EMPTY_ROOT)
