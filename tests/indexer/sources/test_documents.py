"""sources/documents: folders of documents, their owners, dates, links and readers; and what is left out."""

import os
import subprocess
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.sources import documents
from indexer.sources.documents.texts import LARGEST
from indexer.sources.records import DocumentRecord, Located, PersonRecord
from recommender.errors import SourceError
from tests.indexer.conftest import Kollega
from tests.indexer.sources.office.office_files import paragraph, pdf, sheet, slides, word

GUIDE = """---
title: VPN-ohje
owner: Aino Salo <aino@example.fi>
team: verkko
audience: [IT, Talous]
lang: fi-FI
verified: 2026-03-02
---
# Otsikko

Avaa [asennus](../asennus.md#linux) ja <b>kirjaudu</b>.
"""


def _read(folder: Path, **options: object) -> list[Located]:
    return list(documents.open_source("docs", documents.OPTIONS(place=str(folder), **options)).records())  # type: ignore[arg-type]


def _documents(folder: Path, **options: object) -> dict[str, DocumentRecord]:
    found = [located.record for located in _read(folder, **options)]
    return {record.id: record for record in found if isinstance(record, DocumentRecord)}


def _write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_every_format_is_read_with_its_title(tmp_path: Path) -> None:
    _write(
        tmp_path,
        ohje_dot_md="# Tulostus #\n\nPaina nappia.",
        vanha_dot_md="Otsikko alla\n============\n\nTeksti.",
        sivu_dot_html="<html lang=sv><title>Skriv ut</title><nav>Meny</nav><main><h1>Skriv ut</h1><p>Tryck</p></main>",
        muistio_dot_txt="Palaveri\n\nSovittiin.".encode("windows-1252"),
        tyhja_dot_md="",
        kuva_dot_png=b"\x89PNG",
    )
    word(tmp_path / "sopimus-malli_2.docx", paragraph("Ehdot ovat nämä."))
    pdf(tmp_path / "tiedote.pdf", [(700, 20, "Uutiset"), (650, 11, "Paljon uutta asiaa on luvassa.")])
    slides(tmp_path / "esitys.pptx")
    sheet(tmp_path / "taulu.xlsx", ("a", "b"), (1, 2))
    found = _documents(tmp_path)
    assert {name: record.title for name, record in found.items()} == {
        "ohje.md": "Tulostus", "vanha.md": "Otsikko alla", "sivu.html": "Skriv ut", "muistio.txt": "Palaveri",
        "sopimus-malli_2.docx": "sopimus malli 2", "tiedote.pdf": "Uutiset", "esitys.pptx": "Kokoustila",
        "taulu.xlsx": "Tiketit",
    }  # fmt: skip
    assert (found["sivu.html"].language, found["sivu.html"].body) == ("sv", "# Skriv ut\n\nTryck")
    assert found["taulu.xlsx"].body == "## Tiketit\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_front_matter_says_owner_team_readers_language_and_days(tmp_path: Path) -> None:
    _write(tmp_path, ohjeet__vpn_dot_md=GUIDE)
    found = _read(tmp_path)
    people = [located.record for located in found if isinstance(located.record, PersonRecord)]
    assert [(person.name, person.email) for person in people] == [("Aino Salo", "aino@example.fi")]
    record = found[-1].record
    assert isinstance(record, DocumentRecord)
    assert (record.id, record.title, record.owner) == ("ohjeet/vpn.md", "VPN-ohje", people[0].id)
    assert (record.group, record.readers_there, record.language) == ("verkko", ("IT", "Talous"), "fi")
    assert record.verified_on == date(2026, 3, 2)
    assert record.body == "# Otsikko\n\nAvaa [asennus](../asennus.md#linux) ja kirjaudu."


@pytest.mark.parametrize(
    ("said", "readers"),
    [
        ("title: x", None), ("audience: everyone", ("public",)), ("visibility: julkinen", ("public",)),
        ("readers: HR; Johto", ("HR", "Johto")), ("audience: []", ("private",)), ("audience:", ("private",)),
        ("private: true", ("private",)), ("private: false", None), ("readers: {a: b}", ("private",)),
    ],
)  # fmt: skip
def test_who_may_read_is_never_wider_than_the_file_says(
    tmp_path: Path, said: str, readers: tuple[str, ...] | None
) -> None:
    _write(tmp_path, a_dot_md=f"---\n{said}\n---\ntext")
    assert _documents(tmp_path)["a.md"].readers_there == readers
    assert _documents(tmp_path, team_only=True)["a.md"].readers_there == (readers or ("private",))


