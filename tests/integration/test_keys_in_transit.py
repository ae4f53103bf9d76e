"""Keys in OpenBao's Transit engine, under TLS: versions, policies, and servers that misbehave."""

from __future__ import annotations

import http.server
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import KeyProviderError, WrappedKeyError
from biotrail.vault import VaultTransitKeyProvider
from tests._key_servers import ROOT_TOKEN, Server, ask, openbao_server
from tests.faults._child import ForkedChild

pytestmark = pytest.mark.component("openbao")


@pytest.fixture
def key(openbao: Server) -> str:
    """A key of the engine that nobody has used yet."""
    return made(openbao, {"type": "aes256-gcm96"})


def made(server: Server, how: dict[str, Any]) -> str:
    """The name of a new key."""
    name = os.urandom(8).hex()
    ask(server, f"/v1/transit/keys/{name}", method="POST", body=how)
    return name


def opened(server: Server, key: str, **options: Any) -> VaultTransitKeyProvider:
    """A provider at the server."""
    tls = ssl.create_default_context(cafile=server.ca_file)
    given: dict[str, Any] = {"token": ROOT_TOKEN, "tls": tls}
    return VaultTransitKeyProvider(server.address, key, **given | options)


def test_each_version_is_a_key_of_its_own(openbao: Server, key: str) -> None:
    """After a rotation the provider goes on until it is told; then both versions unwrap."""
    with opened(openbao, key) as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"c")
        ask(openbao, f"/v1/transit/keys/{key}/rotate", method="POST", body={})
        assert provider.wrap(bytes(32), b"c").startswith(b"\x01vault:v1:")
        assert provider.key_id == first
        second = provider.refresh()
        assert second == provider.key_id != first
        newer = provider.wrap(bytes(32), b"c")
        assert newer.startswith(b"\x01vault:v2:")
        assert provider.unwrap(wrapped, b"c", first) == bytes(32)
        assert provider.unwrap(newer, b"c", second) == bytes(32)
        for one, key_id in ((newer, first), (wrapped, second)):
            with pytest.raises(WrappedKeyError, match="not what was wrapped"):
                provider.unwrap(one, b"c", key_id)


def test_a_newer_version_is_found(openbao: Server, key: str) -> None:
    """What another provider wrapped with a newer version unwraps without a refresh."""
    with opened(openbao, key) as one:
        ask(openbao, f"/v1/transit/keys/{key}/rotate", method="POST", body={})
        with opened(openbao, key) as other:
            wrapped, key_id = other.wrap(bytes(32), b"c"), other.key_id
        before = one.key_id
        assert one.unwrap(wrapped, b"c", key_id) == bytes(32)
        assert one.key_id == before


def test_a_key_of_the_same_name_has_another_id(openbao: Server, key: str) -> None:
    """A key that was deleted and made anew is not taken for the one before."""
    with opened(openbao, key) as provider:
        before, wrapped = provider.key_id, provider.wrap(bytes(32), b"c")
    config = {"deletion_allowed": True}
    ask(openbao, f"/v1/transit/keys/{key}/config", method="POST", body=config)
    ask(openbao, f"/v1/transit/keys/{key}", method="DELETE")
    time.sleep(1.1)  # the server tells the time of making in seconds
    ask(openbao, f"/v1/transit/keys/{key}", method="POST", body={"type": "aes256-gcm96"})
    with opened(openbao, key) as provider:
        assert provider.key_id != before
        with pytest.raises(KeyProviderError, match="not held here"):
            provider.unwrap(wrapped, b"c", before)


def test_keys_that_bind_no_context_are_refused(openbao: Server) -> None:
    """Keys that sign, or whose encryption takes no associated data, are refused at the door."""
    for how in ({"type": "rsa-2048"}, {"type": "ed25519"}, {"derived": True}):
        with pytest.raises(KeyProviderError, match="binds no context"):
            opened(openbao, made(openbao, how))


def test_a_token_may_do_what_the_page_says(openbao: Server, key: str) -> None:
    """The policy that the docstring names suffices, and a lesser one is told as refused."""
    rules = [(f"transit/keys/{key}", "read"), (f"transit/encrypt/{key}", "update")]
    needed = [*rules, (f"transit/decrypt/{key}", "update")]
    tokens = []
    for allowed in (needed, rules):
        policy = "".join(
            f'path "{path}" {{ capabilities = ["{what}"] }}\n' for path, what in allowed
        )
        name = os.urandom(4).hex()
        ask(openbao, f"/v1/sys/policies/acl/{name}", method="POST", body={"policy": policy})
        made = ask(openbao, "/v1/auth/token/create", method="POST", body={"policies": [name]})
        tokens.append(made["auth"]["client_token"])
    with opened(openbao, key, token=tokens[0]) as provider:
        assert provider.unwrap(provider.wrap(bytes(32), b""), b"", provider.key_id) == bytes(32)
    with opened(openbao, key, token=lambda: tokens[1]) as provider:
        wrapped = provider.wrap(bytes(32), b"")
        with pytest.raises(KeyProviderError, match=r"refused \(403\)") as caught:
            provider.unwrap(wrapped, b"", provider.key_id)
    assert tokens[1] not in str(caught.value)


