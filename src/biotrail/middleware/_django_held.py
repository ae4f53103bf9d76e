"""One request to a login in Django: its body read, its answer held, its session restored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from biotrail.audit import Attempt
from biotrail.middleware._held import hold, is_at_hand, read_body
from biotrail.middleware.answers import ANSWER_TOO_LARGE, FAILED, Problem, Refused
from biotrail.middleware.guard import Conclusion, Guard, HandlerFailedError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

__all__ = ["DjangoTurn", "problem_response"]


class DjangoTurn:
    """A request whose attempt has begun."""

    def __init__(
        self,
        guard: Guard,
        attempt: Attempt,
        request: HttpRequest,
        headers: list[tuple[str, str]],
    ) -> None:
        """Take a request.

        Args:
            guard: Concludes the attempt.
            attempt: The attempt.
            request: The request.
            headers: Its header lines.
        """
        self._guard, self._attempt, self._request = guard, attempt, request
        self._headers = headers

    def read(self, *, patient: bool) -> HttpResponseBase | None:
        """Read the body, so that the view finds it; what to answer where it is refused.

        Args:
            patient: Whether the body is here already.
        """
        body = self._body(patient)
        if isinstance(body, Refused):
            return problem_response(self._guard.refuse(self._attempt, body))
        # What `HttpRequest.read` takes from; there is no public way to give a body back.
        self._request._stream = io.BytesIO(body)
        self._request._read_started = False
        return None

    def _body(self, patient: bool) -> bytes | Refused:
        meta = self._request.META
        text = meta.get("CONTENT_LENGTH") or None
        refused = self._guard.refused_head(self._headers, text)
        if refused is not None:
            return refused
        if text is None and meta.get("HTTP_TRANSFER_ENCODING"):
            return Refused.LENGTH_REQUIRED
        if text is not None and not (text.isascii() and text.isdigit()):
            return Refused.LENGTH_REQUIRED
        length = None if text is None else int(text)
        patient = patient or is_at_hand(meta.get("wsgi.input"))
        return read_body(self._request.read, length, self._guard.limits, patient=patient)

    def conclude(self, response: HttpResponseBase) -> HttpResponseBase:
        """Record; return what may be answered."""
        if response.streaming:
            response, problem = self._whole(response)
        else:
            problem = self._measured(response)
        error = None if problem is None else HandlerFailedError(problem.detail)
        conclusion = self._guard.conclude(self._attempt, response.status_code, error)
        return self._chosen(conclusion, problem, response)

    async def conclude_async(self, response: HttpResponseBase) -> HttpResponseBase:
        """`conclude` from a task."""
        if response.streaming:
            response, problem = await self._whole_async(response)
        else:
            problem = self._measured(response)
        error = None if problem is None else HandlerFailedError(problem.detail)
        status = response.status_code
        conclusion = await self._guard.conclude_async(self._attempt, status, error)
        return self._chosen(conclusion, problem, response)

    def broke_off(self, error: BaseException) -> None:
        """Record an error that Django let through."""
        self._guard.conclude(self._attempt, 500, error)

    async def broke_off_async(self, error: BaseException) -> None:
        """`broke_off` from a task."""
        await self._guard.conclude_async(self._attempt, 500, error)

    def _measured(self, response: HttpResponseBase) -> Problem | None:
        too_large = len(response.content) > self._guard.limits.answer_bytes
        return ANSWER_TOO_LARGE if too_large else None

    def _whole(self, response: HttpResponseBase) -> tuple[HttpResponseBase, Problem | None]:
        try:
            body = hold(response, self._guard.limits.answer_bytes)
        except Exception:
            return response, FAILED
        finally:
            response.close()
        return _plain(response, body)

    async def _whole_async(
        self, response: HttpResponseBase
    ) -> tuple[HttpResponseBase, Problem | None]:
        body = bytearray()
        try:
            async for part in response:
                body += part
                if len(body) > self._guard.limits.answer_bytes:
                    return response, ANSWER_TOO_LARGE
        except Exception:
            return response, FAILED
        finally:
            response.close()
        return _plain(response, bytes(body))

    def _chosen(
        self, conclusion: Conclusion, problem: Problem | None, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not conclusion.keeps_state or problem is not None:
            self._forget_session()
            response.cookies.clear()
        chosen = conclusion.problem
        if problem is not None and chosen in (None, FAILED):
            chosen = problem
        return response if chosen is None else problem_response(chosen)

    def _forget_session(self) -> None:
        """Go back to the session as it is stored; what the view wrote was not saved yet."""
        from django.conf import settings

        session = getattr(self._request, "session", None)
        if session is not None:
            key = self._request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            self._request.session = type(session)(key)


def _plain(
    response: HttpResponseBase, body: bytes | None
) -> tuple[HttpResponseBase, Problem | None]:
    """A streamed answer as a plain one."""
    from django.http import HttpResponse

    if body is None:
        return response, ANSWER_TOO_LARGE
    plain = HttpResponse(body, status=response.status_code, headers=dict(response.items()))
    plain.cookies = response.cookies
    return plain, None


def problem_response(problem: Problem) -> HttpResponse:
    """A problem as Django's answer."""
    from django.http import HttpResponse

    return HttpResponse(problem.body(), status=problem.status, headers=dict(problem.headers()))
