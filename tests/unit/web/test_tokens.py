"""Bearer tokens: their text, their file, and who is let in."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail import _secret_files
from biotrail.errors import EventError, TokenFileError, UnauthorizedError
from biotrail.web.access import Scope
from biotrail.web.token_text import digest_of, read_token, write_token
from biotrail.web.tokens import TokenBook

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
LATER = NOW + timedelta(days=90)
GIVEN: dict[str, Any] = {"scopes": ["read"], "purposes": ["review"], "expires": LATER}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the tokens are."""
    return tmp_path / "tokens.json"


@pytest.fixture
def book(path: Path) -> TokenBook:
    """The tokens, at a fixed time."""
    return TokenBook(path, clock=lambda: NOW)


@given(secret=st.binary(min_size=32, max_size=32), number=st.uuids())
def test_a_token_is_read_as_it_was_written(secret: bytes, number: UUID) -> None:
    """A token's text says its id and the digest of its secret, and nothing of other texts does."""
    text = write_token(number, secret)
    found = read_token(text)
    assert found is not None
    assert found == (number, digest_of(secret))
    assert read_token(text[:-1]) is None
    assert read_token(f"{text} ") is None


def test_a_slip_of_the_hand_is_found() -> None:
    """A text with one letter changed is no token, wherever the letter stands."""
    text = write_token(UUID(int=7), bytes(range(32)))
    for place, letter in enumerate(text):
        other = "a" if letter != "a" else "b"
        assert read_token(f"{text[:place]}{other}{text[place + 1 :]}") is None


def test_a_bearer_is_who_the_token_was_made_for(book: TokenBook) -> None:
    """What was said of a token when it was made is what its bearer may do."""
    text, token = book.create(
        scopes=["read", "reveal"],
        purposes=("review", "audit"),
        expires=LATER,
        name="Anna Ångström",
        tenant="north",
        since=NOW - timedelta(days=7),
        until=NOW + timedelta(days=7),
    )
    access = TokenBook(book.path).authenticate(text, NOW)
    assert access == token.access
    assert (access.reader, access.name, access.tenant) == (token.id, "Anna Ångström", "north")
    assert access.scopes == {Scope.READ, Scope.REVEAL}
    assert access.purposes == ("review", "audit")
    assert access.expires == LATER
    assert (access.since, access.until) == (NOW - timedelta(days=7), NOW + timedelta(days=7))


def test_no_secret_rests_in_the_file(book: TokenBook) -> None:
    """The file holds no part of a secret in any form, and no token; nor does what is listed."""
    text, token = book.create(**GIVEN)
    letters = text.split("_", 2)[2].rsplit("_", 1)[0]
    secret = base64.urlsafe_b64decode(f"{letters}=")
    shown = f"{token!r} {json.dumps(token.document())}"
    for place in [book.path.read_bytes(), shown.encode()]:
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), letters.encode()):
            assert form[:12] not in place
    assert digest_of(secret).hex() not in shown


def test_one_answer_for_all_who_are_refused(book: TokenBook) -> None:
    """Unknown, wrong, expired and revoked tokens are refused in the same words."""
    text, token = book.create(**GIVEN)
    revoked, gone = book.create(**GIVEN)
    book.revoke(gone.id)
    refused = [
        "",
        "Bearer",
        text.upper(),
        text + "\n",
        write_token(token.id, bytes(32)),
        write_token(UUID(int=1), bytes(32)),
        write_token(UUID(int=1), b"\xff" * 32),
        revoked,
    ]
    said = set()
    for one in refused:
        with pytest.raises(UnauthorizedError) as refusal:
            book.authenticate(one)
        said.add(str(refusal.value))
    with pytest.raises(UnauthorizedError) as refusal:
        book.authenticate(text, LATER)
    assert said == {str(refusal.value)}
    assert book.authenticate(text, LATER - timedelta(microseconds=1)).reader == token.id