def test_a_sealed_server_is_told(tmp_path: Path) -> None:
    """A server that was sealed refuses, by name; one that has ended is out of reach."""
    with openbao_server(tmp_path) as server:
        provider = opened(server, made(server, {"type": "aes256-gcm96"}))
        wrapped = provider.wrap(bytes(32), b"")
        ask(server, "/v1/sys/seal", method="POST", body={})
        with pytest.raises(KeyProviderError, match=r"refused \(503\).*sealed"):
            provider.unwrap(wrapped, b"", provider.key_id)
    with pytest.raises(KeyProviderError, match="cannot be reached"):
        provider.unwrap(wrapped, b"", provider.key_id)
    provider.close()


def test_connections_are_kept(openbao: Server, key: str) -> None:
    """One connection serves calls that follow each other; closing leaves none."""
    with opened(openbao, key) as provider:
        for _ in range(5):
            provider.wrap(bytes(32), b"")
        idle = provider._http._idle
        assert len(idle) == 1
        kept = idle[0][1]
        provider.wrap(bytes(32), b"")
        assert idle[0][1] is kept
        kept.sock.shutdown(socket.SHUT_RDWR)  # as if the server had closed it meanwhile
        provider.wrap(bytes(32), b"")
    assert not idle


@pytest.mark.component("fork")
def test_a_forked_child_has_connections_of_its_own(openbao: Server, key: str) -> None:
    """A child of a fork and its parent both go on, and share no connection."""
    with opened(openbao, key) as provider:
        wrapped = provider.wrap(bytes(32), b"")
        child = ForkedChild(lambda: provider.unwrap(wrapped, b"", provider.key_id).hex())
        for _ in range(10):
            assert provider.unwrap(wrapped, b"", provider.key_id) == bytes(32)
        assert child.said() == ["did", bytes(32).hex()]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"address": "http://bao.example.com:8200"}, "loopback"),
        ({"address": "bao.example.com"}, "https"),
        ({"key": "../sys/seal"}, "malformed"),
        ({"key": ""}, "malformed"),
        ({"mount": "transit/../sys"}, "malformed"),
        ({"timeout": 0}, "time-out"),
        ({"token": ""}, "token"),
        ({"token": "two\r\nlines"}, "token"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], why: str) -> None:
    """Nothing that would go elsewhere, or wait for ever, is taken."""
    arguments = {"address": "http://127.0.0.1:9", "key": "kek", "token": "t"} | options
    with pytest.raises(KeyProviderError, match=why):
        VaultTransitKeyProvider(**arguments)


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers as a test says."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, bytes]

    def do_GET(self) -> None:
        self._answer(self.answers["GET"])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.answers["POST"])

    def _answer(self, body: bytes) -> None:
        if body == b"drip":
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(90):
                    self.wfile.write(b"X-Drip: drop\r\n")
                    time.sleep(0.02)
            except OSError:
                pass
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def misbehaving() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server on a loopback address, and what it answers."""
    answers: dict[str, bytes] = {}
    handler = type("OneMisbehaving", (Misbehaving,), {"answers": answers})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()
        thread.join()


_KEY = json.dumps({"data": {"type": "aes256-gcm96", "keys": {"1": 1795457699}}}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"data": null}',
        b'{"data": {"type": "aes256-gcm96"}}',
        b'{"data": {"type": "aes256-gcm96", "keys": {}}}',
        b'{"data": {"type": "aes256-gcm96", "keys": {"one": 1}}}',
        b'{"data": {"type": "aes256-gcm96", "keys": 7}}',
        b" " * 2_000_000,
    ],
    ids=lambda answer: answer[:60].decode().strip() or str(len(answer)),
)
def test_a_server_that_talks_nonsense_is_told(
    misbehaving: tuple[str, dict[str, bytes]], answer: bytes
) -> None:
    """An answer that tells no key is an error, at opening and later."""
    address, answers = misbehaving
    answers["GET"] = answer
    with pytest.raises(KeyProviderError):
        VaultTransitKeyProvider(address, "kek", token="t")


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b'{"data": {}}', b'{"data": {"ciphertext": "vault:v2:AAAA"}}'],
)
def test_what_was_not_wrapped_is_not_kept(
    misbehaving: tuple[str, dict[str, bytes]], answer: bytes
) -> None:
    """An answer without a ciphertext, or of another version, is no wrapped key."""
    address, answers = misbehaving
    answers.update(GET=_KEY, POST=answer)
    with VaultTransitKeyProvider(address, "kek", token="t") as provider:
        with pytest.raises(KeyProviderError):
            provider.wrap(bytes(32), b"")
        for plaintext in (
            b'{"data": {"plaintext": "AAAA"}}',
            b'{"data": {"plaintext": "*"}}',
            answer,
        ):
            answers["POST"] = plaintext
            with pytest.raises(KeyProviderError):
                provider.unwrap(b"\x01vault:v1:AAAA", b"", provider.key_id)


def test_a_server_that_drips_is_told_in_time(misbehaving: tuple[str, dict[str, bytes]]) -> None:
    """A server that answers a little at a time does not hold up the caller for longer."""
    address, answers = misbehaving
    answers["GET"] = b"drip"
    begun = time.monotonic()
    with pytest.raises(KeyProviderError, match="cannot be reached: TimeoutError"):
        VaultTransitKeyProvider(address, "kek", token="t", timeout=0.5)
    assert time.monotonic() - begun < 5
