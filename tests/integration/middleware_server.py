"""A login served for real: ``python middleware_server.py FRAMEWORK SERVER FOLDER PORT``.

The log lies in the folder. While there is a file ``full`` in it, the store takes nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from biotrail import AuditLogger
from biotrail.errors import StoreFullError
from biotrail.middleware import ContextCapture, TrustedProxies
from biotrail.signing import Ed25519Signer
from biotrail.stores import SQLiteStore
from biotrail.vault import PassphraseKeyProvider, Vault
from tests.unit.middleware import _doors

SECRET = b"s" * 32
PASSPHRASE = "a long random secret"


class FullAtTimes(SQLiteStore):
    """A disk that is full while a file says so."""

    folder: Path

    def append(self, batch: Any) -> None:
        if (self.folder / "full").exists():
            raise StoreFullError("no space is left")
        super().append(batch)


def vault_of(folder: Path) -> Vault:
    """The vault of the log in the folder."""
    path = folder / "trail.db.vault"
    provider = PassphraseKeyProvider(path, passphrase=PASSPHRASE, create=not path.exists())
    return Vault(provider)


def signer() -> Ed25519Signer:
    """The same key in every process."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519Signer("example.com/logins", Ed25519PrivateKey.from_private_bytes(SECRET))


def main(framework: str, server: str, folder: str, port: str) -> None:
    """Serve until told to stop."""

    def open_log() -> AuditLogger:
        store = FullAtTimes(Path(folder) / "trail.db")
        store.folder = Path(folder)
        return AuditLogger(store, signer(), vault=vault_of(Path(folder)))

    options: dict[str, Any] = {}
    if not framework.startswith("django"):
        capture = ContextCapture(proxies=TrustedProxies(**_doors.PROXIES))  # type: ignore[arg-type]
        options["capture"] = capture
    trail: Any = SimpleNamespace(log=open_log)
    _post, app = _doors.DOORS[framework](trail, **options)
    SERVERS[server](app, int(port))


def _uvicorn(app: Any, port: int) -> None:
    import uvicorn

    lifespan = "auto" if hasattr(app, "router") else "off"  # Django knows no lifespan
    uvicorn.run(app, port=port, log_level="warning", proxy_headers=False, lifespan=lifespan)  # type: ignore[arg-type]


def _gunicorn(app: Any, port: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": f"127.0.0.1:{port}",
                "workers": 2,
                "loglevel": "error",
                "control_socket_disable": True,
            }.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    sys.argv = sys.argv[:1]
    Served().run()


def _waitress(app: Any, port: int) -> None:
    import waitress

    waitress.serve(app, listen=f"127.0.0.1:{port}", clear_untrusted_proxy_headers=False)


def _werkzeug(app: Any, port: int) -> None:
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", port, app, threaded=True)


def _django(app: Any, port: int) -> None:
    from django.core.servers.basehttp import run

    run("127.0.0.1", port, app, threading=True)


SERVERS = {
    "uvicorn": _uvicorn,
    "gunicorn": _gunicorn,
    "waitress": _waitress,
    "werkzeug": _werkzeug,
    "django": _django,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
