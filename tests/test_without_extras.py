"""The package with its core dependencies only: it imports, and each door says what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

OPTIONAL = (
    "typer",
    "rich",
    "click",
    "mediapipe",
    "numkong",
    "numpy",
    "onnxruntime",
    "PIL",
    "cv2",
    "psycopg",
    "boto3",
    "botocore",
    "keyring",
    "pkcs11",
    "starlette",
    "fastapi",
    "pydantic",
    "uvicorn",
    "jinja2",
    "flask",
    "django",
    "asgiref",
    "maxminddb",
    "ua_parser",
    "lark",
)

_WITHOUT_OPTIONAL = f"""
import sys
for name in {OPTIONAL!r}:
    sys.modules[name] = None  # so that importing it raises, installed or not
"""

_IMPORT_ALL = """
import pkgutil
import biotrail

def walk(package):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if found.name in ("biotrail.cli", "biotrail.__main__"):
            continue
        __import__(found.name)
        if found.ispkg and found.name != "biotrail.web":  # below it all is made of its packages
            walk(sys.modules[found.name])

walk(biotrail)
print(len([name for name in sys.modules if name.startswith("biotrail")]))
"""


def _run(code: str, *, optional: bool = False) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, by default one in which no optional package imports."""
    return subprocess.run(
        [sys.executable, "-c", code if optional else _WITHOUT_OPTIONAL + code],
        capture_output=True,
        text=True,
    )


def test_every_module_imports_without_extras() -> None:
    """Every module but those of the command line and the web imports with the core alone."""
    ran = _run(_IMPORT_ALL)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 1


def test_the_package_does_not_import_extras() -> None:
    """`import biotrail` imports no optional package even where all are installed."""
    code = f"import sys, biotrail; print([name for name in {OPTIONAL!r} if name in sys.modules])"
    assert _run(code, optional=True).stdout.strip() == "[]"


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_the_command_says_which_extra_is_missing(missing: str) -> None:
    """Without the packages of the command line, the command names the extra and exits with 2."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\nfrom biotrail.__main__ import main\nmain()"
    )
    ran = _run(code, optional=True)
    assert ran.returncode == 2
    assert "pip install 'biotrail[cli]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("extra", "door"),
    [
        ("embedding", 'EmbeddingMatcher(model="any", version="1", dimension=128)'),
        ("mediapipe", "MediaPipeFaceLandmarks()"),
        ("evaluate", 'ScoreTable.from_rows([("a", "b", 0.5)])'),
        ("onnx", "OnnxFaceEmbedder()"),
        ("opencv", "OpenCvFaceRecognizer()"),
    ],
)
def test_a_matcher_says_which_extra_is_missing(extra: str, door: str) -> None:
    """Without its packages, making a matcher raises a named error that says what to install."""
    code = f"""
from biotrail import matchers
from biotrail.errors import MissingDependencyError
try:
    matchers.{door}
except MissingDependencyError as error:
    print(error)
"""
    ran = _run(code)
    assert f"pip install 'biotrail[{extra}]'" in ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("extra", "room", "door"),
    [
        ("aws", "vault", 'AwsKmsKeyProvider("alias/kek")'),
        ("aws", "signing", 'AwsKmsSigner("example.com/door", "key")'),
        ("keyring", "vault", 'KeyringKeyProvider("example.com/door")'),
        ("pkcs11", "vault", 'Pkcs11KeyProvider("lib.so", token="t", pin="1", key="kek")'),
        (
            "pkcs11",
            "signing",
            'Pkcs11Signer("example.com/door", "lib.so", token="t", pin="1", key="k")',
        ),
    ],
)
def test_a_holder_of_keys_says_which_extra_is_missing(extra: str, room: str, door: str) -> None:
    """Without its package, whoever would hold a key raises a named error that says what to do."""
    code = f"""
from biotrail import {room}
from biotrail.errors import MissingDependencyError
try:
    {room}.{door}
except MissingDependencyError as error:
    print(error)
"""
    ran = _run(code)
    assert f"pip install 'biotrail[{extra}]'" in ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("extra", "door"),
    [
        ("middleware", "capture.ContextCapture()"),
        ("middleware", 'geolocation.Geolocation("places.mmdb")'),
        ("flask", "flask.FlaskLogins(None, None)"),
        ("django", "django.LoginMiddleware(None)"),
    ],
)
def test_middleware_says_which_extra_is_missing(extra: str, door: str) -> None:
    """Without its package, a door of the middleware raises an error that says what to install."""
    module = door.partition(".")[0]
    code = f"""
from biotrail.middleware import {module}
from biotrail.errors import MissingDependencyError
try:
    {door}
except MissingDependencyError as error:
    print(error)
"""
    ran = _run(code)
    assert f"pip install 'biotrail[{extra}]'" in ran.stdout, ran.stderr


def test_the_eight_bit_kernel_says_which_extra_is_missing() -> None:
    """Without numkong, asking for its kernel by name says what to install."""
    code = """
from biotrail.errors import MissingDependencyError
from biotrail.matchers.search.codes import EightBitKernel
try:
    EightBitKernel()
except MissingDependencyError as error:
    print(error)
"""
    ran = _run(code)
    assert "pip install 'biotrail[search]'" in ran.stdout, ran.stderr


def test_the_web_says_which_extra_is_missing() -> None:
    """Without its packages, asking for the application raises a named error that says so."""
    code = """
from biotrail.errors import MissingDependencyError
from biotrail.web import Access, WebSettings
try:
    from biotrail.web import create_app
except MissingDependencyError as error:
    print(error)
"""
    ran = _run(code)
    assert "pip install 'biotrail[web]'" in ran.stdout, ran.stderr
