"""A login by face in plain WSGI, without a framework, behind gunicorn.

Run it: it starts gunicorn, uploads photographs to it, and lets the auditor count.
"""
# needs: mediapipe, onnx, http, http_servers, middleware

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import biotrail
from biotrail.matchers import FaceFinder, MatcherBackend, OnnxFaceEmbedder, Reference
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch
from biotrail.middleware import ContextCapture, Login, TrustedProxies, WSGILogins

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own

Start = Callable[..., Callable[[bytes], object]]
Handler = Callable[[dict[str, Any], Start], Iterable[bytes]]


def make_app(folder: str) -> Handler:
    """The service; gunicorn calls this in each of its processes."""
    stack = ExitStack()
    finder = stack.enter_context(FaceFinder(fetch(FACE_LANDMARKER)))
    matcher = stack.enter_context(OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder))
    log_in = WSGILogins(
        log_in_with(matcher),
        # A function, since a log is not taken through a fork.
        lambda: biotrail.open(
            Path(folder) / "trail.db", origin="example.com/a", passphrase="example"
        ),
        # The handler itself is wrapped: no path leads to it but through the middleware.
        login=Login(action="session.open", modality="face", target="payroll"),
        capture=ContextCapture(
            proxies=TrustedProxies(hops=1, networks=["127.0.0.1/32"], header="x-forwarded-for")
        ),
    )
    stack.callback(log_in.close)
    atexit.register(stack.close)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/login" and environ["REQUEST_METHOD"] == "POST":
            return log_in(environ, start)
        start("404 Not Found", [])
        return []

    return app


def log_in_with(matcher: MatcherBackend) -> Handler:
    """The handler: a photograph is the body, and the query says whose it is to be."""
    sample = matcher.capture(demonstration_photographs()["enrolled"])
    references = {"ada": Reference.from_features(matcher.extract(sample))}

    def handler(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        attempt = environ["biotrail.attempt"]
        (person,) = parse_qs(environ["QUERY_STRING"])["person"]
        attempt.identified(person, actor=person)
        matched = False
        if person in references:
            image = environ["wsgi.input"].read()
            check = attempt.verify(matcher, references[person], image, threshold=THRESHOLD)
            matched = check.matched
            if matched:
                attempt.grant()
            elif check.denied is None:
                attempt.deny("non_match")
        else:
            attempt.deny("not_enrolled")
        cookies = [("Set-Cookie", "session=a-random-token; HttpOnly")] if matched else []
        start("200 OK" if matched else "401 Unauthorized", cookies)
        return [json.dumps({"granted": matched}).encode()]

    return handler


def upload(address: str) -> None:
    """What clients do."""
    import httpx

    photographs = demonstration_photographs()
    for person, part in (("ada", "granted"), ("ada", "denied"), ("eve", "denied")):
        answer = httpx.post(
            f"{address}/login",
            params={"person": person},
            content=photographs[part].read_bytes(),
            headers={"X-Forwarded-For": "192.0.2.17"},
            timeout=60,
        )
        print(person, part, answer.status_code, answer.json(), sorted(answer.cookies))
        assert (answer.status_code == 200) == (part == "granted") == bool(answer.cookies)


def main() -> None:
    """Serve with gunicorn, upload, stop it, and verify the log."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        app = f"{Path(__file__).stem}:make_app({folder!r})"
        where = ["--bind", f"127.0.0.1:{port}", "--chdir", str(Path(__file__).parent)]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *where, "--log-level", "warning", app],
            env={**os.environ, "XDG_RUNTIME_DIR": folder},  # for gunicorn's control socket
        )
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


if __name__ == "__main__":
    main()
