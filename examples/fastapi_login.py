"""A login by face in FastAPI: photographs are uploaded, and every attempt is recorded.

Run it: it starts itself as a server, uploads photographs to it, and lets the auditor count.
"""
# needs: mediapipe, onnx, fastapi, http, http_servers, middleware

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse

import biotrail
from biotrail.matchers import FaceFinder, OnnxFaceEmbedder, Reference
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch
from biotrail.middleware import ContextCapture, LoginMiddleware, TrustedProxies, login

THRESHOLD = 0.581869  # calibrated for FMR 1 % on 40 people; calibrate on people like your own


def make_app(folder: Path) -> FastAPI:
    """The service; its log lies in the folder."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            FaceFinder(fetch(FACE_LANDMARKER)) as finder,
            OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as matcher,
        ):
            sample = matcher.capture(demonstration_photographs()["enrolled"])
            app.state.matcher = matcher
            app.state.references = {"ada": Reference.from_features(matcher.extract(sample))}
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(
        LoginMiddleware,
        log=lambda: biotrail.open(folder / "trail.db", origin="example.com", passphrase="example"),
        # One proxy on this machine; whoever else sends the header is not believed.
        capture=ContextCapture(
            proxies=TrustedProxies(hops=1, networks=["127.0.0.1/32"], header="x-forwarded-for")
        ),
    )

    @app.post("/login")
    @login("session.open", modality="face", target="payroll")
    def log_in(
        request: Request, person: Annotated[str, Form()], photograph: Annotated[UploadFile, File()]
    ) -> JSONResponse:
        attempt = request.state.attempt
        attempt.identified(person, actor=person)
        reference = app.state.references.get(person)
        if reference is None:
            attempt.deny("not_enrolled")
            return JSONResponse({"granted": False}, 401)
        image = photograph.file.read()
        check = attempt.verify(app.state.matcher, reference, image, threshold=THRESHOLD)
        if not check.matched:
            if check.denied is None:
                attempt.deny("non_match")
            return JSONResponse({"granted": False}, 401)
        attempt.grant()
        answer = JSONResponse({"granted": True})  # leaves when the record is durable
        answer.set_cookie("session", secrets.token_urlsafe(), httponly=True, samesite="strict")
        return answer

    return app


def upload(address: str) -> None:
    """What clients do."""
    import httpx

    photographs = demonstration_photographs()
    with httpx.Client(base_url=address, timeout=60) as client:
        for person, part in (
            ("ada", "granted"),
            ("ada", "denied"),
            ("ada", "no_face"),
            ("eve", "denied"),
        ):
            answer = client.post(
                "/login",
                data={"person": person},
                files={"photograph": photographs[part].read_bytes()},
                headers={"X-Forwarded-For": "192.0.2.17"},
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
    import uvicorn

    uvicorn.run(make_app(Path(folder)), port=int(port), log_level="warning", proxy_headers=False)


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
