"""sources/archive.py: ZIP files of others, and what is refused of them."""

import io
import zipfile
from pathlib import Path

import pytest

from indexer.sources.archive import archive
from recommender.errors import SourceError


def _packed(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def test_files_are_read_by_name(tmp_path: Path) -> None:
    path = _packed(tmp_path / "a.zip", {"kansio/ä.txt": b"hei", "kansio/": b""})
    with archive(path) as packed:
        assert packed.names == ("kansio/ä.txt",)
        assert packed.read("kansio/ä.txt") == b"hei"


def test_a_zip_file_in_a_zip_file_is_read(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("a.txt", b"hei")
    path = _packed(tmp_path / "a.zip", {"part.zip": inner.getvalue()})
    with archive(path) as outer, outer.open("part.zip") as file, archive(io.BytesIO(file.read()), "part.zip") as packed:
        assert packed.read("a.txt") == b"hei"


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "C:/out.txt", "..\\out.txt"])
def test_a_name_that_leads_out_is_not_listed(tmp_path: Path, name: str) -> None:
    path = _packed(tmp_path / "a.zip", {name: b"x", "in.txt": b"y"})
    with archive(path) as packed:
        assert packed.names == ("in.txt",)
        assert packed.unsafe == (name,)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = _packed(tmp_path / "bomb.zip", {"a": b"\0" * 200_000_000})
    with pytest.raises(SourceError, match=r"bomb.zip would unpack to far more"), archive(path):
        pytest.fail("it was opened")


def test_a_bomb_that_lies_about_its_size_is_refused_while_it_is_read(tmp_path: Path) -> None:
    path = _packed(tmp_path / "bomb.zip", {"a": b"\0" * 200_000_000})
    content = path.read_bytes()
    size = (200_000_000).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(SourceError, match=r"far more|damaged"), archive(path) as packed:
        packed.check()


def test_a_file_larger_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = _packed(tmp_path / "a.zip", {"a": b"x" * 1001}, zipfile.ZIP_STORED)
    with pytest.raises(SourceError, match="a is larger than"), archive(path) as packed:
        packed.read("a", 1000)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, kept: float) -> None:
    path = _packed(tmp_path / "a.zip", {"a": bytes(range(256)) * 400}, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    with pytest.raises(SourceError, match=r"a.zip is cut short or damaged. Fetch the file again"), archive(path):
        pytest.fail("it was opened")


def test_damage_within_is_told(tmp_path: Path) -> None:
    path = _packed(tmp_path / "a.zip", {"a": bytes(range(256)) * 400})
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(SourceError, match="cut short or damaged"), archive(path) as packed:
        packed.read("a")


def test_a_password_is_told(tmp_path: Path) -> None:
    path = _packed(tmp_path / "a.zip", {"a": b"hei"}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(SourceError, match="has a password"), archive(path) as packed:
        packed.read("a")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"), archive(tmp_path / "a.zip"):
        pytest.fail("it was opened")
