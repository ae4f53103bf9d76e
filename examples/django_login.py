"""A login by face in Django: photographs are uploaded, and every attempt is recorded.

Run it: it starts itself as a server, uploads photographs to it, and lets the auditor count.
A real project has its settings, views and addresses in modules of their own.
"""
# needs: mediapipe, onnx, django, http, middleware

from __future__ import annotations

import functools
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

import biotrail
from biotrail.matchers import FaceFinder, OnnxFaceEmbedder, Reference
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch
from biotrail.middleware import login

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own
FOLDER = Path(sys.argv[2] if len(sys.argv) > 2 else ".")


def open_log() -> biotrail.AuditLogger:
    """Called once in each process, by the middleware."""
    return biotrail.open(FOLDER / "trail.db", origin="example.com/a", passphrase="example")


@functools.cache
def references() -> dict[str, Reference]:
    """Who is enrolled."""
    sample = LogIn.matcher.capture(demonstration_photographs()["enrolled"])
    return {"ada": Reference.from_features(LogIn.matcher.extract(sample))}


@method_decorator(login("session.open", modality="face", target="payroll"), name="dispatch")
class LogIn(View):
    """The login."""

    matcher: Any = None

    def post(self, request: HttpRequest) -> JsonResponse:
        """One attempt."""
        attempt, person = request.attempt, request.POST["person"]
        attempt.identified(person, actor=person)
        reference = references().get(person)
        if reference is None:
            attempt.deny("not_enrolled")
            return JsonResponse({"granted": False}, status=401)
        image = request.FILES["photograph"].read()
        check = attempt.verify(self.matcher, reference, image, threshold=THRESHOLD)
        if not check.matched:
            if check.denied is None:
                attempt.deny("non_match")
            return JsonResponse({"granted": False}, status=401)
        attempt.grant()
        request.session["person"] = person  # saved when the record is durable
        return JsonResponse({"granted": True})


urlpatterns = [path("login", LogIn.as_view())]


def configure() -> None:
    """What stands in settings.py."""
    settings.configure(
        SECRET_KEY="example",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "biotrail.middleware.django.LoginMiddleware",  # the last one
        ],
        BIOTRAIL={
            "LOG": open_log,
            # One proxy on this machine; whoever else sends the header is not believed.
            "PROXIES": {"hops": 1, "networks": ["127.0.0.1/32"], "header": "x-forwarded-for"},
            "LIMITS": {"body_bytes": 5_000_000},
        },
    )


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


def serve(_folder: str, port: str) -> None:
    """Serve by Django's own server until told to stop."""
    from django.core.management import execute_from_command_line

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    configure()
    with (
        FaceFinder(fetch(FACE_LANDMARKER)) as finder,
        OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as LogIn.matcher,
    ):
        execute_from_command_line(
            ["manage.py", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}"]
        )


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
