"""A login by face in Flask: photographs are uploaded, and every attempt is recorded.

Run it: it starts itself as a server, uploads photographs to it, and lets the auditor count.
"""
# needs: mediapipe, onnx, flask, http, http_servers, middleware

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import flask

import biotrail
from biotrail.matchers import FaceFinder, MatcherBackend, OnnxFaceEmbedder, Reference
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch
from biotrail.middleware import ContextCapture, FlaskLogins, TrustedProxies, login

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own


def make_app(log: biotrail.AuditLogger, matcher: MatcherBackend) -> flask.Flask:
    """The service."""
    sample = matcher.capture(demonstration_photographs()["enrolled"])
    references = {"ada": Reference.from_features(matcher.extract(sample))}
    app = flask.Flask(__name__)
    app.secret_key = "example"
    # Right after the application, so that it comes before all other hooks.
    FlaskLogins(
        app,
        log,
        # One proxy on this machine; whoever else sends the header is not believed.
        capture=ContextCapture(
            proxies=TrustedProxies(hops=1, networks=["127.0.0.1/32"], header="x-forwarded-for")
        ),
    )

    @app.post("/login")
    @login("session.open", modality="face", target="payroll")
    def log_in() -> flask.typing.ResponseReturnValue:
        attempt = flask.g.attempt
        person = flask.request.form["person"]
        attempt.identified(person, actor=person)
        reference = references.get(person)
        if reference is None:
            attempt.deny("not_enrolled")
            return {"granted": False}, 401
        image = flask.request.files["photograph"].read()
        check = attempt.verify(matcher, reference, image, threshold=THRESHOLD)
        if not check.matched:
            if check.denied is None:
                attempt.deny("non_match")
            return {"granted": False}, 401
        attempt.grant()
        flask.session["person"] = person  # saved when the record is durable
        return {"granted": True}

    return app


def upload(address: str) -> None:
    """What clients do."""
    import httpx

    photographs = demonstration_photographs()
    for person, part in (
        ("ada", "granted"),
        ("ada", "denied"),
        ("ada", "no_face"),
        ("eve", "denied"),
    ):
        answer = httpx.post(
            f"{address}/login",
            data={"person": person},
            files={"photograph": ("photograph", photographs[part].read_bytes())},
            headers={"X-Forwarded-For": "192.0.2.17"},
            timeout=60,
        )
        print(person, part, answer.status_code, answer.json(), sorted(answer.cookies))
        assert (answer.status_code == 200) == (part == "granted") == bool(answer.cookies)


def main() -> None:
    """Serve in another process, upload, stop it, and verify the log."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen([sys.executable, __file__, "serve", folder, str(port)])
        try:
            wait_for(port, server)
            upload(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(30)
        log = Path(folder) / "trail.db"
        key = log.with_name("trail.db.key.pub").read_text().strip()
        print(f"{biotrail.verify_log(log, key).events} attempts in the log")


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until the server listens."""
    for _ in range(1_200):
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not listen")


def serve(folder: str, port: str) -> None:
    """Serve until told to stop."""
    import waitress

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    path = Path(folder) / "trail.db"
    with (
        FaceFinder(fetch(FACE_LANDMARKER)) as finder,
        OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as matcher,
        biotrail.open(path, origin="example.com/a", passphrase="example") as log,
    ):
        # waitress would take the header away from all but its own trusted proxy.
        waitress.serve(
            make_app(log, matcher),
            listen=f"127.0.0.1:{port}",
            clear_untrusted_proxy_headers=False,
        )


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
