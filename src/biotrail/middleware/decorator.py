"""Attempts around plain functions: a door, a queue's worker, a desktop program."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from biotrail.audit import Attempt, AuditLogger
from biotrail.errors import AttemptRefusedError, MiddlewareError
from biotrail.events import ApplicationDecision, Context
from biotrail.middleware.guard import LogSource
from biotrail.middleware.logins import Login

__all__ = ["recorded_attempt"]

Answered = TypeVar("Answered")
Function = TypeVar("Function", bound=Callable[..., Any])


def recorded_attempt(
    log: LogSource,
    *,
    action: str,
    context: Callable[..., Context] | None = None,
    refuse_undecided: bool = True,
    **fields: Any,
) -> Callable[[Function], Function]:
    """Make every call of a function an attempt, recorded before its answer is returned.

    The function is given its `biotrail.Attempt` as the keyword argument ``attempt`` and decides on
    it. What it returns is returned when it granted or denied and the record is durable. What it
    raises is recorded and goes on. Works on plain and on ``async`` functions.

    Args:
        log: Where to record, or a function that returns the log; called for each attempt.
        action: What is attempted.
        context: Makes the context, from the arguments that the function is called with.
        refuse_undecided: Whether an answer of a function that neither granted nor denied is
            withheld.
        **fields: ``target``, ``modality``, ``tenant`` and ``labels``, as in `Login`.

    Returns:
        The decorator. The decorated function raises, besides what it raises itself,
        `AttemptRefusedError` where it decided nothing, was overruled, or attempt limits turned it
        away without its having asked them beforehand (`Attempt.locked`), and `NotRecordedError`
        where the attempt could not be recorded.

    Raises:
        MiddlewareError: The function is a generator, or takes no ``attempt``.
        EventError: A field is not as it must be.
    """
    described = Login(action=action, **fields)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        known = {} if context is None else {"context": context(*args, **kwargs)}
        opened = log if isinstance(log, AuditLogger) else log()
        return opened.attempt(**known, **described.fields({}))

    def concluded(
        attempt: Attempt, decided: ApplicationDecision | None, answer: Answered, *, knew: bool
    ) -> Answered:
        if attempt.locked is not None and not knew:
            # A match and a non-match alike: the difference would tell what was found.
            raise AttemptRefusedError("the attempt was turned away when it was recorded")
        if decided is None and refuse_undecided:
            raise AttemptRefusedError("the function neither granted nor denied; see `attempt`")
        if decided is ApplicationDecision.GRANTED and not attempt.granted:
            raise AttemptRefusedError("the attempt was denied when it was recorded")
        return answer

    def decorate(function: Function) -> Function:
        _check(function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def task(*args: Any, **kwargs: Any) -> Any:
                async with begin(args, kwargs) as attempt:
                    answer = await function(*args, attempt=attempt, **kwargs)
                    decided, knew = attempt.decision, attempt.locked is not None
                return concluded(attempt, decided, answer, knew=knew)

            return cast(Function, task)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with begin(args, kwargs) as attempt:
                answer = function(*args, attempt=attempt, **kwargs)
                decided, knew = attempt.decision, attempt.locked is not None
            return concluded(attempt, decided, answer, knew=knew)

        return cast(Function, call)

    return decorate


def _check(function: Callable[..., Any]) -> None:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise MiddlewareError("a generator answers before it ends: decorate a plain function")
    parameters = inspect.signature(function).parameters.values()
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    named = any(one.name == "attempt" and one.kind is not one.POSITIONAL_ONLY for one in parameters)
    if not (named or takes_any):
        raise MiddlewareError("the function must take the keyword argument 'attempt'")