def test_secrets_are_compared_in_constant_time(
    book: TokenBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each well-formed token is compared by `hmac.compare_digest`, known or not."""
    import hmac

    text, token = book.create(**GIVEN)
    seen: list[tuple[bytes, bytes]] = []
    whole = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return whole(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    book.authenticate(text)
    for stranger in (write_token(token.id, bytes(32)), write_token(UUID(int=1), bytes(32))):
        with pytest.raises(UnauthorizedError):
            book.authenticate(stranger)
    assert [len(one) for pair in seen for one in pair] == [32] * 6


def test_a_revocation_holds_at_once_in_another_process(book: TokenBook) -> None:
    """What one process revokes, another that has let it in before refuses with the next request."""
    text, token = book.create(**GIVEN)
    program = (
        "import sys\n"
        "from biotrail.web.tokens import TokenBook\n"
        "from biotrail.errors import UnauthorizedError\n"
        "book = TokenBook(sys.argv[1])\n"
        "for line in sys.stdin:\n"
        "    try:\n"
        "        print(book.authenticate(line.strip()).reader, flush=True)\n"
        "    except UnauthorizedError:\n"
        "        print('refused', flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(book.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None

        def ask() -> str:
            assert other.stdin is not None
            assert other.stdout is not None
            other.stdin.write(f"{text}\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert ask() == str(token.id)
        assert ask() == str(token.id)
        book.revoke(token.id)
        assert ask() == "refused"
        other.stdin.close()


def test_a_token_is_revoked_once(book: TokenBook) -> None:
    """A revoked token keeps the time of its first revocation; an unknown one cannot be revoked."""
    _, token = book.create(**GIVEN)
    assert book.revoke(token.id).revoked == NOW
    assert TokenBook(book.path, clock=lambda: LATER).revoke(token.id).revoked == NOW
    with pytest.raises(TokenFileError, match="holds no token"):
        book.revoke(UUID(int=1))
    (kept,) = book.tokens()
    assert kept.state(NOW) == "revoked"


def test_the_file_is_its_owners_alone(book: TokenBook) -> None:
    """The file is made with mode 0600, and refused when others may read it."""
    text, _ = book.create(**GIVEN)
    book.create(**GIVEN)
    assert book.path.stat().st_mode & 0o777 == 0o600
    book.path.chmod(0o640)
    for use in (lambda: book.authenticate(text), book.tokens, lambda: book.create(**GIVEN)):
        with pytest.raises(TokenFileError, match=r"token file .* can be used by others .*chmod"):
            use()


def _changed(data: bytes) -> Iterator[bytes]:
    whole = json.loads(data)
    yield b""
    yield data[:-40]
    yield b"[]"
    yield b"[" * 100_000
    yield data.replace(b'"read"', b'"admin"')
    yield data.replace(b"2027-02-22", b"2099-02-22")
    yield json.dumps({**whole, "version": "biotrail tokens 2"}).encode()
    yield json.dumps({**whole, "tokens": [*whole["tokens"], *whole["tokens"]]}).encode()
    yield json.dumps({**whole, "digest": "0" * 64}).encode()


def test_a_changed_file_lets_nobody_in(book: TokenBook) -> None:
    """A file that was cut short or edited is refused in words that name it; so is a link."""
    text, _ = book.create(**GIVEN)
    sound = book.path.read_bytes()
    assert len(set(_changed(sound)) - {sound}) == 9
    for data in _changed(sound):
        book.path.write_bytes(data)
        with pytest.raises(TokenFileError, match=f"token file {book.path} cannot be read"):
            book.authenticate(text)
        with pytest.raises(TokenFileError):
            book.create(**GIVEN)
        assert book.path.read_bytes() == data
    book.path.write_bytes(sound)
    assert book.authenticate(text).purposes == ("review",)
    book.path.rename(book.path.with_suffix(".kept"))
    book.path.symlink_to(book.path.with_suffix(".kept"))
    with pytest.raises(TokenFileError, match="symbolic link"):
        book.authenticate(text)


@pytest.mark.parametrize("step", ["_write_synced", "replace", "sync_directory"])
def test_a_crash_leaves_the_old_tokens_or_the_new(
    book: TokenBook, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process killed at any step of a write leaves a whole file: with the token, or without."""
    text, _ = book.create(**GIVEN)
    child = os.fork()
    if child == 0:  # in the child, nothing of pytest's may run
        try:

            def die(*_: object, **__: object) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

            if step == "replace":
                Path.replace = die  # type: ignore[method-assign, assignment]
            elif step == "_write_synced":
                whole = os.fsync

                def halfway(descriptor: int) -> None:
                    os.ftruncate(descriptor, 100)
                    whole(descriptor)
                    die()

                os.fsync = halfway  # type: ignore[assignment]
            else:
                _secret_files.sync_directory = die
            book.create(**GIVEN)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    after = TokenBook(book.path, clock=lambda: NOW)
    assert len(after.tokens()) == (2 if step == "sync_directory" else 1)
    assert after.authenticate(text, NOW).reader in {one.id for one in after.tokens()}
    after.create(**GIVEN)  # nothing stays locked


def test_processes_make_tokens_at_once(book: TokenBook) -> None:
    """Of two processes that make tokens at the same time, none loses the other's."""
    program = (
        "import sys\n"
        "from datetime import datetime, timedelta, UTC\n"
        "from biotrail.web.tokens import TokenBook\n"
        "book = TokenBook(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "for _ in range(12):\n"
        "    print(book.create(scopes=['read'], purposes=['review'],\n"
        "          expires=datetime.now(UTC) + timedelta(days=1))[0])\n"
    )
    command = [sys.executable, "-c", program, str(book.path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    made = [text for one in both for text in one.communicate()[0].split()]
    here = TokenBook(book.path)
    assert len(made) == 24
    assert len({here.authenticate(text).reader for text in made}) == 24
    assert len(here.tokens()) == 24


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": NOW},
        {"expires": datetime(2027, 1, 1)},
        {"scopes": []},
        {"scopes": ["write"]},
        {"purposes": []},
        {"purposes": ["Not a word"]},
        {"name": "two\nlines"},
        {"tenant": ""},
        {"since": LATER, "until": NOW},
    ],
)
def test_what_no_token_may_be(book: TokenBook, changes: dict[str, Any]) -> None:
    """Values that make no sense are refused at the door, and nothing is written."""
    with pytest.raises(EventError):
        book.create(**{**GIVEN, **changes})
    assert not book.path.exists()


def test_what_is_called_before_can_prevent_a_token(book: TokenBook) -> None:
    """A token that cannot be recorded beforehand is not made."""

    def refuse(token: object) -> None:
        raise RuntimeError("not recorded")

    with pytest.raises(RuntimeError, match="not recorded"):
        book.create(**GIVEN, before=refuse)
    assert book.tokens() == ()


def test_a_book_does_not_grow_without_end(book: TokenBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that would become longer than it may be is left as it is."""
    monkeypatch.setattr("biotrail.web.tokens._MOST_BYTES", 600)
    book.create(**GIVEN)
    before = book.path.read_bytes()
    with pytest.raises(TokenFileError, match="too many tokens"):
        book.create(**GIVEN)
    assert book.path.read_bytes() == before
