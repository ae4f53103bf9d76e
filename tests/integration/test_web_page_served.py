"""The auditor's page from ``biotrail serve``: a real process, TLS, and what was kept elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from biotrail.stores import SQLiteReader
from tests._components import reason_for_absence

if all(reason_for_absence(name) is None for name in ("web", "trustme", "http", "cli")):
    from tests.integration.web_server import client_context, new_files, served

pytestmark = [pytest.mark.component(name) for name in ("web", "trustme", "http", "cli")]


def test_the_page_is_served_over_tls_against_what_was_kept(tmp_path: Path) -> None:
    """The cookie is for encrypted connections; the verdict names the key and the checkpoint."""
    files = new_files(tmp_path, events=3)
    public = tmp_path / "log.db.key.pub"
    reader = SQLiteReader(files.log)
    head = reader.head()
    reader.close()
    assert head is not None
    kept = tmp_path / "kept.checkpoint"
    kept.write_text(head.checkpoint, encoding="utf-8")
    options = [*files.tls, "--trusted", str(public), "--kept", str(kept)]
    with (
        served(files, *options) as server,
        httpx.Client(verify=client_context(), base_url=server.url) as client,
    ):
        own = {"sec-fetch-site": "same-origin", "origin": server.url}
        answer = client.post("/login", data={"token": files.token}, headers=own)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-biotrail-session=")
        assert "Secure" in cookie
        until = time.monotonic() + 20
        while "The log holds" not in (text := client.get("/").text):
            assert time.monotonic() < until
        assert public.read_text("utf-8").strip() in text.replace("&#43;", "+")
        assert "Given by whoever runs this page." in text
        assert f"checkpoints of {head.size} entries" in text
        assert client.get("/login", headers={"origin": "x"}).status_code == 200
        plain = client.post("/login", data={"token": files.token})
        assert plain.status_code == 403  # nothing says where the form was
