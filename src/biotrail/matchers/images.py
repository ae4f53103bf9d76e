"""Reading an image from outside: bounded before it is decoded, upright, three channels."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.errors import ImageError, MatcherError, MissingDependencyError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

    Pixels = NDArray[numpy.uint8]

__all__ = ["MAXIMUM_BYTES", "MAXIMUM_PIXELS", "RgbImage", "read_image"]

MAXIMUM_PIXELS = 50_000_000
MAXIMUM_BYTES = 100_000_000
_LARGEST_SIDE = 65_535
"""As JPEG has it. A decoder keeps something for every row: 40 million rows of one pixel each, which
a file of 200 bytes can claim, would take gigabytes."""
_LONGEST_SIDE = 1024
"""Larger images are made smaller: the face model sees 256 x 256 pixels of a face at most."""
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM")
_DEEP_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")


@attrs.frozen(eq=False)
class RgbImage:
    """An image, ready for a face model.

    Attributes:
        pixels: uint8, shape (height, width, 3), red first, contiguous; no side over 1,024.
        width: Width before it was made smaller, in pixels.
        height: Height before it was made smaller, in pixels.
    """

    pixels: Pixels = attrs.field(repr=False)
    width: int
    height: int

    @property
    def scale(self) -> float:
        """How many pixels of the original one pixel stands for."""
        return self.width / float(self.pixels.shape[1])


def read_image(image: object, *, maximum_pixels: int = MAXIMUM_PIXELS) -> RgbImage:
    """Read an image: pixels, the bytes of an image file, or its path.

    Args:
        image: A NumPy array (uint8, height x width x 3, RGB), bytes, or a path.
        maximum_pixels: Images with more are refused before they are decoded.

    Raises:
        ImageError: It is none of these, or is broken, too large, or of an unknown format.
        MatcherError: The file at the path cannot be read.
        MissingDependencyError: Pillow or NumPy is not installed.
    """
    _require_packages()
    if isinstance(image, str | Path):
        return _decode(_read_file(Path(image)), maximum_pixels)
    if isinstance(image, bytes | bytearray | memoryview):
        return _decode(bytes(image), maximum_pixels)
    if hasattr(image, "__array_interface__"):
        return _from_array(image, maximum_pixels)
    raise ImageError(
        "an image must be a NumPy array, the bytes of an image file or its path, "
        f"not {type(image).__name__}"
    )


def _require_packages() -> None:
    absent = [name for name in ("numpy", "PIL") if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"reading images needs {' and '.join(absent)}: pip install 'biotrail[mediapipe]'"
        )


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise MatcherError(f"cannot read the image {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL, or what the file system's encoding does not have
        raise ImageError("the path of the image is no path") from error


def _check_size(width: int, height: int, maximum_pixels: int) -> None:
    if width * height > maximum_pixels:
        raise ImageError(
            f"the image has {width} x {height} pixels; at most {maximum_pixels:,} are read"
        )
    if max(width, height) > _LARGEST_SIDE:
        raise ImageError(f"a side of the image has more than {_LARGEST_SIDE:,} pixels")


def _from_array(image: Any, maximum_pixels: int) -> RgbImage:
    import numpy
    from PIL import Image

    array = numpy.asarray(image)
    if array.dtype != numpy.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ImageError(
            "an image array must be uint8 with the shape (height, width, 3), RGB; "
            f"this one is {array.dtype} {array.shape}"
        )
    _check_size(array.shape[1], array.shape[0], maximum_pixels)
    whole = numpy.ascontiguousarray(array)
    if max(array.shape) <= _LONGEST_SIDE:
        return RgbImage(whole, array.shape[1], array.shape[0])
    return _shrink(Image.fromarray(whole))


def _decode(data: bytes, maximum_pixels: int) -> RgbImage:
    from PIL import Image, ImageOps

    if len(data) > MAXIMUM_BYTES:
        raise ImageError(f"the image file has more than {MAXIMUM_BYTES:,} bytes")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            _check_size(*opened.size, maximum_pixels)
            return _shrink(ImageOps.exif_transpose(_eight_bits(opened)).convert("RGB"))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow has a bound of its own, by which it warns, or refuses to go on.
        most = min(maximum_pixels, Image.MAX_IMAGE_PIXELS or maximum_pixels)
        message = f"the image has too many pixels; at most {most:,} are read"
        raise ImageError(message) from error
    except Exception as error:  # Pillow's decoders raise many kinds, for hostile files any
        raise ImageError(f"not an image that can be read ({type(error).__name__})") from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit grey, which ``convert`` would clip to white, into 8 bits; keep the rest."""
    if image.mode not in _DEEP_GREY:
        return image
    import numpy

    values = numpy.asarray(image).astype(numpy.int64)
    return type(image)() if not values.size else _grey(numpy.clip(values, 0, 65535) >> 8)


def _grey(values: Any) -> Image.Image:
    from PIL import Image

    return Image.fromarray(values.astype("uint8"))


def _shrink(image: Image.Image) -> RgbImage:
    import numpy

    width, height = image.size
    if max(width, height) > _LONGEST_SIDE:
        factor = _LONGEST_SIDE / max(width, height)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = image.resize(size)
    return RgbImage(numpy.ascontiguousarray(image), width, height)
