"""sources/notion.py: small exports written here, with a ZIP in the ZIP; links, tables, cut names, and tricks."""

import io
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from indexer.sources.notion import OPTIONS, open_source
from indexer.sources.notion_page import from_html_page, from_markdown_page
from indexer.sources.records import DocumentRecord, Located
from recommender.errors import SourceError

A, B, C, D = (digit * 32 for digit in "abcd")


def packed(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def export(tmp_path: Path, *parts: dict[str, str | bytes]) -> Path:
    path = tmp_path / "export.zip"
    path.write_bytes(packed({f"Export-1-Part-{number}.zip": packed(part) for number, part in enumerate(parts, 1)}))
    return path


def read(place: Path, **options: object) -> list[Located]:
    source = open_source("notion", OPTIONS.model_validate({"place": str(place), **options}))
    return [located for located in source.read() if isinstance(located, Located)]


def documents(place: Path, **options: object) -> dict[str, DocumentRecord]:
    found = [located.record for located in read(place, **options)]
    return {record.id: record for record in found if isinstance(record, DocumentRecord)}


def test_pages_of_all_parts_are_documents_known_by_their_digits(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Congés é")
    first: dict[str, str | bytes] = {
        f"E/Ohjeet {A}.md": "# Ohjeet: kaikki / kaikille?\n\n"
        f"Katso [VPN](Ohjeet%20{A}/VPN%20{B}.md) ja ![k](Ohjeet/k.png).",
        "E/index.html": "<p>list</p>",
    }
    second: dict[str, str | bytes] = {
        f"E/Ohjeet {A}/VPN {B}.md": "# VPN\n\nLast edited time: March 2, 2026 10:10 AM\nOwner: Aino\n\n"
        "- [x]  one\n- [ ]  \n",
        f"E/{decomposed} {C}.md": "Texte sans titre, à lire",
        f"E/Empty {D}.md": "# Empty\n",
        "__MACOSX/E/x.md": "# no",
    }
    found = documents(export(tmp_path, first, second), timezone="Europe/Helsinki")
    assert sorted(found) == [A, B, C]
    assert (found[A].title, found[A].body) == ("Ohjeet: kaikki / kaikille?", "Katso VPN ja k.")
    assert found[A].attachments == ("k.png",)
    assert found[A].url == f"https://www.notion.so/{A}"
    assert found[B].body == "- Last edited time: March 2, 2026 10:10 AM\n- Owner: Aino\n\n- [x] one"
    assert (found[B].updated_at, found[B].group) == (datetime(2026, 3, 2, 8, 10), "Ohjeet")
    assert (found[C].title, found[C].body) == ("Congés é", "Texte sans titre, à lire")


def test_a_table_whose_rows_are_pages_is_left_out_and_another_is_read_with_all_rows(tmp_path: Path) -> None:
    found = documents(
        export(
            tmp_path,
            {
                f"Tools {A}.csv": "Name,Use\nx,y\n",
                f"Tools {A}_all.csv": '\ufeffName,Use\nDrill,"home, office"\nSaw,a|b\n',
                f"People {B}.csv": "Name\nAino\n",
                f"People {B}_all.csv": "Name\nAino\n",
                f"People {B}/Aino {C}.md": "# Aino\n\nRole: agent\n",
            },
        )
    )
    assert {key: record.body for key, record in found.items()} == {
        A: "| Name | Use |\n| --- | --- |\n| Drill | home, office |\n| Saw | a\\|b |",
        C: "- Role: agent",
    }
    assert found[A].title == "Tools"


def test_a_folder_and_an_unpacked_part_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / f"A {A}.md").write_text("# A\n\none", encoding="utf-8")
    (tmp_path / "folder" / "part.zip").write_bytes(packed({f"B {B}.md": "# B\n\ntwo"}))
    assert sorted(documents(tmp_path / "folder")) == [A, B]
    assert sorted(documents(tmp_path / "folder" / "part.zip")) == [B]
    assert sorted(documents(tmp_path / "folder" / f"A {A}.md")) == [A]


def test_a_page_of_markdown_keeps_its_code_quotes_and_links_to_elsewhere() -> None:
    page = from_markdown_page(
        "# T\n\n<aside>\n💡 Mind the gap\n</aside>\n\n[web](https://x.example/a) and [file](T/plan%20(2).pdf)\n\n"
        "```python\n[a](b.md)\n- [ ]  x\n```\n\n[^1]: not a property\n"
    )
    assert page.body == (
        "> 💡 Mind the gap\n\n[web](https://x.example/a) and file\n\n```python\n[a](b.md)\n- [ ]  x\n```\n\n"
        "[^1]: not a property"
    )
    assert page.files == ("plan (2).pdf",)
    assert from_markdown_page("# T\nNote: this is text\n\nmore").properties == ()


def test_a_page_of_html_has_its_title_properties_and_id(tmp_path: Path) -> None:
    html = (
        f'<html><head><title>x</title></head><body><article id="{A[:8]}-{A[8:12]}-{A[12:16]}-{A[16:20]}-{A[20:]}">'
        '<header><h1 class="page-title">Drill</h1><table class="properties"><tbody>'
        "<tr><th>Tags</th><td><span class='selected-value'>home</span>"
        "<span class='selected-value'>work</span></td></tr>"
        "<tr><th>Sold</th><td><div class='checkbox checkbox-on'></div></td></tr>"
        "<tr><th>Bought</th><td><time>@March 2, 2026</time></td></tr>"
        "<tr><th>Empty</th><td></td></tr></tbody></table></header>"
        '<div class="page-body"><figure class="block-color callout"><div>💡</div><div>Mind it</div></figure>'
        "<ul class='to-do-list'><li><div class='checkbox checkbox-off'></div><span>one</span></li></ul>"
        f"<details open=''><summary>More</summary><p>inside</p></details><a href='x%20{B}.html'>page</a>"
        "<img src='Drill/i.png'/> <a href='https://x.example'>web</a></div></article></body></html>"
    )
    page = from_html_page(html)
    assert (page.title, page.id, page.files) == ("Drill", A, ("i.png",))
    assert page.body == (
        "- Tags: home, work\n- Sold: yes\n- Bought: March 2, 2026\n\n> 💡\n>\n> Mind it\n\n- [ ] one\n\n"
        "More\n\ninside\n\npagei.png [web](https://x.example)"
    )
    (tmp_path / "drill.html").write_text(html, encoding="utf-8")
    assert list(documents(tmp_path)) == [A]


def test_names_that_lead_out_of_the_archive_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    place = export(tmp_path, {f"A {A}.md": "# A\n\none", "../../evil.md": "# evil", "/etc/passwd.md": "# evil"})
    located = read(place)
    assert [each.record.id for each in located if isinstance(each.record, DocumentRecord)] == [A]
    problems = [each.problem for each in located if each.record is None]
    assert problems == [
        "the file '../../evil.md' leads out of the archive, and was not read",
        "the file '/etc/passwd.md' leads out of the archive, and was not read",
    ]
    assert not (tmp_path.parent / "evil.md").exists()


def test_a_bomb_a_cut_archive_and_what_is_no_export_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(packed({"part.zip": packed({f"A {A}.md": b"\0" * 100_000_000})}))
    with pytest.raises(SourceError, match="would unpack to far more than it is"):
        read(bomb)
    cut = export(tmp_path, {f"A {A}.md": "# A\n\none"}).read_bytes()[:-40]
    (tmp_path / "cut.zip").write_bytes(cut)
    with pytest.raises(SourceError, match="cut short or damaged"):
        read(tmp_path / "cut.zip")
    (tmp_path / "other.zip").write_bytes(packed({"a.txt": "x"}))
    with pytest.raises(SourceError, match="has no pages of Notion"):
        read(tmp_path / "other.zip")
    with pytest.raises(SourceError, match="is missing"):
        read(tmp_path / "missing.zip")


def test_a_page_that_is_no_text_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    located = read(export(tmp_path, {f"A {A}.md": b"\xff\xfe\x00", f"B {B}.md": "# B\n\ntwo"}))
    assert [each.record is not None for each in located] == [False, True]
    assert located[0].complaint(located[0].problem) == f"A {A}.md:1: it is not UTF-8. Export it again"
