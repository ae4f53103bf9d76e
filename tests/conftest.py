"""Rules for the whole test run: components, and no unexpected skip where all must be there.

``@pytest.mark.component("go")`` marks a test that needs a real component: where it is absent, the
test is skipped with the reason. With ``BIOTRAIL_REQUIRE_COMPONENTS=1`` (set by ``.ci/run``) every
skip is a failure, unless its reason is in `ALLOWED_SKIPS`: a run that proves nothing is not green.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests._components import COMPONENTS, reason_for_absence
from tests._key_servers import moto, openbao, unlocked_keyring

__all__ = [
    "moto",
    "openbao",
    "pytest_collection_modifyitems",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "unlocked_keyring",
]

REQUIRE_COMPONENTS = os.environ.get("BIOTRAIL_REQUIRE_COMPONENTS", "") not in ("", "0")

ALLOWED_SKIPS = ("../shared is absent",)
"""Reasons (or parts of them) that may stand even where components are required."""

# A busy machine is no failure, so no deadline. Where all must be there, the examples are the same
# in every run: a commit that passed does not fail later by luck; new luck is tried by hand.
settings.register_profile("by hand", deadline=None)
settings.register_profile("required", deadline=None, derandomize=True, print_blob=True)
# On further versions of Python the same properties are tried again, with fewer examples.
settings.register_profile("again", deadline=None, derandomize=True, max_examples=25)
if os.environ.get("BIOTRAIL_TESTED_BEFORE"):
    settings.load_profile("again")
else:
    settings.load_profile("required" if REQUIRE_COMPONENTS else "by hand")


def _components_of(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("component"):
        for name in marker.args:
            if name not in COMPONENTS:
                known = ", ".join(sorted(COMPONENTS))
                raise pytest.UsageError(f"{item.nodeid}: no component {name!r}; known: {known}")
            yield name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip each test whose component is absent; refuse names of components that nobody knows."""
    for item in items:
        for name in _components_of(item):
            if reason := reason_for_absence(name):
                item.add_marker(pytest.mark.skip(reason=f"component {name}: {reason}"))


def _skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skipped report, which pytest keeps as (path, line, reason)."""
    longrepr: Any = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


def _fail_unexpected_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (REQUIRE_COMPONENTS and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = _skip_reason(report)
    if not any(allowed in reason for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn an unexpected skip of a test into a failure."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    _fail_unexpected_skip(report)
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Turn an unexpected skip of a whole module into a failure."""
    report: pytest.CollectReport = yield  # type: ignore[assignment]
    _fail_unexpected_skip(report)
    return report  # type: ignore[return-value]