def test_front_matter_that_cannot_be_read_is_told_and_the_document_is_not_read(tmp_path: Path) -> None:
    _write(tmp_path, a_dot_md="---\ntitle: [x\n---\ntext", b_dot_md="+++\ntitle = 'B'\n+++\ntext", c_dot_md="---\ntext")
    found = _read(tmp_path)
    assert [(each.file, each.problem, each.unread) for each in found if each.problem] == [
        ("a.md", "its front matter cannot be read (line 3). Correct it, above the text", ("document", "a.md"))
    ]
    assert {name: record.title for name, record in _documents(tmp_path).items()} == {"b.md": "B", "c.md": "c"}


def test_aliases_in_front_matter_do_not_grow(tmp_path: Path) -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    _write(tmp_path, a_dot_md="---\n" + "\n".join(lines) + "\nowner: *j\n---\ntext")
    assert _documents(tmp_path)["a.md"].body == "text"


def test_drafts_hidden_files_and_what_is_excluded_are_left_out(tmp_path: Path) -> None:
    _write(
        tmp_path, a_dot_md="a", b_dot_md="---\ndraft: true\n---\nb", _dot_hidden__c_dot_md="c", _dot_d_dot_md="d",
        node_modules__e_dot_md="e", vanhat__f_dot_md="f", g__vanhat__h_dot_md="h", g__i_dot_txt="i", g__k_dot_md="k",
    )  # fmt: skip
    (tmp_path / "~$a.docx").write_bytes(b"lock")
    assert set(_documents(tmp_path)) == {"a.md", "g/i.txt", "g/k.md", "g/vanhat/h.md", "vanhat/f.md"}
    assert set(_documents(tmp_path, exclude=("vanhat",))) == {"a.md", "g/i.txt", "g/k.md"}
    assert set(_documents(tmp_path, exclude=("/vanhat/", "*.txt"))) == {"a.md", "g/k.md", "g/vanhat/h.md"}
    assert set(_documents(tmp_path, include=("g/**",))) == {"g/i.txt", "g/k.md", "g/vanhat/h.md"}
    assert set(_documents(tmp_path, include=("*.md",), exclude=("**/vanhat/*",))) == {"a.md", "g/k.md"}


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "docs", tmp_path / "other"
    _write(inside, a_dot_md="a", sub__b_dot_md="b")
    _write(outside, secret_dot_md="secret")
    (inside / "in.md").symlink_to(inside / "sub" / "b.md")
    (inside / "out.md").symlink_to(outside / "secret.md")
    (inside / "away").symlink_to(outside, target_is_directory=True)
    (inside / "round").symlink_to(inside, target_is_directory=True)
    (inside / "nowhere.md").symlink_to(inside / "none.md")
    (inside / "self.md").symlink_to(inside / "self.md")
    assert set(_documents(inside)) == {"a.md", "in.md", "sub/b.md"}


def test_owners_and_times_come_from_git(tmp_path: Path) -> None:
    def git(*arguments: str, who: str = "Aino", when: str = "2026-03-02T08:10:00Z") -> None:
        mail = f"{who.lower()}@example.fi"
        identity = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER")
                    for part, value in (("NAME", who), ("EMAIL", mail), ("DATE", when))}  # fmt: skip
        environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null"}
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True, env=environment)

    docs = tmp_path / "docs"
    git("init", "-q")
    for number, who in enumerate(("Aino", "Olli", "Aino"), 1):
        _write(docs, ohje_dot_md=f"text {number}", ääni_dot_md="x" if number == 1 else "y")
        git("add", "-A")
        git("commit", "-qm", "x", who=who, when=f"2026-03-0{number}T08:10:00Z")
    git("config", "log.showSignature", "true")
    git("config", "gpg.program", str(tmp_path / "never-run"))
    _write(docs, uusi_dot_md="not committed", omistettu_dot_md="---\nowner: eeva@example.fi\n---\nx")
    found = _documents(docs)
    assert (found["ohje.md"].owner, found["ohje.md"].updated_at) == (
        "docs-aino@example.fi",
        datetime(2026, 3, 3, 8, 10),
    )
    assert (found["ääni.md"].owner, found["ääni.md"].updated_at) == (
        "docs-olli@example.fi",
        datetime(2026, 3, 2, 8, 10),
    )
    assert (found["uusi.md"].owner, found["omistettu.md"].owner) == (None, "docs-eeva@example.fi")
    assert _documents(docs, without_git=True)["ohje.md"].owner is None
    (tmp_path / ".git" / "HEAD").write_text("damaged", encoding="utf-8")
    told = [change for each in _read(docs) for change, _value in each.changes]
    assert told == ["times and owners were not taken from Git, which has no history of the folder or does not trust it"]


