"""Usage that must type-check, as users write it: checked by ``mypy --strict``, never run.

What a change breaks here, it breaks for everybody who checks their own code.
"""

from __future__ import annotations

from biotrail.errors import BiotrailError, VerificationError


def exit_code(error: BiotrailError) -> int:
    """A verdict carries its own exit code and, where one can be named, the first bad index."""
    if isinstance(error, VerificationError):
        first_bad: int | None = error.index
        return error.exit_code if first_bad is None else error.exit_code + 0
    return 1
