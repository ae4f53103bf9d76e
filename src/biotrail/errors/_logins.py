"""What goes wrong around a login handler."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = ["AttemptRefusedError", "LimitError", "MiddlewareError"]


class LimitError(BiotrailError, ValueError):
    """A policy of attempt limits is not as it must be, or there is no lock to lift."""


class MiddlewareError(BiotrailError, ValueError):
    """The middleware for login handlers is not set up as it must be; names the setting."""


class AttemptRefusedError(BiotrailError):
    """A function that guards access answered without having granted or denied, or was overruled.

    What it answered is withheld: the attempt is recorded as denied.
    """
