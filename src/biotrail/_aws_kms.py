"""A client of AWS KMS for the vault and for signing: bounded in time, over TLS, silent in logs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypedDict

from biotrail._bounded import within
from biotrail._endpoints import parse_endpoint
from biotrail.errors import BiotrailError, MissingDependencyError

if TYPE_CHECKING:
    import boto3

__all__ = ["KmsClient", "KmsOptions"]

_LONGEST_PAUSE = 20
"""Seconds that botocore waits at most before it tries again."""
_LOGGERS = ("boto3", "botocore", "urllib3")
_silent: ContextVar[bool] = ContextVar("biotrail_kms_call", default=False)


class KmsOptions(TypedDict, total=False):
    """How AWS KMS is reached; nothing of it has to be given."""

    region: str | None
    """Region; from AWS's environment or configuration if left out."""
    session: boto3.Session | None
    """A ``boto3.Session`` with credentials; the default one if left out."""
    endpoint_url: str | None
    """Where KMS is, if not at AWS's own address; ``http://`` for loopback addresses only."""
    ca_file: str | os.PathLike[str] | None
    """Certificates that are trusted for it, PEM; the usual ones if left out."""
    timeout: float
    """Seconds to wait for a connection, and for each part of an answer; 3 if left out."""
    attempts: int
    """How often a call is tried at most, 1 to 10; 2 if left out."""


class KmsClient:
    """Calls of AWS KMS, whose errors are of one kind and tell no more than AWS's error code.

    botocore writes whole requests and answers, keys in them, to its loggers at level DEBUG. So
    nothing is logged in a call that is made here.
    """

    def __init__(
        self,
        failure: type[BiotrailError],
        *,
        region: str | None = None,
        session: boto3.Session | None = None,
        endpoint_url: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        timeout: float = 3.0,
        attempts: int = 2,
        failures: Mapping[str, type[BiotrailError]] | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            failure: What is raised.
            region: This and the rest: see `KmsOptions`.
            session: Likewise.
            endpoint_url: Likewise.
            ca_file: Likewise.
            timeout: Likewise.
            attempts: Likewise.
            failures: What is raised in place of `failure`, by AWS's code for the error.
        """
        if not 0 < timeout <= 300 or not 1 <= attempts <= 10:
            raise failure("a time-out is up to 300 s, and 1 to 10 attempts are made")
        self._failure, self._session = failure, session
        self._failures = failures or {}
        # Time-outs of sockets bound neither an answer that drips nor what credentials come from.
        pauses = sum(min(2**one, _LONGEST_PAUSE) for one in range(attempts - 1))
        self._limit = 2 * timeout * attempts + pauses + timeout
        self._options: dict[str, Any] = {"region_name": region}
        settings: dict[str, Any] = {
            "connect_timeout": timeout,
            "read_timeout": timeout,
            "retries": {"mode": "standard", "total_max_attempts": attempts},
        }
        if ca_file is not None:
            self._options["verify"] = os.fspath(ca_file)
        if endpoint_url is not None:
            self._secure(endpoint_url)
            self._options["endpoint_url"] = endpoint_url
        self._settings = settings
        self._made: tuple[int, Any] | None = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return KMS's answer.

        Args:
            operation: Name of the operation as a method of the client, such as ``encrypt``.
            **parameters: Its parameters.

        Raises:
            MissingDependencyError: boto3 is not installed.
        """

        def ask() -> dict[str, Any]:
            client = self._client()
            with _unlogged():
                answer: dict[str, Any] = getattr(client, operation)(**parameters)
            return answer

        what = operation.replace("_", " ")
        try:
            return within(self._limit, ask)
        except BiotrailError:
            raise
        except TimeoutError:
            raise self._failure(
                f"AWS KMS did not answer within {self._limit:g} s, asked to {what}"
            ) from None
        except Exception as error:  # of botocore, or of how credentials are had
            failure = self._failures.get(_code(error), self._failure)
            raise failure(_told(what, error)) from None

    def close(self) -> None:
        """Close connections."""
        made, self._made = self._made, None
        if made is not None:
            made[1].close()

    def _client(self) -> Any:
        """The client of this process: a child after a fork must not share its parent's TLS."""
        made = self._made
        if made is None or made[0] != os.getpid():
            made = self._made = (os.getpid(), self._new_client())
        return made[1]

    def _new_client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise MissingDependencyError(
                "AWS KMS needs the package boto3: pip install 'biotrail[aws]'"
            ) from None
        try:
            session = self._session or boto3.Session()
            client = session.client("kms", config=Config(**self._settings), **self._options)
        except (BotoCoreError, ValueError) as error:
            kind = type(error).__name__
            raise self._failure(f"no client of AWS KMS can be made: {kind}: {error}") from None
        # AWS's environment and configuration can name another endpoint, too.
        if self._secure(client.meta.endpoint_url) or "proxies" in self._settings:
            return client
        client.close()
        self._settings["proxies"] = {}  # what is for this machine must not leave it by a proxy
        return self._new_client()

    def _secure(self, address: str) -> bool:
        """Whether an address is under TLS; refused if it is neither that nor of this machine."""
        try:
            return parse_endpoint(address).secure
        except ValueError as error:
            raise self._failure(f"endpoint of AWS KMS: {error}") from None


def _told(what: str, error: Exception) -> str:
    """What is told of an error: AWS's code for it, or its kind; its text may hold what was sent."""
    code = _code(error)
    if code:
        return f"AWS KMS refused to {what}: {code[:100]}"
    return f"AWS KMS could not be asked to {what}: {type(error).__name__}"


def _code(error: Exception) -> str:
    """AWS's code for an error; empty where it is none of AWS's."""
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(code or "")


class _OutsideOfCalls(logging.Filter):
    """Lets records of the loggers below pass only while no call to KMS is made."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _silent.get()


_FILTER = _OutsideOfCalls()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Silence the libraries below in this thread or task, whatever loggers they have made."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(_LOGGERS) and isinstance(logger, logging.Logger):
            logger.addFilter(_FILTER)  # adding it again does nothing
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
