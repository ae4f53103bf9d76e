"""Real holders of keys for the tests: AWS's API (moto), OpenBao, a Secret Service, SoftHSM.

All are processes or files of this machine, reached by loopback addresses or sockets in a folder.
"""

from __future__ import annotations

import atexit
import ipaddress
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests._components import openbao_program, softhsm_library

REGION = "eu-central-1"
ROOT_TOKEN = "root-of-the-tests"
PIN = "1234"
TOKENS = ("biotrail", "doomed", "stuck")
_PATIENCE = 60.0


class Server(NamedTuple):
    """A server under TLS on a loopback address."""

    address: str
    ca_file: Path


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(50)
        yield one.getsockname()[1]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def running(command: list[str], answers: Callable[[], object], **options: Any) -> Iterator[None]:
    """A server as a process, from when it answers until the block ends."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, **options)
        try:
            _wait(process, answers, told)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], object], told: Any) -> None:
    given_up = time.monotonic() + _PATIENCE
    while True:
        try:
            answers()
            return
        except (OSError, AssertionError):
            if process.poll() is not None or time.monotonic() > given_up:
                told.seek(0)
                raise RuntimeError(told.read().decode("utf-8", "replace")[-2000:]) from None
            time.sleep(0.05)


def ask(server: Server, path: str, *, method: str = "GET", body: object = None) -> Any:
    """Ask a server something by hand, as the administrator of OpenBao."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Vault-Token": ROOT_TOKEN}
    request = urllib.request.Request(server.address + path, data, headers, method=method)
    tls = ssl.create_default_context(cafile=server.ca_file)
    with urllib.request.urlopen(request, timeout=10, context=tls) as answer:
        read = answer.read()
    return json.loads(read) if read else None


@contextmanager
def moto_server(folder: Path) -> Iterator[Server]:
    """AWS's API, by moto, with credentials in the environment."""
    certificate, key = make_certificate(folder)
    port = free_port()
    server = Server(f"https://127.0.0.1:{port}", certificate)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    command += ["-s", "-c", str(certificate), "-k", str(key)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "tester")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tester")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", str(folder / "absent"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "absent"))
        with running(command, lambda: ask(server, "/moto-api/data.json")):
            yield server


def kms(server: Server) -> Any:
    """A client of the administrator's."""
    import boto3

    return boto3.client(
        "kms", region_name=REGION, endpoint_url=server.address, verify=str(server.ca_file)
    )


@contextmanager
def openbao_server(folder: Path) -> Iterator[Server]:
    """OpenBao with a Transit engine; all it holds is in memory."""
    port = free_port()
    server = Server(f"https://127.0.0.1:{port}", folder / "vault-ca.pem")
    command = [str(openbao_program()), "server", "-dev", "-dev-no-store-token", "-dev-tls"]
    command += [f"-dev-tls-cert-dir={folder}", f"-dev-root-token-id={ROOT_TOKEN}"]
    command += [f"-dev-listen-address=127.0.0.1:{port}"]
    environment = os.environ | {"HOME": str(folder)}
    with running(command, lambda: ask(server, "/v1/sys/health"), env=environment):
        ask(server, "/v1/sys/mounts/transit", method="POST", body={"type": "transit"})
        yield server


# A bus that starts no program by itself: neither a second keyring nor a dialog for its password.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@contextmanager
def secret_service(folder: Path) -> Iterator[None]:
    """A bus of its own with GNOME Keyring on it, unlocked; the environment names the bus."""
    for name in ("data", "runtime"):
        (folder / name).mkdir(mode=0o700)
    bus = f"unix:path={folder}/bus"
    own = {
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder / "runtime"),
    }
    environment = os.environ | own
    (folder / "bus.conf").write_text(_BUS.format(bus))
    daemon = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={folder / 'bus.conf'}"]
    keyring = ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"]
    (folder / "password").write_text("opens the keyring of the tests")
    with (
        running(daemon, lambda: _connect(folder / "bus"), env=environment),
        open(folder / "password", "rb") as password,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
        with running(keyring, _secrets_answer, env=environment, stdin=password), _chosen():
            yield


@contextmanager
def _chosen() -> Iterator[None]:
    """Make the package use the Secret Service, also where it looked before there was one."""
    import keyring
    from keyring.backends import SecretService

    before = keyring.get_keyring()
    keyring.set_keyring(SecretService.Keyring())  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        keyring.set_keyring(before)


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))


def _secrets_answer() -> None:
    """Look, without making anything, whether the collection is there that the password opens."""
    import secretstorage

    connection = secretstorage.dbus_init()
    try:
        assert secretstorage.check_service_availability(connection)
        assert any(
            one.get_label() == "Login" and not one.is_locked()
            for one in secretstorage.get_all_collections(connection)
        )
    except secretstorage.exceptions.SecretStorageException as error:
        raise AssertionError from error
    finally:
        connection.close()


@cache
def softhsm() -> Path:
    """SoftHSM's library with fresh tokens, for the life of this process.

    A PKCS#11 library reads its settings and finds its tokens once in a process.
    """
    folder = Path(tempfile.mkdtemp(prefix="softhsm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["SOFTHSM2_CONF"] = str(softhsm_settings(folder))
    for label in TOKENS:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        command += ["--pin", PIN, "--so-pin", "5678"]
        subprocess.run(command, check=True, capture_output=True)
    library = softhsm_library()
    assert library is not None
    return library


def softhsm_settings(folder: Path) -> Path:
    """Settings by which SoftHSM keeps its tokens in a folder."""
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    return settings


def token_folder(label: str) -> Path:
    """Where SoftHSM keeps a token."""
    tokens = Path(os.environ["SOFTHSM2_CONF"]).parent / "tokens"
    (found,) = (
        one.parent for one in tokens.glob("*/token.object") if label.encode() in one.read_bytes()
    )
    return found


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """AWS's API."""
    with moto_server(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """OpenBao."""
    with openbao_server(tmp_path_factory.mktemp("bao")) as server:
        yield server


@pytest.fixture(scope="session")
def unlocked_keyring() -> Iterator[None]:
    """A Secret Service; in a short folder, since a socket's path is."""
    with tempfile.TemporaryDirectory(prefix="keyring") as folder, secret_service(Path(folder)):
        yield
