"""Keys in AWS KMS, by moto's server under TLS: which key is used, what is sent, what is refused."""

from __future__ import annotations

import base64
import http.server
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import KeyProviderError, SigningError
from biotrail.signing import AwsKmsSigner
from biotrail.signing.keys import ECDSA_P256
from biotrail.vault import AwsKmsKeyProvider
from tests._key_servers import REGION, Server, kms
from tests.faults._child import ForkedChild

pytestmark = pytest.mark.component("moto")

NAME = "example.com/door"


@pytest.fixture
def administrator(moto: Server) -> Iterator[Any]:
    """A client that makes and disables keys."""
    with closing(kms(moto)) as client:
        yield client


def new_key(administrator: Any, **options: Any) -> str:
    """The ARN of a new key."""
    return str(administrator.create_key(**options)["KeyMetadata"]["Arn"])


def provider(server: Server, key: str, **options: Any) -> AwsKmsKeyProvider:
    """A provider at the server."""
    where: dict[str, Any] = {"endpoint_url": server.address, "ca_file": server.ca_file}
    return AwsKmsKeyProvider(key, **where | options)


def test_an_alias_is_looked_up_once(moto: Server, administrator: Any) -> None:
    """The key id is the ARN that the alias names at opening, wherever it is pointed later."""
    first, second = new_key(administrator), new_key(administrator)
    alias = f"alias/{os.urandom(6).hex()}"
    administrator.create_alias(AliasName=alias, TargetKeyId=first)
    with provider(moto, alias, region=REGION) as opened:
        administrator.update_alias(AliasName=alias, TargetKeyId=second)
        assert opened.key_id == first
        wrapped = opened.wrap(bytes(32), b"c")
        assert opened.unwrap(wrapped, b"c", first) == bytes(32)
    with provider(moto, alias, region=REGION) as opened:
        assert opened.key_id == second
    with pytest.raises(KeyProviderError, match="NotFoundException"):
        provider(moto, "alias/absent", region=REGION)


def test_earlier_keys_unwrap(moto: Server, administrator: Any) -> None:
    """Keys that are named may unwrap; any other is refused without asking KMS."""
    first, second = new_key(administrator), new_key(administrator)
    with provider(moto, first) as before:
        wrapped = before.wrap(bytes(32), b"c")
    with provider(moto, second, earlier=[first]) as after:
        assert after.unwrap(wrapped, b"c", first) == bytes(32)
        with pytest.raises(KeyProviderError, match="refused to decrypt"):
            after.unwrap(wrapped, b"c", second)
    with provider(moto, second) as after, pytest.raises(KeyProviderError, match="not held here"):
        after.unwrap(wrapped, b"c", first)


@pytest.mark.component("fork")
def test_a_forked_child_has_connections_of_its_own(moto: Server, administrator: Any) -> None:
    """A child of a fork and its parent both go on, and share no connection."""
    with provider(moto, new_key(administrator)) as opened:
        wrapped = opened.wrap(bytes(32), b"")
        child = ForkedChild(lambda: opened.unwrap(wrapped, b"", opened.key_id).hex())
        assert opened.unwrap(wrapped, b"", opened.key_id) == bytes(32)
        assert child.said() == ["did", bytes(32).hex()]


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint_url": "http://kms.example.com"},
        {"endpoint_url": "https://kms.example.com?a=b"},
        {"timeout": 0},
        {"timeout": 1e9},
        {"attempts": 0},
        {"attempts": 11},
        {"earlier": ["alias/old"]},
        {"earlier": ["arn:aws:kms:eu-central-1:123456789012:alias/old"]},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(options: dict[str, Any]) -> None:
    """Addresses without TLS, unbounded waits, and keys that are not named by ARN, are refused."""
    with pytest.raises(KeyProviderError):
        AwsKmsKeyProvider(f"arn:aws:kms:{REGION}:123456789012:key/1", **options)


