"""sources/configuration_writing.py: what a page has chosen is written to sources.toml, and nothing else changes."""

from pathlib import Path

import pytest

from indexer.sources.configuration import read_sources
from indexer.sources.configuration_writing import add_source, set_schedule
from recommender.errors import SettingsError

TABLE = {"kind": "gitlab", "place": "https://gitlab.example.org", "projects": ["it/help", 'a"b\\c'], "team": "it"}
FILE = """# ours
[forum]  # the old one
kind = "jsonl"
place = "forum.jsonl"
every = "1h"  # enough
team = "it"
[forum.audiences]
every = ["everyone"]

[other]
kind = "jsonl"
place = "other.jsonl"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sources.toml"


def test_the_first_source_makes_the_file_for_its_owner_alone(path: Path) -> None:
    assert add_source(path, "desk", TABLE)
    (found,) = read_sources(path)
    assert (found.name, found.kind, found.options.place, found.every) == ("desk", "gitlab", TABLE["place"], None)
    assert found.options.model_dump()["projects"] == ("it/help", 'a"b\\c')
    assert path.stat().st_mode & 0o777 == 0o600
    assert not add_source(path, "desk", TABLE)  # once more, as a job that was interrupted does
    assert [source.name for source in read_sources(path)] == ["desk"]


def test_what_is_there_stays_as_it_is_written(path: Path) -> None:
    path.write_text(FILE)
    path.chmod(0o640)
    assert add_source(path, "help.desk", TABLE)
    assert path.read_text().startswith(FILE.rstrip()) and path.stat().st_mode & 0o777 == 0o640
    assert [source.name for source in read_sources(path)] == ["forum", "other", "help.desk"]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("forum", {}, "has a source called forum already"),
        ("Desk", {}, "cannot be the name of a source"),
        ("FORUM", {}, "would both take their token"),
        ("fo-rum", {}, None),
        ("desk", {"place": "https://a:b@c.example"}, "password in it"),
        ("desk", {"token": "x"}, "does not belong into this file"),
        ("desk", {"kind": "nothing"}, "is not known"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    name: str, change: dict[str, str], said: str | None, path: Path
) -> None:
    path.write_text(FILE)
    if said is None:
        assert add_source(path, name, TABLE | change)
        return
    with pytest.raises(SettingsError, match=said):
        add_source(path, name, TABLE | change)
    assert path.read_text() == FILE and [each.name for each in path.parent.iterdir()] == ["sources.toml"]


def test_a_schedule_is_written_changed_and_taken_away(path: Path) -> None:
    path.write_text(FILE)
    set_schedule(path, "other", "15m", "1d")
    set_schedule(path, "forum", "6h", "")
    forum, other = read_sources(path)
    assert [str(each) for each in (forum.every, forum.full_every, other.every, other.full_every)] == [
        "6:00:00", "None", "0:15:00", "1 day, 0:00:00",
    ]  # fmt: skip
    assert forum.options.audiences == {"every": ("everyone",)} and "# the old one" in path.read_text()
    set_schedule(path, "other", "", "")
    assert read_sources(path)[1].every is None and "# ours" in path.read_text()
    with pytest.raises(SettingsError, match="gone is no longer in"):
        set_schedule(path, "gone", "1h", "")


def test_a_file_that_is_written_in_another_way_is_left_to_who_wrote_it(path: Path) -> None:
    text = 'forum = { kind = "jsonl", place = "forum.jsonl" }\n'
    path.write_text(text)
    with pytest.raises(SettingsError, match=r'Write below \[forum\]: every = "1h"'):
        set_schedule(path, "forum", "1h", "")
    assert path.read_text() == text
