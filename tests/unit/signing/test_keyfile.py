"""Key files: made whole, for their owner only, and rotated without ever losing a key."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from biotrail.errors import KeyFileError
from biotrail.signing import (
    Ed25519Signer,
    VerifierKey,
    finish_rotation,
    next_verifier_key,
    next_verifier_key_digest,
    open_key_file,
    prepare_rotation,
)

NAME = "biotrail.example/log1"
WHO: Any = {"name": NAME, "passphrase": "correct horse"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the passphrase cheap, so that hundreds of openings take no minute."""
    monkeypatch.setattr("biotrail.signing._pkcs8._ROUNDS", 1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a key file that does not exist yet."""
    return tmp_path / "key.pem"


@pytest.fixture
def made(path: Path) -> Path:
    """Return the path of a key file, which has a next key beside it."""
    open_key_file(path, **WHO, create=True)
    return path


def opened(path: Path) -> VerifierKey:
    """Return the verifier key of a key file."""
    return open_key_file(path, **WHO).verifier_key


def names(path: Path) -> list[str]:
    """Return the names of all files beside a key file."""
    return sorted(os.listdir(path.parent))


def write_key(
    path: Path,
    private_key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption | None = None,
) -> None:
    """Write a key as another program would."""
    encryption = encryption or BestAvailableEncryption(b"correct horse")
    path.touch(0o600)
    path.write_bytes(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def test_creating_makes_the_current_and_the_next_key(path: Path) -> None:
    """Two different keys, in files that only their owner can read, and nothing else."""
    signer = open_key_file(path, **WHO, create=True)
    assert names(path) == ["key.pem", "key.pem.next"]
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert next_verifier_key(path, **WHO) != signer.verifier_key
    assert next_verifier_key_digest(path, **WHO) == next_verifier_key(path, **WHO).digest()


def test_a_key_file_opens_to_the_same_signer(made: Path) -> None:
    """Opening again, with the passphrase as text or bytes, gives the same key; so does create."""
    key = opened(made)
    assert open_key_file(str(made), name=NAME, passphrase=b"correct horse").verifier_key == key
    assert open_key_file(made, **WHO, create=True).verifier_key == key
    key.verify(b"message", open_key_file(made, **WHO).sign(b"message"))


def test_a_missing_file_is_not_made_unasked(path: Path) -> None:
    """Without create, nothing is made."""
    with pytest.raises(KeyFileError, match="does not exist"):
        open_key_file(path, **WHO)
    assert names(path) == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """The directory is the user's to make."""
    with pytest.raises(KeyFileError, match="cannot be written: No such file or directory"):
        open_key_file(tmp_path / "absent" / "key.pem", **WHO, create=True)


@pytest.mark.parametrize("passphrase", ["", b"", "\ud800"])
def test_a_passphrase_is_needed(path: Path, passphrase: str | bytes) -> None:
    """Keys are never written in the clear."""
    with pytest.raises(KeyFileError, match="passphrase"):
        open_key_file(path, name=NAME, passphrase=passphrase, create=True)
    assert names(path) == []


def test_a_wrong_passphrase_is_named_without_repeating_it(made: Path) -> None:
    """The error tells the file, and neither passphrase nor key."""
    with pytest.raises(KeyFileError, match="wrong passphrase") as caught:
        open_key_file(made, name=NAME, passphrase="battery staple")
    assert "battery" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_no_private_key_is_in_a_text_form(made: Path) -> None:
    """Neither seed nor PEM shows in what is printed of a signer."""
    signer = open_key_file(made, **WHO)
    assert repr(signer) == f"Ed25519Signer({signer.verifier_key})"
    assert b"ENCRYPTED" in made.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_file_that_others_can_use_is_refused(made: Path, mode: int) -> None:
    """The error says which command mends it."""
    made.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {made}"):
        open_key_file(made, **WHO)


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"])
def test_a_file_without_a_key_is_refused(path: Path, content: bytes) -> None:
    """An empty or foreign file is named; create does not write over it."""
    path.touch(0o600)
    path.write_bytes(content)
    for create in (False, True):
        with pytest.raises(KeyFileError, match=r"key\.pem"):
            open_key_file(path, **WHO, create=create)
    assert path.read_bytes() == content


def test_a_file_that_is_too_long_is_refused(path: Path) -> None:
    """A key file is short; a long one is not read through."""
    path.touch(0o600)
    path.write_bytes(bytes(70_000))
    with pytest.raises(KeyFileError, match="too long"):
        open_key_file(path, **WHO)


def test_a_key_of_another_algorithm_is_refused(path: Path) -> None:
    """An ECDSA key is not taken for an Ed25519 key."""
    write_key(path, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(KeyFileError, match="does not hold an Ed25519 key"):
        open_key_file(path, **WHO)


def test_an_unencrypted_key_is_refused(path: Path) -> None:
    """A key in the clear is not used, even with the right mode."""
    write_key(path, Ed25519PrivateKey.generate(), NoEncryption())
    with pytest.raises(KeyFileError, match="not an encrypted private key"):
        open_key_file(path, **WHO)


def test_a_key_of_another_program_opens(path: Path) -> None:
    """Any encrypted PKCS#8 file with an Ed25519 key will do."""
    private_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    write_key(path, private_key)
    expected = Ed25519Signer.from_seed(NAME, bytes(range(32))).verifier_key
    assert opened(path) == expected


def test_links_and_other_things_are_refused(made: Path) -> None:
    """A link may be turned to another file, a directory or pipe is no key."""
    link, pipe = made.with_name("link"), made.with_name("pipe")
    link.symlink_to(made)
    os.mkfifo(pipe, 0o600)
    for other, message in (
        (link, "symbolic link"),
        (pipe, "not a regular file"),
        (made.parent, "not a regular file|cannot be read"),
    ):
        with pytest.raises(KeyFileError, match=message):
            open_key_file(other, **WHO)


def test_a_dangling_link_is_not_written_through(path: Path, tmp_path: Path) -> None:
    """Creating does not follow a link to where someone else wants the key."""
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="symbolic link"):
        open_key_file(path, **WHO, create=True)
    assert names(path) == ["key.pem"]


def test_an_unreadable_file_is_named(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says is in the error."""
    monkeypatch.setattr(os, "open", raiser(PermissionError(13, "Permission denied")))
    with pytest.raises(KeyFileError, match="Permission denied"):
        open_key_file(made, **WHO)


def raiser(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def test_a_rotation_promotes_the_next_key_and_makes_another(made: Path) -> None:
    """The log is told the next key and the digest after it; then they are current and next."""
    before, promised = opened(made), next_verifier_key_digest(made, **WHO)
    signer, digest = prepare_rotation(made, **WHO)
    assert signer.verifier_key.digest() == promised
    assert opened(made) == before
    finished = finish_rotation(made, **WHO, admitted=signer.verifier_key)
    assert finished.verifier_key == opened(made) == signer.verifier_key
    assert next_verifier_key_digest(made, **WHO) == digest
    assert names(made) == ["key.pem", "key.pem.next"]


def test_both_steps_can_be_repeated(made: Path) -> None:
    """Preparing twice gives the same keys, and finishing twice changes nothing more."""
    first, digest = prepare_rotation(made, **WHO)
    second, same_digest = prepare_rotation(made, **WHO)
    assert (second.verifier_key, same_digest) == (first.verifier_key, digest)
    for _ in range(2):
        finish_rotation(made, **WHO, admitted=first.verifier_key)
    assert opened(made) == first.verifier_key
    assert next_verifier_key_digest(made, **WHO) == digest


def test_only_the_admitted_key_is_promoted(made: Path) -> None:
    """A key that the log did not admit stays where it is."""
    before = opened(made)
    signer, _ = prepare_rotation(made, **WHO)
    with pytest.raises(KeyFileError, match="do not hold the admitted key"):
        finish_rotation(made, **WHO, admitted=Ed25519Signer.generate(NAME).verifier_key)
    assert opened(made) == before
    assert next_verifier_key(made, **WHO) == signer.verifier_key


def test_finishing_needs_a_prepared_rotation(made: Path) -> None:
    """Without the key after the next one, nothing is promoted: the log would have no next key."""
    following = next_verifier_key(made, **WHO)
    with pytest.raises(KeyFileError, match="do not hold the admitted key"):
        finish_rotation(made, **WHO, admitted=following)
    assert next_verifier_key(made, **WHO) == following


class Crash(BaseException):
    """The process dies here."""


STEPS = ("open", "fsync", "link", "unlink", "replace")


def crash_at(monkeypatch: pytest.MonkeyPatch, number: int, *, done: bool) -> list[str]:
    """Let the process die at a step that touches the disk, before or after it is done."""
    taken: list[str] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            taken.append(name)
            if len(taken) <= number:
                return real(*args, **kwargs)
            if len(taken) == number + 1 and done:
                real(*args, **kwargs)
            raise Crash

        monkeypatch.setattr(os, name, step)

    for name in STEPS:
        watch(name)
    return taken


@pytest.mark.parametrize("done", [False, True])
def test_creation_survives_a_crash_anywhere(tmp_path: Path, done: bool) -> None:
    """After dying at any step, asking again makes both keys, and never finds half a file."""
    for number in range(100):
        path = tmp_path / str(number) / "key.pem"
        path.parent.mkdir()
        with pytest.MonkeyPatch.context() as monkeypatch:
            crash_at(monkeypatch, number, done=done)
            try:
                open_key_file(path, **WHO, create=True)
            except Crash:
                died = True
            else:
                died = False
        signer = open_key_file(path, **WHO, create=True)
        assert next_verifier_key(path, **WHO) != signer.verifier_key
        if not died:
            assert number > 10
            return


@pytest.mark.parametrize("done", [False, True])
def test_a_rotation_survives_a_crash_anywhere(tmp_path: Path, done: bool) -> None:
    """After dying at any step, repeating both steps ends with the keys that the log was told."""
    for number in range(100):
        path = tmp_path / str(number) / "key.pem"
        path.parent.mkdir()
        before = open_key_file(path, **WHO, create=True).verifier_key
        after = next_verifier_key(path, **WHO)
        told: list[tuple[VerifierKey, bytes]] = []
        with pytest.MonkeyPatch.context() as monkeypatch:
            crash_at(monkeypatch, number, done=done)
            died = not rotated(path, told)
        assert opened(path) in ((before, after) if told else (before,))
        if not told or opened(path) == before:
            assert next_verifier_key(path, **WHO) == after
        assert settle(path, told) == after
        assert opened(path) == after
        assert next_verifier_key_digest(path, **WHO) == told[0][1]
        if not died:
            assert number > 10
            return


def rotated(path: Path, told: list[tuple[VerifierKey, bytes]]) -> bool:
    """Rotate, noting what the log is told; tell whether it went through."""
    try:
        settle(path, told)
    except Crash:
        return False
    return True


def settle(path: Path, told: list[tuple[VerifierKey, bytes]]) -> VerifierKey:
    """Prepare unless the log was told already, then finish."""
    if not told:
        signer, digest = prepare_rotation(path, **WHO)
        told.append((signer.verifier_key, digest))
    return finish_rotation(path, **WHO, admitted=told[0][0]).verifier_key


@pytest.mark.parametrize("name", ["fsync", "link", "replace"])
def test_a_failing_disk_is_named(made: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system comes out as one of ours, with what the system says."""
    signer, _ = prepare_rotation(made, **WHO)
    made.with_name("key.pem.after-next").unlink()
    with pytest.raises(KeyFileError, match="No space left"):
        fail_rotation(made, name, signer, monkeypatch)


def fail_rotation(
    path: Path, name: str, signer: Ed25519Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotate on a disk that fails."""
    monkeypatch.setattr(os, name, raiser(OSError(28, "No space left on device")))
    prepare_rotation(path, **WHO)
    finish_rotation(path, **WHO, admitted=signer.verifier_key)


def test_preparing_completes_a_rotation_that_was_cut_short(made: Path) -> None:
    """Where the last rotation died between its two moves, the next begins by ending it."""
    signer, digest = prepare_rotation(made, **WHO)
    made.with_name("key.pem.next").replace(made)
    assert opened(made) == signer.verifier_key
    assert next_verifier_key_digest(made, **WHO) == digest
    following, _ = prepare_rotation(made, **WHO)
    assert following.verifier_key.digest() == digest


def test_create_uses_a_next_key_that_is_there_if_it_opens(path: Path) -> None:
    """What an interrupted creation left is used; a next key under another passphrase stops it."""
    following = path.with_name("key.pem.next")
    write_key(following, Ed25519PrivateKey.generate(), BestAvailableEncryption(b"other"))
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        open_key_file(path, **WHO, create=True)
    assert names(path) == ["key.pem.next"]
