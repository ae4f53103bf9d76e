"""The project of the how-to page on logins, made from its text and served for real."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail import open_records, verify_log
from biotrail.vault import PassphraseKeyProvider, Vault
from tests._components import ROOT

pytestmark = [
    pytest.mark.component(one)
    for one in ("django", "http", "http_servers", "middleware", "mmdb_writer")
]

PAGE = ROOT / "docs/how-to/login-middleware.md"
PLACES = "/var/lib/GeoIP/GeoLite2-City.mmdb"
BESIDES = """
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY, AUDIT_PASSPHRASE = "a long random secret", "another long random secret"
ALLOWED_HOSTS, ROOT_URLCONF, USE_TZ = ["127.0.0.1"], "mysite.urls", True
INSTALLED_APPS = ["django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.db"}}
"""
URLS = """
from django.urls import path
from mysite.views import log_in

urlpatterns = [path("login", log_in)]
"""
APPLICATION = """
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
"""
SERVE = "import sys, waitress; from mysite.wsgi import application as a; waitress.serve("
SERVE += "a, listen='127.0.0.1:' + sys.argv[1], clear_untrusted_proxy_headers=False)"


def _files_of_the_page() -> dict[str, str]:
    """The files that the page shows, by their names."""
    blocks = re.findall(r"^```python\n# (mysite/\w+\.py)\b[^\n]*\n(.*?)^```$", _text(), re.M | re.S)
    return dict(blocks)


def _text() -> str:
    return PAGE.read_text(encoding="utf-8")


def _places(path: Path) -> None:
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(4, "Test-City", languages=["en"])
    berlin = {"location": {"latitude": 52.52, "longitude": 13.405}, "country": {"iso_code": "DE"}}
    writer.insert_network(IPSet(["192.0.2.0/24"]), berlin)
    writer.to_db_file(str(path))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project, with what `django-admin startproject` would add; only the database moved."""
    files = _files_of_the_page()
    assert set(files) == {"mysite/settings.py", "mysite/audit.py", "mysite/views.py"}
    assert PLACES in files["mysite/settings.py"]
    _places(tmp_path / "places.mmdb")
    moved = files["mysite/settings.py"].replace(PLACES, str(tmp_path / "places.mmdb"))
    files["mysite/settings.py"] = BESIDES + moved
    files |= {"mysite/urls.py": URLS, "mysite/wsgi.py": APPLICATION, "mysite/__init__.py": ""}
    (tmp_path / "mysite").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _environment(project: Path) -> dict[str, str]:
    paths = os.pathsep.join((str(project), str(ROOT / "src")))
    return {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "mysite.settings"}


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not listen")


def _log_in(port: int, face: bytes, *, token: bool = True) -> Any:
    import httpx

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        client.get("/login")
        headers = {"X-Forwarded-For": "198.51.100.66, 192.0.2.60"}
        if token:
            headers["X-CSRFToken"] = client.cookies["csrftoken"]
        return client.post("/login", files={"photograph": face}, headers=headers)


def test_the_project_of_the_page(project: Path) -> None:
    """With exactly these settings logins are recorded, and sessions begin with the record."""
    environment = _environment(project)
    migrated = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrated, env=environment, cwd=project, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(port)]
    server = subprocess.Popen(command, env=environment, cwd=project, stderr=subprocess.PIPE)
    try:
        _wait_for(port, server)
        granted = _log_in(port, b"the same face")
        assert (granted.status_code, granted.text) == (200, "welcome")
        assert "sessionid" in granted.cookies
        denied = _log_in(port, b"another face")
        assert (denied.status_code, "sessionid" in denied.cookies) == (401, False)
        assert _log_in(port, b"the same face", token=False).status_code == 403
    finally:
        server.terminate()
        server.communicate(timeout=30)
    _check(project / "trail.db")


def _check(path: Path) -> None:
    key = path.with_name("trail.db.key.pub").read_text().strip()
    assert verify_log(path, key).events == 3
    provider = PassphraseKeyProvider(f"{path}.vault", passphrase="another long random secret")
    with closing(Vault(provider)) as vault, open_records(path, vault=vault) as reader:
        events = [one.event for one in reader.records() if one.event is not None]
    # The third came without a token: Django turned it away before the view, undecided.
    assert [one.reason for one in events] == ["match", "non_match", "no_decision"]
    context = events[0].context
    assert (str(context.ip), context.provenance["ip"]) == ("192.0.2.60", "proxy_asserted")
    assert context.location is not None
    assert context.location.country == "DE"
