r"""The model card: what computed a score, exactly enough that scores of two cards never mix.

The digest of a card is SHA-256 over these bytes, so that anyone can compute it again::

    biotrail/model-card/1\n
    {"assurance":"demonstration","colour_order":"RGB", ... ,"version":"1"}

that is one line of text, then the card's fields as JSON: UTF-8, keys sorted by code point, no
spaces, no escapes but those that JSON requires, whole numbers only, and absent fields as null.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from functools import cached_property

import attrs

from biotrail.errors import MatcherError

__all__ = ["Assurance", "ModelCard", "ModelFile", "NetworkPolicy"]

_DOMAIN = b"biotrail/model-card/1\n"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Assurance(StrEnum):
    """What a match of this matcher may be relied on for."""

    IDENTITY = "identity"
    """Made to tell people apart; still needs a calibrated threshold."""
    DEMONSTRATION = "demonstration"
    """Shows how things work; must not guard anything."""


class NetworkPolicy(StrEnum):
    """What the matcher's code can reach while it holds biometric data."""

    SEALED = "sealed"
    """Runs in a process that cannot open a socket; where a platform has no such lock, only in
    versions that were seen to open none."""
    IN_PROCESS = "in_process"
    """Only biotrail's own arithmetic runs, in the host's process; it opens no socket."""
    OBSERVED = "observed"
    """Other people's code runs in the host's process. It was seen to open no connection (a test
    traces its system calls), but nothing forbids it."""


def _sha256_text(_instance: object, _attribute: object, value: str) -> None:
    if not _SHA256.fullmatch(value):
        raise MatcherError("a SHA-256 is written as 64 lower-case hexadecimal digits")


def _not_empty(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.strip():
        raise MatcherError(f"{type(instance).__name__}.{attribute.name} must be text, not empty")


@attrs.frozen(kw_only=True)
class ModelFile:
    """One file that the matcher's scores depend on.

    Attributes:
        name: File name, without a folder.
        sha256: SHA-256 of its bytes, 64 hexadecimal digits.
        licence: SPDX identifier, or a sentence where none fits.
    """

    name: str = attrs.field(validator=_not_empty)
    sha256: str = attrs.field(validator=_sha256_text)
    licence: str = attrs.field(validator=_not_empty)


@attrs.frozen(kw_only=True)
class ModelCard:
    """Everything that a score depends on besides the two samples.

    Attributes:
        id: Identifier of the matcher, e.g. ``"mediapipe-face-geometry"``.
        version: Version of the matcher: of its descriptor and comparison, not of the runtime.
        metric: Name of the comparison score, e.g. ``"cosine"``.
        higher_is_better: Whether a higher score speaks for the same person.
        intended_use: In a sentence, what this matcher is for, and what not.
        assurance: Identity-grade or demonstration-grade.
        network_policy: What the matcher's code can reach.
        files: The model files.
        runtime: Name of the software that runs the model, or None.
        runtime_version: Its version, or None.
        licence: Licence of the matcher's own code.
        colour_order: Order of the colour channels that the model is given, e.g. ``"RGB"``, or None.
        value_range: Range of the values that the model is given, e.g. ``"0..255"``, or None.
        alignment: How a face is brought into place before features are taken, or None.
        dimension: Number of values in one feature vector.
    """

    id: str = attrs.field(validator=_not_empty)
    version: str = attrs.field(validator=_not_empty)
    metric: str = attrs.field(validator=_not_empty)
    higher_is_better: bool
    intended_use: str = attrs.field(validator=_not_empty)
    assurance: Assurance = attrs.field(converter=Assurance)
    network_policy: NetworkPolicy = attrs.field(converter=NetworkPolicy)
    dimension: int = attrs.field(validator=attrs.validators.ge(1))
    files: tuple[ModelFile, ...] = ()
    runtime: str | None = None
    runtime_version: str | None = None
    licence: str = "Apache-2.0"
    colour_order: str | None = None
    value_range: str | None = None
    alignment: str | None = None

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the card, 32 bytes: what references and log entries name it by."""
        return hashlib.sha256(_DOMAIN + self.to_json()).digest()

    def to_json(self) -> bytes:
        """The card in its one serialisation, without the line that starts the digest's input."""
        return json.dumps(
            attrs.asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