def test_times_come_from_files_without_git(tmp_path: Path) -> None:
    _write(tmp_path, a_dot_md="a", b_dot_md="---\nupdated: 2026-01-05\n---\nb")
    os.utime(tmp_path / "a.md", (1_772_439_000, 1_772_439_000))
    found = _documents(tmp_path)
    assert found["a.md"].updated_at == datetime(2026, 3, 2, 8, 10)
    assert found["b.md"].updated_at == datetime(2026, 1, 5)


def test_files_have_addresses_and_links_lead_there_where_the_folder_is_published(tmp_path: Path) -> None:
    text = (
        "[a](b.md) [b](../c%20d.md#x) ![k](/kuvat/k.png) [e](https://x.example/) [f](#top) [g](../../out.md) "
        '[h](<b c.md> "t")'
    )
    _write(tmp_path, sub__a_dot_md=text)
    record = _documents(tmp_path, address="https://docs.example/k/")["sub/a.md"]
    assert record.url == "https://docs.example/k/sub/a.md"
    assert record.body == (
        "[a](https://docs.example/k/sub/b.md) [b](https://docs.example/k/c%20d.md#x) "
        "![k](https://docs.example/k/kuvat/k.png) [e](https://x.example/) [f](#top) [g](../../out.md) "
        '[h](https://docs.example/k/sub/b%20c.md "t")'
    )


def test_files_that_cannot_be_read_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    _write(tmp_path, a_dot_docx=b"PK\x03\x04", b_dot_doc=b"old", c_dot_md="c", d_dot_txt=bytes(range(256)) * 9)
    pdf(tmp_path / "e.pdf", [])
    (tmp_path / "f.md").touch()
    os.truncate(tmp_path / "f.md", LARGEST + 1)
    problems = {each.file: each.problem for each in _read(tmp_path) if each.problem}
    assert problems == {
        "a.docx": "is cut short or damaged. Fetch the file again, then import it again.",
        "b.doc": "it is in a format that is not read. Save it as .docx, .pptx or PDF",
        "d.txt": "is no text file. Save it as CSV, or import it as `excel` or `documents`.",
        "e.pdf": "has no text: its pages may be pictures. Have their text recognised (OCR), then import it again.",
        "f.md": "it is larger than 100 MB. Split it, or exclude it",
    }
    assert set(_documents(tmp_path)) == {"c.md"}


def test_names_that_are_too_long_or_odd_become_ids(tmp_path: Path) -> None:
    long = tmp_path / ("a" * 120) / ("b" * 120)
    long.mkdir(parents=True)
    (long / "c.md").write_text("x", encoding="utf-8")
    (tmp_path / "a\u0308iti\u200b.md").write_text("y", encoding="utf-8")
    identifiers = sorted(_documents(tmp_path))
    assert len(identifiers[0]) == 200 and identifiers[0].startswith("a" * 120) and identifiers[1] == "äiti.md"


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none is no folder. Give the folder with the documents"):
        _read(tmp_path / "none")


def test_a_folder_is_loaded_by_the_command(kollega: Kollega, tmp_path: Path) -> None:
    folder = _write(tmp_path / "docs", a_dot_md=GUIDE, b_dot_md="# B\n\nb")
    loaded = kollega("import", "documents", str(folder), "--exclude", "c*")
    assert (loaded.exit_code, loaded.stdout) == (0, "3 added, 0 updated, 0 unchanged\n")
    assert kollega("import", "documents", str(folder)).stdout == "0 added, 0 updated, 3 unchanged\n"


def test_a_removed_file_is_removed_by_a_sync_also_beside_one_that_cannot_be_read(
    kollega: Kollega, tmp_path: Path
) -> None:
    folder = _write(tmp_path / "docs", a_dot_md="# A\n\na", b_dot_md="# B\n\nb", c_dot_md="# C\n\nc")
    (tmp_path / "home" / "sources.toml").write_text(
        f'[docs]\nkind = "documents"\nplace = "{folder}"\n', encoding="utf-8"
    )
    assert "3 added" in kollega("sync").stdout
    (folder / "a.md").unlink()
    _write(folder, b_dot_md="---\n[\n---\nb")  # cannot be read any more, and stays
    result = kollega("sync")
    assert result.exit_code == 1 and "b.md:1: its front matter cannot be read" in result.output
    assert ", 1 deleted" in result.stdout, result.output
    _write(folder, b_dot_md="# B\n\nb")
    os.utime(folder / "b.md", (1_772_439_000, 1_772_439_000))
    assert "docs: 0 added, 1 updated, 1 unchanged" in kollega("sync").stdout
