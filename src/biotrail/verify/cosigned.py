"""Post-quantum cosignatures on what an auditor was handed: asked for, they must be there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union

from biotrail.errors import NotCosignedError

if TYPE_CHECKING:
    from biotrail.signing import MlDsa44Key

__all__ = ["GivenCosigners", "check_cosigned"]

GivenCosigners: TypeAlias = Union["MlDsa44Key", str, Iterable[Union["MlDsa44Key", str]]]
"""Verifier keys of type 0x06 as they are given: one or several, as objects or as text."""


def check_cosigned(notes: Sequence[str], keys: GivenCosigners) -> None:
    """Require a good ML-DSA-44 cosignature on each checkpoint, of one of some keys.

    Args:
        notes: The signed checkpoints.
        keys: Verifier keys of type 0x06 that are trusted; nothing is asked for if there are none.

    Raises:
        MalformedError: A key is none.
        NotCosignedError: A checkpoint has no cosignature of these keys, one is wrong, or there is
            no checkpoint that could bear one.
        SignatureError: What was given is no signed checkpoint.
        MissingDependencyError: This `cryptography` has no ML-DSA.
    """
    trusted = [keys] if isinstance(keys, str) or not isinstance(keys, Iterable) else list(keys)
    if not trusted:
        return
    if not notes:
        raise NotCosignedError(
            "a post-quantum cosignature is required, and there is no checkpoint that was kept: the "
            "log itself holds none, give one that was published with it"
        )
    # Loaded here: few ask for it.
    from biotrail.signing import check_post_quantum

    for note in notes:
        check_post_quantum(note, trusted)
