"""commands/sync.py: `kollega sync` and `kollega sources`."""

import json
import os
from pathlib import Path

from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines


def _write_sources(text: str) -> None:
    (Path(os.environ["KOLLEGA_HOME"]) / "sources.toml").write_text(text, encoding="utf-8")


def test_without_sources_one_sentence_says_where_to_write_them(kollega: Kollega) -> None:
    result = kollega("sync")
    assert result.exit_code == 1
    assert "There is no source in" in result.stderr and "sources.toml" in result.stderr
    listed = kollega("sources")
    assert listed.exit_code == 0 and "There is no source in" in listed.stdout


def test_sources_are_read_and_what_came_of_it_is_listed(kollega: Kollega, write_lines: WriteLines) -> None:
    write_lines(TEAM, AINO, REQUEST, name="a.jsonl")
    path = write_lines({"type": "team", "id": "hr", "name": "HR"}, "{broken", name="b.jsonl")
    _write_sources(
        f'[desk]\nkind = "jsonl"\nplace = "{Path(path).with_name("a.jsonl")}"\nevery = "1h"\n'
        f'[people]\nkind = "jsonl"\nplace = "{path}"\n[lost]\nkind = "jsonl"\nplace = "/nowhere.jsonl"\n'
    )
    before = kollega("sources")
    assert "desk (jsonl): never read to its end, next soon" in before.stdout
    dry = kollega("sync", "desk", "--dry-run")
    assert "dry run, nothing was written: desk: 3 added" in dry.stdout and "request r1: added" in dry.stdout
    assert "desk (jsonl): never read to its end" in kollega("sources").stdout
    result = kollega("sync")
    assert result.exit_code == 1
    assert "desk: 3 added, 0 updated, 0 unchanged (read from the beginning)" in result.stdout
    assert "people: 1 added" in result.stdout and "b.jsonl:2: not JSON" in result.stderr
    assert "/nowhere.jsonl cannot be read" in result.stderr
    listed = kollega("sources")
    assert listed.exit_code == 1
    assert "  last run: 3 added" in listed.stdout and "broke off: /nowhere.jsonl cannot be read" in listed.stdout
    rows = {row["name"]: row for row in json.loads(kollega("sources", "--json").stdout)}
    assert rows["desk"]["counts"]["added"] == 3 and rows["desk"]["error"] == "" and rows["people"]["problems"]
    assert kollega("sync", "desk").exit_code == 0


def test_a_name_that_is_not_in_the_file_is_refused_with_those_that_are(kollega: Kollega) -> None:
    _write_sources('[desk]\nkind = "jsonl"\nplace = "/x.jsonl"\n')
    result = kollega("sync", "dest")
    assert result.exit_code == 2 and "'dest' is not in" in result.stderr and "It has: desk." in result.stderr
