"""compiled_templates.py: the templates are compiled once, and again when something of them has changed."""

import errno
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import Environment

from recommender import checksums
from recommender.checksums import SEAL
from web.starting import compiled_templates
from web.starting.compiled_templates import load_templates


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that have been compiled."""
    names: list[str] = []
    compile_template = Environment.compile

    def noted(self: Environment, source: Any, name: Any = None, *rest: Any) -> Any:
        names.append(name)
        return compile_template(self, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", noted)
    return names


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A folder of two templates."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "layout.html").write_text("<b>{% block name %}{% endblock %}</b>", encoding="utf-8")
    (folder / "page.html").write_text(
        "{% extends 'layout.html' %}{% block name %}{{ who }}{% endblock %}", encoding="utf-8"
    )
    return folder


def _page(templates: Path, folder: Path, **options: Any) -> str:
    """A page of an app that has just started."""
    app = Flask(__name__, template_folder=str(templates))
    app.jinja_options = {**app.jinja_options, **options}
    load_templates(app, folder)
    with app.app_context():
        return render_template("page.html", who="Aino & Väinö")


def test_only_the_first_start_compiles(
    templates: Path, tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["layout.html", "page.html"]
    pages = []
    for listed in (names, names[::-1]):  # as another process may list them
        monkeypatch.setattr(Environment, "list_templates", lambda _self, _listed=listed, **_of: _listed)
        pages.append(_page(templates, tmp_path / "models"))
    assert pages == ["<b>Aino &amp; Väinö</b>"] * 2
    assert sorted(compiled) == ["layout.html", "page.html"]


def test_a_changed_template_is_compiled_and_nothing_is_left_of_the_old_one(templates: Path, tmp_path: Path) -> None:
    _page(templates, tmp_path / "models")
    before = list((tmp_path / "models").glob("templates-*"))
    (templates / "layout.html").write_text("<i>{% block name %}{% endblock %}</i>", encoding="utf-8")
    assert _page(templates, tmp_path / "models") == "<i>Aino &amp; Väinö</i>"
    after = list((tmp_path / "models").glob("templates-*"))
    assert len(before) == len(after) == 1 and before != after


def test_damaged_files_are_made_again(templates: Path, tmp_path: Path, compiled: list[str]) -> None:
    _page(templates, tmp_path / "models")
    (folder,) = (tmp_path / "models").glob("templates-*")
    for file in folder.glob("*.cache"):
        content = bytearray(file.read_bytes())
        content[-20:] = b"\xff" * 20
        file.write_bytes(content)
    compiled.clear()
    assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]
    compiled.clear()
    assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert compiled == []


def test_templates_in_another_place_are_compiled(templates: Path, tmp_path: Path, compiled: list[str]) -> None:
    """What is compiled names the place of its template, for messages about errors."""
    _page(templates, tmp_path / "models")
    compiled.clear()
    moved = shutil.copytree(templates, tmp_path / "moved")
    assert _page(moved, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]


def test_without_a_place_to_write_them_they_are_compiled_each_time(
    templates: Path, tmp_path: Path, compiled: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    assert [_page(templates, tmp_path / "models") for _start in range(2)] == ["<b>Aino &amp; Väinö</b>"] * 2
    assert sorted(compiled) == ["layout.html"] * 2 + ["page.html"] * 2
    assert "compiled at each start" in caplog.text


def _read_only(*_arguments: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_folder_that_is_read_only_on_purpose_is_no_warning(
    templates: Path,
    tmp_path: Path,
    compiled: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checksums, "_replace", _read_only)
    with caplog.at_level(logging.DEBUG):
        assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]
    (record,) = [each for each in caplog.records if each.name == compiled_templates.__name__]
    assert record.levelno == logging.DEBUG and "Read-only file system" in record.getMessage()


def test_a_folder_without_checksums_is_not_run(
    templates: Path, tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _page(templates, tmp_path / "models")
    (folder,) = (tmp_path / "models").glob("templates-*")
    (folder / SEAL).unlink()
    compiled.clear()
    monkeypatch.setattr(checksums, "_replace", _read_only)
    assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]


@pytest.mark.parametrize("mode", [0o770, 0o707])
@pytest.mark.parametrize("which", ["", "templates-*", "templates-*/*.cache"])
def test_what_others_may_write_is_not_run(
    templates: Path,
    tmp_path: Path,
    compiled: list[str],
    caplog: pytest.LogCaptureFixture,
    which: str,
    mode: int,
) -> None:
    _page(templates, tmp_path / "models")
    path = next(iter((tmp_path / "models").glob(which))) if which else tmp_path / "models"
    path.chmod(mode)
    compiled.clear()
    assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]
    assert f"Others may write {path}" in caplog.text and "chmod -R go-w" in caplog.text


def test_nothing_is_written_where_others_may_write(templates: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models").chmod(0o777)
    _page(templates, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(("owner", "is_run"), [(54321, False), (12345, True), (0, True)])
@pytest.mark.parametrize("which", ["models", "templates-"])
def test_only_what_belongs_to_this_account_or_to_root_is_run(
    templates: Path,
    tmp_path: Path,
    compiled: list[str],
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    owner: int,
    is_run: bool,
) -> None:
    _page(templates, tmp_path / "models")
    status_of = Path.stat

    def stat(self: Path, **options: Any) -> os.stat_result:
        found = status_of(self, **options)
        return os.stat_result((*found[:4], owner if self.name.startswith(which) else 12345, *found[5:]))

    compiled.clear()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 12345)
        patch.setattr(Path, "stat", stat)
        assert _page(templates, tmp_path / "models") == "<b>Aino &amp; Väinö</b>"
    assert sorted(compiled) == ([] if is_run else ["layout.html", "page.html"])


@pytest.mark.parametrize("option", [{"trim_blocks": True}, {"lstrip_blocks": True}, {"autoescape": False}])
def test_with_other_options_they_are_compiled_again(
    templates: Path, tmp_path: Path, compiled: list[str], option: dict[str, Any]
) -> None:
    _page(templates, tmp_path / "models")
    compiled.clear()
    name = "Aino & Väinö" if "autoescape" in option else "Aino &amp; Väinö"
    assert _page(templates, tmp_path / "models", **option) == f"<b>{name}</b>"
    assert sorted(compiled) == ["layout.html", "page.html"]


@pytest.mark.parametrize("package", ["jinja2", "flask", "kollega"])
def test_another_version_of_what_compiles_them_compiles_them_again(
    templates: Path, tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    _page(templates, tmp_path / "models")
    compiled.clear()
    version = compiled_templates.version
    monkeypatch.setattr(compiled_templates, "version", lambda name: "99" if name == package else version(name))
    _page(templates, tmp_path / "models")
    assert sorted(compiled) == ["layout.html", "page.html"]