def test_an_endpoint_of_the_environment_is_checked(
    moto: Server, administrator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that AWS's environment names is used under TLS, and refused without."""
    key = new_key(administrator)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", moto.address)
    with AwsKmsKeyProvider(key, ca_file=moto.ca_file) as opened:
        assert opened.unwrap(opened.wrap(bytes(32), b""), b"", key) == bytes(32)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://kms.example.com")
    with AwsKmsKeyProvider(key) as opened, pytest.raises(KeyProviderError, match="loopback"):
        opened.wrap(bytes(32), b"")


def test_without_credentials_it_says_so(moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where AWS's environment gives no credentials, the error names that, in time."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with (
        provider(moto, f"arn:aws:kms:{REGION}:123456789012:key/1") as opened,
        pytest.raises(KeyProviderError, match="NoCredentialsError"),
    ):
        opened.wrap(bytes(32), b"c")


def test_the_host_keeps_its_log_records(
    moto: Server, administrator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Outside of our calls AWS's libraries log as before, also in threads beside."""
    with caplog.at_level(logging.DEBUG), provider(moto, new_key(administrator)) as opened:
        opened.wrap(bytes(32), b"c")
        caplog.clear()
        opened.wrap(bytes(32), b"c")
        assert not caplog.records
        administrator.list_keys()
        assert any(one.name.startswith("botocore") for one in caplog.records)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers everything with an error, and keeps what was asked."""

    asked: list[str]

    def do_POST(self) -> None:
        self.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        disabled = "disabled" in self.asked[-1]
        told = b'{"__type": "DisabledException", "message": "what AWS says"}' if disabled else b""
        self.send_response(400 if disabled else 500)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A server on a loopback address that always fails, and what it was asked."""
    asked: list[str] = []
    handler = type("OneRecorder", (Recorder,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_retries_are_bounded(recorder: tuple[str, list[str]]) -> None:
    """A server that fails is asked as often as was said, with the context as base64."""
    address, asked = recorder
    key = f"arn:aws:kms:{REGION}:123456789012:key/1"
    begun = time.monotonic()
    with (
        AwsKmsKeyProvider(key, endpoint_url=address, attempts=3) as opened,
        pytest.raises(KeyProviderError, match="refused to encrypt: 500"),
    ):
        opened.wrap(bytes(32), b"person 7")
    assert len(asked) == 3
    assert time.monotonic() - begun < 20
    assert f'"biotrail": "{base64.b64encode(b"person 7").decode()}"' in asked[0]


class Dripping(Recorder):
    """Answers a little at a time, without end."""

    def do_POST(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(90):
                self.wfile.write(b"X-Drip: drop\r\n")
                time.sleep(0.05)
        except OSError:
            pass
        self.close_connection = True


def test_an_answer_that_drips_is_told_in_time(
    recorder: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that comes a little at a time does not hold up the caller for longer."""
    monkeypatch.setattr(Recorder, "do_POST", Dripping.do_POST)
    key = f"arn:aws:kms:{REGION}:123456789012:key/1"
    begun = time.monotonic()
    with (
        AwsKmsKeyProvider(key, endpoint_url=recorder[0], timeout=0.2, attempts=1) as opened,
        pytest.raises(KeyProviderError, match=r"did not answer within 0\.6 s"),
    ):
        opened.wrap(bytes(32), b"")
    assert time.monotonic() - begun < 4


def test_a_disabled_key_is_told(recorder: tuple[str, list[str]]) -> None:
    """A key that is disabled wraps nothing; AWS's error code is told, and not asked for again."""
    address, asked = recorder
    key = f"arn:aws:kms:{REGION}:123456789012:key/disabled"
    with (
        AwsKmsKeyProvider(key, endpoint_url=address, attempts=3) as opened,
        pytest.raises(KeyProviderError, match=r"refused to encrypt: DisabledException$"),
    ):
        opened.wrap(bytes(32), b"")
    assert len(asked) == 1


@pytest.mark.parametrize("by_environment", [False, True])
def test_plain_http_goes_by_no_proxy(
    recorder: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    """What is for this machine does not leave it by a proxy of the environment."""
    address, asked = recorder
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    if by_environment:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", address)
    key = f"arn:aws:kms:{REGION}:123456789012:key/1"
    with (
        AwsKmsKeyProvider(
            key, endpoint_url=None if by_environment else address, attempts=1
        ) as opened,
        pytest.raises(KeyProviderError, match="refused"),
    ):
        opened.wrap(bytes(32), b"")
    assert len(asked) == 1


def signer(server: Server, key: str, **options: Any) -> AwsKmsSigner:
    """A signer at the server."""
    where: dict[str, Any] = {
        "endpoint_url": server.address,
        "ca_file": server.ca_file,
        "region": REGION,
    }
    return AwsKmsSigner(NAME, key, **where | options)


def test_a_log_is_signed_by_kms(moto: Server, administrator: Any, tmp_path: Path) -> None:
    """A log that AWS KMS signs verifies with the public half alone."""
    from biotrail import Event, SQLiteStore, verify_log
    from biotrail.audit import open_log

    key = new_key(administrator, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with signer(moto, key) as kept:
        assert kept.verifier_key.algorithm == ECDSA_P256
        assert repr(kept) == f"AwsKmsSigner({kept.verifier_key})"
        with open_log(tmp_path / "trail.db", origin=NAME, signer=kept) as log:
            log.record(Event(action="door.open", decision="granted"))
            log.record(Event(action="door.open", decision="denied"))
        verifier_key = kept.verifier_key
    with closing(SQLiteStore(tmp_path / "trail.db")) as store:
        assert verify_log(store, verifier_key).events == 2


def test_unfit_signing_keys_are_refused(moto: Server, administrator: Any) -> None:
    """Keys on other curves, keys that encrypt, aliases and strangers sign for no log."""
    other = new_key(administrator, KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
    for key, why in (
        (other, "not a P-256 key"),
        (new_key(administrator), "refused to get public key|not a P-256 key"),
        ("alias/signing", "not by an alias"),
        ("00000000-0000-0000-0000-000000000000", "NotFoundException"),
    ):
        with pytest.raises(SigningError, match=why):
            signer(moto, key)


def test_what_kms_signs_is_checked(moto: Server, administrator: Any) -> None:
    """Messages that KMS does not take, and wrong signatures, are refused."""
    options = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    one, other = (new_key(administrator, **options) for _ in range(2))
    with signer(moto, one) as kept:
        for size in (0, 4097):
            with pytest.raises(SigningError, match="1 to 4096 bytes"):
                kept.sign(bytes(size))
        kept.verifier_key.verify(bytes(4096), kept.sign(bytes(4096)))
        kept._key = other
        with pytest.raises(SigningError, match="wrong signature"):
            kept.sign(b"text")
