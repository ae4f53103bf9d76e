"""Real photographs, each with its part in a demonstration of access attempts."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from biotrail.matchers.model_files import cache_folder, fetch, write_whole

__all__ = ["ROLES", "demonstration_photographs"]

ROLES = {
    "enrolled": "obama.jpg",
    "granted": "obama3.jpg",
    "denied": "biden.jpg",
    "other_person": "astronaut.png",
    "false_non_match": "obama2.jpg",
    "no_face": "coffee.png",
}
"""Which file plays which part. ``false_non_match`` is the enrolled person, speaking, turned away:
the geometry of landmarks takes him for someone else."""

_FACE = (100, 0, 356, 256)
"""Left, top, right and bottom of the face in astronaut.png."""


def demonstration_photographs(
    *, cache: str | Path | None = None, offline: bool = False
) -> dict[str, Path]:
    """Paths of the photographs by part: the keys of `ROLES`, and ``several_faces``.

    Args:
        cache: Folder for fetched files; None takes the usual one.
        offline: Whether to refuse to fetch what is not in the cache.

    Raises:
        ModelError: A photograph cannot be had, or is not the one that is known.
    """
    photographs = {role: fetch(name, cache=cache, offline=offline) for role, name in ROLES.items()}
    folder = Path(cache) if cache is not None else cache_folder()
    photographs["several_faces"] = _two_faces(photographs["other_person"], folder)
    return photographs


def _two_faces(portrait: Path, folder: Path) -> Path:
    """The public-domain portrait beside its own mirror image, as a picture with two faces."""
    from PIL import Image, ImageOps

    with Image.open(portrait) as opened:
        face = opened.convert("RGB").crop(_FACE)
    both = Image.new("RGB", (2 * face.width, face.height))
    both.paste(face, (0, 0))
    both.paste(ImageOps.mirror(face), (face.width, 0))
    written = io.BytesIO()
    both.save(written, "PNG")
    data = written.getvalue()
    path = folder / hashlib.sha256(data).hexdigest()[:16] / "several_faces.png"
    write_whole(path, data)
    return path
