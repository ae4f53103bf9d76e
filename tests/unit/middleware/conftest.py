"""What the tests of the middleware share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from biotrail import verify_log
from tests.unit.middleware._trail import Trail


@pytest.fixture
def trail() -> Iterator[Trail]:
    """A trail, verified in the end."""
    made = Trail()
    yield made
    verify_log(made.store, made.log.verifier_key)
    made.log.close()
