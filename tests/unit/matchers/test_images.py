"""Images from outside: bounded, upright, three channels, or a clear refusal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.images import read_image

pytestmark = [pytest.mark.component("pillow"), pytest.mark.component("numpy")]


def encoded(mode: str, size: tuple[int, int], colour: Any, format: str, **options: Any) -> bytes:
    """An image of one colour as the bytes of a file."""
    from PIL import Image

    written = io.BytesIO()
    Image.new(mode, size, colour).save(written, format, **options)
    return written.getvalue()


@pytest.mark.parametrize(
    ("mode", "colour", "format", "expected"),
    [
        ("RGB", (200, 100, 50), "PNG", (200, 100, 50)),
        ("RGBA", (200, 100, 50, 128), "PNG", (200, 100, 50)),
        ("L", 90, "PNG", (90, 90, 90)),
        ("LA", (90, 255), "PNG", (90, 90, 90)),
        ("I;16", 90 * 256, "PNG", (90, 90, 90)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("P", 0, "PNG", (0, 0, 0)),
        ("CMYK", (0, 0, 0, 0), "JPEG", (255, 255, 255)),
        ("RGB", (200, 100, 50), "WEBP", (200, 100, 50)),
    ],
)
def test_every_mode_becomes_rgb(mode: str, colour: Any, format: str, expected: Any) -> None:
    """Grey, alpha, 16 bits, palettes, CMYK: all arrive as 8-bit red, green, blue."""
    image = read_image(encoded(mode, (8, 6), colour, format))
    assert image.pixels.shape == (6, 8, 3)
    assert image.pixels.dtype == "uint8"
    assert abs(image.pixels[3, 4].astype(int) - expected).max() <= 3


def test_sixteen_bits_of_colour_become_eight() -> None:
    """A PNG with 16 bits a channel arrives by its upper 8, not clipped to white."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    row = b"\0" + struct.pack(">HHH", 200 << 8 | 255, 100 << 8, 50 << 8) * 4
    head = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * 3)), chunk(b"IEND", b""))
    image = read_image(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert image.pixels[1, 1].tolist() == [200, 100, 50]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8_000, 10_000, 30_000])
def test_a_hundred_megapixels_are_refused_unread(side: int) -> None:
    """The head of a PNG that claims so many pixels is enough to refuse it, quickly, by its size."""
    import struct
    import time
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head
    data += struct.pack(">I", zlib.crc32(head)) + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    begun = time.monotonic()
    with pytest.raises(MatcherError, match=r"pixels; at most 50,000,000 are read"):
        read_image(data)
    assert time.monotonic() - begun < 0.5


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_pillows_own_warning_becomes_the_same_error() -> None:
    """A host that turns Pillow's warning into an error gets ours, in our words."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head
    data += struct.pack(">I", zlib.crc32(head)) + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    with pytest.raises(MatcherError, match="too many pixels"):
        read_image(data)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    """A photograph that was taken sideways comes in upright."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded("RGB", (40, 20), (1, 2, 3), "JPEG", exif=exif))
    assert read_image(path).pixels.shape == (40, 20, 3)
    assert read_image(str(path)).width == 20


def test_large_images_are_made_smaller() -> None:
    """No side is over 1,024 pixels afterwards, and the first size is remembered."""
    image = read_image(encoded("RGB", (3000, 10), 0, "PNG"))
    assert image.pixels.shape == (3, 1024, 3)
    assert (image.width, image.height) == (3000, 10)
    assert image.scale == pytest.approx(3000 / 1024)


def test_the_number_of_pixels_is_bounded_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of a hundred megapixels is refused by its header alone."""
    from PIL import Image, ImageFile

    data = encoded("L", (10_000, 10_000), 0, "PNG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(MatcherError, match="10000 x 10000"):
        read_image(data)


def test_arrays_are_taken_as_they_are() -> None:
    """A uint8 array of height, width and three channels needs no decoding."""
    import numpy

    array = numpy.arange(5 * 4 * 3, dtype=numpy.uint8).reshape(5, 4, 3)
    assert (read_image(array).pixels == array).all()
    assert (read_image(array[:, ::-1]).pixels == array[:, ::-1]).all()


def _arrays() -> list[Any]:
    numpy = pytest.importorskip("numpy")
    return [
        numpy.zeros((4, 4, 3)),
        numpy.zeros((4, 4), numpy.uint8),
        numpy.zeros((4, 4, 4), numpy.uint8),
        numpy.zeros((0, 4, 3), numpy.uint8),
        numpy.zeros((3, 4, 4), numpy.uint8),
    ]


@pytest.mark.parametrize("index", range(5))
def test_other_arrays_are_refused(index: int) -> None:
    """Floats, grey, alpha, nothing, and channels first are refused with type and shape."""
    with pytest.raises(MatcherError, match=r"uint8 with the shape"):
        read_image(_arrays()[index])


def test_an_array_is_bounded_too() -> None:
    """The bound on pixels holds for arrays."""
    import numpy

    with pytest.raises(MatcherError, match="at most 10"):
        read_image(numpy.zeros((4, 4, 3), numpy.uint8), maximum_pixels=10)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\xff\xd8\xff\xe0broken", b"\x89PNG\r\n"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    """Bytes that are no image are refused by name."""
    with pytest.raises(MatcherError, match="not an image"):
        read_image(data)


def test_a_truncated_photograph_is_refused() -> None:
    """Half a JPEG is not a photograph with a grey half."""
    whole = encoded("RGB", (200, 200), (9, 99, 199), "JPEG")
    with pytest.raises(MatcherError, match="not an image"):
        read_image(whole[: len(whole) // 2])


def test_other_things_are_refused(tmp_path: Path) -> None:
    """Numbers, missing files and folders are refused by name."""
    with pytest.raises(MatcherError, match="not int"):
        read_image(5)
    with pytest.raises(MatcherError, match=r"missing\.jpg: No such file"):
        read_image(tmp_path / "missing.jpg")
    with pytest.raises(MatcherError, match="cannot read"):
        read_image(tmp_path)


def test_one_pixel_is_an_image() -> None:
    """A one-by-one picture is read; that it has no face is for the backend to say."""
    assert read_image(encoded("RGB", (1, 1), 0, "PNG")).pixels.shape == (1, 1, 3)


@pytest.mark.parametrize("size", [(1, 70_000), (70_000, 1)])
def test_a_side_is_bounded_before_decoding(size: tuple[int, int]) -> None:
    """An image of few pixels but very many rows, or columns, is refused."""
    with pytest.raises(MatcherError, match="a side of the image"):
        read_image(encoded("L", size, 0, "PNG"))


def test_a_path_that_is_none_is_refused() -> None:
    """A text with a NUL in it, which no file system has, gets an error of ours."""
    with pytest.raises(MatcherError, match="is no path"):
        read_image("a\0b")
