"""Post-quantum cosignatures on checkpoints that leave the house: added, and asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._given import verifier_keys
from biotrail.cli._output import printable
from biotrail.cli._passphrase import ask_passphrase
from biotrail.errors import BiotrailError
from biotrail.signing import MlDsa44Key, open_post_quantum_key_file
from biotrail.verify import verify_log

__all__ = ["CosignerFile", "CosignerKey", "cosigned", "cosigner_keys"]

CosignerFile = Annotated[
    Path | None,
    typer.Option(
        "--post-quantum",
        metavar="FILE",
        help="Verify the log against --key, and add an ML-DSA-44 cosignature with the key in this "
        "file (`biotrail keys post-quantum`).",
        show_default=False,
    ),
]
CosignerKey = Annotated[
    list[str] | None,
    typer.Option(
        "--require-post-quantum",
        metavar="VKEY|FILE",
        help="Require an ML-DSA-44 cosignature of this key on the checkpoint that was kept, or "
        "that the proof is against. May be repeated: one of them.",
        show_default=False,
    ),
]


def cosigned(log: Path, key_file: Path, trusted: list[str] | None, kept: Sequence[str]) -> str:
    """The log's checkpoint with a cosignature: the log is verified first, since that vouches.

    Args:
        log: The log.
        key_file: The cosigner's key file.
        trusted: What followed each ``--key``.
        kept: Signed checkpoints that the log must continue.
    """
    keys = verifier_keys(trusted, beside=log)
    report = verify_log(log, keys, from_checkpoint=kept, payloads=False, lookups=False)
    cosigner = open_post_quantum_key_file(key_file, name=report.origin, passphrase=ask_passphrase())
    return cosigner.cosign(report.checkpoint)


def cosigner_keys(given: list[str] | None) -> list[MlDsa44Key]:
    """The cosigners' verifier keys that were given.

    Raises:
        typer.BadParameter: What was given is no key and no file of keys.
    """
    return [key for one in given or () for key in _keys(one)]


def _keys(given: str) -> list[MlDsa44Key]:
    try:
        text = Path(given).read_text("utf-8") if "+" not in given else given
        return [MlDsa44Key.parse(line) for line in text.split("\n") if line.strip()]
    except (OSError, ValueError, BiotrailError) as error:
        raise typer.BadParameter(
            f"{printable(given)} is no verifier key of type 0x06, nor a file of them: {error}",
            param_hint="--require-post-quantum",
        ) from error
