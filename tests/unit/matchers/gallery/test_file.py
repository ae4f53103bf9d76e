"""A gallery's file brings back what was saved, or is refused by the name of what is wrong."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import attrs
import pytest

from biotrail.errors import GalleryFileError, MatcherError
from biotrail.matchers import EmbeddingMatcher, Reference

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.gallery import Gallery  # noqa: E402

KEY = bytes(range(32))
MATCHER = EmbeddingMatcher(model="m", version="1", dimension=24)
FEATURES = [
    MATCHER.features(row)
    for row in np.random.default_rng(1).normal(size=(3_000, 24)).astype(np.float32)
]


def made(count: int = 3_000) -> Gallery:
    """A gallery with random and given ids, several samples, and gaps."""
    gallery = Gallery(MATCHER.card, name="doors")
    ids = gallery.add_many(FEATURES[:count])
    if count:
        gallery.add(Reference.from_samples(FEATURES[:3], id="Zoë's"))
        gallery.remove(ids[1])
    return gallery


def saved(folder: Path, key: bytes | None, count: int = 3_000) -> tuple[Path, Gallery]:
    """A file, and the gallery that it was saved from."""
    gallery = made(count)
    gallery.save(folder / "gallery", key=key)
    return folder / "gallery", gallery


def reason(path: Path, **arguments: Any) -> str:
    """Why the file is refused."""
    card = arguments.pop("card", MATCHER.card)
    with pytest.raises(GalleryFileError) as caught:
        Gallery.load(path, card, **arguments)
    return caught.value.reason


@pytest.mark.parametrize("count", [0, 2, 3_000])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_saved_comes_back(
    tmp_path: Path, key: bytes | None, mapped: bool, count: int
) -> None:
    """Name, version, size, samples and every answer are as before, in memory and mapped."""
    path, gallery = saved(tmp_path, key, count)
    loaded = Gallery.load(path, MATCHER.card, key=key, memory_mapped=mapped)
    facts = (loaded.name, loaded.version, len(loaded), loaded.samples)
    assert facts == ("doors", gallery.version, len(gallery), gallery.samples)
    some = FEATURES[:5] + FEATURES[2_000:2_005]
    for question in ({"top": 4}, {"threshold": 0.6}):
        expected = gallery.identify_many(some, **question)
        assert loaded.identify_many(some, **question) == expected
        alone = [loaded.identify(one, **question) for one in some]
        assert alone == expected


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_loaded_gallery_goes_on(tmp_path: Path, key: bytes | None, mapped: bool) -> None:
    """It can be added to, removed from, and saved over its own file."""
    path, _ = saved(tmp_path, key)
    loaded = Gallery.load(path, MATCHER.card, key=key, memory_mapped=mapped)
    new = loaded.add(FEATURES[7], reference="new")
    assert loaded.remove("Zoë's") == 3
    loaded.save(path, key=key)
    again = Gallery.load(path, MATCHER.card, key=key, memory_mapped=mapped)
    assert len(again) == len(loaded) == 3_000
    assert new in again
    assert "Zoë's" not in again
    assert again.identify(FEATURES[7], top=2) == loaded.identify(FEATURES[7], top=2)
    assert again.reference("new").values.tolist() == FEATURES[7].values.tolist()


def test_removed_references_are_not_in_the_next_file(tmp_path: Path) -> None:
    """After a removal and a new saving, neither values nor id are anywhere in the file."""
    path, gallery = saved(tmp_path, None)
    gone = FEATURES[9].values.astype("<f4").tobytes()
    gallery.add(FEATURES[9], reference="to be forgotten")
    gallery.save(path)
    assert b"to be forgotten" in path.read_bytes()
    for candidate in gallery.identify(FEATURES[9], threshold=1.0).candidates:
        gallery.remove(candidate.reference)
    gallery.save(path)
    assert gone not in path.read_bytes()
    assert b"to be forgotten" not in path.read_bytes()


def test_an_encrypted_file_shows_nothing_of_a_person(tmp_path: Path) -> None:
    """Neither values nor ids are in an encrypted file, and equal galleries make different files."""
    path, gallery = saved(tmp_path, KEY)
    first = path.read_bytes()
    assert FEATURES[0].values.astype("<f4").tobytes() not in first
    assert "Zoë".encode() not in first
    gallery.save(path, key=KEY)
    assert path.read_bytes()[4096:] != first[4096:]


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    """The file is readable by its owner alone, and nothing else is left beside it."""
    path, _ = saved(tmp_path, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["gallery"]


def test_a_saving_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk fails while saving, the older file is untouched, and nothing else stays."""
    path, gallery = saved(tmp_path, None)
    before = path.read_bytes()

    def fail(_handle: int) -> None:
        raise OSError("disk failed")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk failed"):
        gallery.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["gallery"]


@pytest.mark.parametrize("key", [None, KEY])
def test_every_flipped_bit_is_found(tmp_path: Path, key: bytes | None) -> None:
    """A bit flipped anywhere is found before anything is used, mapped or not."""
    path, _ = saved(tmp_path, key, 40)
    good = path.read_bytes()
    places = {*range(0, 450, 7), *range(4096, len(good), 211), len(good) - 1}
    for place in sorted(places):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        for mapped in (False, True):
            why = reason(path, key=key, memory_mapped=mapped)
            assert why in ("corrupted", "truncated", "not a gallery"), place


@pytest.mark.parametrize("key", [None, KEY])
def test_a_cut_file_is_named_so(tmp_path: Path, key: bytes | None) -> None:
    """A file that ends too early is called truncated; one with bytes behind it, corrupted."""
    path, _ = saved(tmp_path, key, 40)
    good = path.read_bytes()
    for length in (30, 200, 4096, 5000, len(good) - 33, len(good) - 1):
        path.write_bytes(good[:length])
        assert reason(path, key=key) == "truncated"
    path.write_bytes(good + b"\0")
    assert reason(path, key=key) == "corrupted"


def test_other_files_are_named_so(tmp_path: Path) -> None:
    """An absent file, an empty one and one of another kind are told apart from damage."""
    path = tmp_path / "gallery"
    assert reason(path) == "absent"
    for content in (b"", b"PK\x03\x04", b"biotrail/gallery/2\n"):
        path.write_bytes(content)
        assert reason(path) == "not a gallery"


def test_keys_are_checked(tmp_path: Path) -> None:
    """A wrong key, a missing one, and one for a file in the clear are each refused by name."""
    path, gallery = saved(tmp_path, KEY)
    assert reason(path, key=bytes(32)) == "wrong key"
    assert reason(path) == "key needed"
    for bad in (b"short", "k" * 32):
        with pytest.raises(MatcherError, match="32 bytes"):
            Gallery.load(path, MATCHER.card, key=bad)  # type: ignore[arg-type]
        with pytest.raises(MatcherError, match="32 bytes"):
            gallery.save(path, key=bad)  # type: ignore[arg-type]
    gallery.save(path)
    assert reason(path, key=KEY) == "wrong key"


@pytest.mark.parametrize("mapped", [False, True])
def test_encrypted_chunks_cannot_be_moved(tmp_path: Path, mapped: bool) -> None:
    """Two chunks swapped, with the checksum made right again, do not open."""
    path, _ = saved(tmp_path, KEY)
    data = bytearray(path.read_bytes()[:-32])
    rows_at = 4096 * -(-(4096 + len(made()._table.names.known()) + 16 * 3_002) // 4096)
    chunk = 4 * 24 * (65_536 // 96) + 16
    first, second = rows_at, rows_at + chunk
    one, two = data[first : first + chunk], data[second : second + chunk]
    data[first : first + chunk], data[second : second + chunk] = two, one
    path.write_bytes(bytes(data) + hashlib.sha256(data).digest())
    assert reason(path, key=KEY, memory_mapped=mapped) == "wrong key"


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20])
def test_values_are_checked_behind_a_right_checksum(tmp_path: Path, value: float) -> None:
    """A file that somebody made with values that no gallery holds is refused as corrupted."""
    path, _ = saved(tmp_path, None, 40)
    data = bytearray(path.read_bytes()[:-32])
    data[-4:] = np.float32(value).tobytes()
    path.write_bytes(bytes(data) + hashlib.sha256(data).digest())
    assert reason(path) == "corrupted"


def test_another_model_is_refused(tmp_path: Path) -> None:
    """A gallery of another card is refused, and both cards are named."""
    path, _ = saved(tmp_path, None, 40)
    other = attrs.evolve(MATCHER.card, version="2")
    assert reason(path, card=other) == "other model"
    with pytest.raises(GalleryFileError, match=r"of m 1, not .* of m 2"):
        Gallery.load(path, other)


def test_what_cannot_be_read_is_named_so(tmp_path: Path) -> None:
    """A directory, and a path that leads through a file, are refused as unreadable."""
    (tmp_path / "file").write_bytes(b"")
    assert reason(tmp_path) == "unreadable"
    assert reason(tmp_path / "file" / "gallery") == "unreadable"
