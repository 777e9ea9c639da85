"""sources/mediawiki/dump.py: small exports written here; the last revision of each page for people is read."""

import bz2
import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from indexer.sources.mediawiki import OPTIONS, open_source
from indexer.sources.records import DocumentRecord, Located, PersonRecord
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence


def revision(
    text: str, time: str = "2026-03-02T08:00:00Z", author: str = "<username>Aino V</username>", extra: str = ""
) -> str:
    return (
        f"<revision><id>9</id><timestamp>{time}</timestamp><contributor>{author}</contributor><comment>x</comment>{extra}"
        f'<format>text/x-wiki</format><text xml:space="preserve">{text}</text></revision>'
    )


def page(number: int, title: str, *revisions: str, ns: str = "<ns>0</ns>", redirect: str = "") -> str:
    leads = f'<redirect title="{redirect}" />' if redirect else ""
    return f"<page>\n<title>{title}</title>{ns}<id>{number}</id>{leads}{''.join(revisions)}</page>\n"


def export(*pages: str) -> str:
    return (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="fi"><siteinfo>'
        "<base>https://wiki.example/wiki/Etusivu</base><namespaces>"
        '<namespace key="0" /><namespace key="1">Keskustelu</namespace><namespace key="4">Wiki</namespace>'
        '<namespace key="6">Tiedosto</namespace><namespace key="14">Luokka</namespace></namespaces></siteinfo>\n'
        f"{''.join(pages)}</mediawiki>\n"
    )


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "wiki.xml"
    path.write_text(text, encoding="utf-8")
    return path


def read(place: Path, **options: object) -> list[Located]:
    source = open_source("wiki", OPTIONS.model_validate({"place": str(place), **options}))
    return [located for located in source.read() if isinstance(located, Located)]


def documents(place: Path, **options: object) -> dict[str, DocumentRecord]:
    found = [located.record for located in read(place, **options)]
    return {record.id: record for record in found if isinstance(record, DocumentRecord)}


def test_a_page_is_a_document_with_its_last_revision_author_and_address(tmp_path: Path) -> None:
    old = revision("old", "2025-01-01T00:00:00Z", "<username>Somebody</username>")
    place = write(
        tmp_path, export(page(7, "VPN-ohje &amp; muut", revision("== A ==\n[[Luokka:X]]new &lt;b&gt;x&lt;/b&gt;"), old))
    )
    [person] = [located.record for located in read(place) if isinstance(located.record, PersonRecord)]
    [record] = documents(place).values()
    assert (record.id, record.title, record.body) == ("7", "VPN-ohje & muut", "## A\n\nnew x")
    assert (record.updated_at, record.owner, person.name) == (datetime(2026, 3, 2, 8), person.id, "Aino V")
    assert record.url == "https://wiki.example/wiki/VPN-ohje_%26_muut"
    assert record.readers_there is None


def test_talk_deleted_texts_programs_and_redirects_are_left_out(tmp_path: Path) -> None:
    deleted = revision("").replace('<text xml:space="preserve"></text>', '<text deleted="deleted" />')
    text = export(
        page(1, "Page", revision("one")),
        page(2, "Keskustelu:Page", revision("talk"), ns="<ns>1</ns>"),
        page(3, "Wiki:Rules", revision("rules"), ns="<ns>4</ns>"),
        page(4, "Gone", deleted),
        page(5, "Style", revision("a {}", extra="<model>css</model>")),
        page(6, "Old name", revision("#OHJAUS [[page]]")),
        page(8, "Other name", revision("x"), redirect="Page"),
        page(9, "Empty", revision("")),
        page(10, "Anonymous", revision("ten", author="<ip>10.0.0.1</ip>")),
        page(11, "Hidden author", revision("eleven").replace("<contributor>", '<contributor deleted="deleted">')
             .replace("<username>Aino V</username>", "")),
    )  # fmt: skip
    found = documents(write(tmp_path, text))
    assert {key: record.body for key, record in found.items()} == {
        "1": "one\n\n(Old name, Other name)", "3": "rules", "10": "ten", "11": "eleven"
    }  # fmt: skip
    assert (found["3"].group, found["10"].owner, found["11"].owner) == ("Wiki", None, None)
    assert list(documents(write(tmp_path, text), namespaces=[1])) == ["2"]


def test_an_old_export_without_numbers_of_namespaces_is_read(tmp_path: Path) -> None:
    text = export(page(1, "A: b", revision("one"), ns=""), page(2, "Keskustelu:A", revision("talk"), ns=""))
    assert list(documents(write(tmp_path, text))) == ["1"]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_a_compressed_export_is_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(export(page(1, "A", revision("one" * 50_000))).encode())
    (tmp_path / "wiki.xml.gz").write_bytes(packed)
    assert list(documents(tmp_path / "wiki.xml.gz")) == ["1"]
    (tmp_path / "wiki.xml.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(SourceError, match="Fetch or export it again") as refused:
        documents(tmp_path / "wiki.xml.gz")
    said = str(refused.value)
    assert isinstance(said, Sentence) and isinstance(said.values["reason"], Sentence)


def test_the_pages_before_a_cut_are_read_and_the_line_is_named(tmp_path: Path) -> None:
    text = export(page(1, "A", revision("one")), page(2, "B", revision("two")))
    place = write(tmp_path, text[: text.index("two")])
    found: list[Located] = []
    with pytest.raises(SourceError, match=r"not safe XML at line 5 .*Export it again"):
        for located in open_source("wiki", OPTIONS(place=str(place))).read():
            assert isinstance(located, Located)
            found.append(located)
    assert [each.record.id for each in found if isinstance(each.record, DocumentRecord)] == ["1"]


def test_another_xml_file_is_refused_and_not_read_as_an_empty_wiki(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no export of MediaWiki"):
        read(write(tmp_path, "<hibernate-generic><object /></hibernate-generic>"))


def test_a_bad_page_a_bomb_and_a_missing_file_are_told(tmp_path: Path) -> None:
    [located] = read(write(tmp_path, export(page(1, "A", revision("one", time="soon", author="")))))
    assert located.complaint(located.problem) == "wiki.xml:2: page 1: 'soon' is not a time that can be read"
    with pytest.raises(SourceError, match=r"not safe XML .*\(it defines entities of its own\)"):
        read(write(tmp_path, f'<!DOCTYPE x [<!ENTITY a "b">]>{export()}'))
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "missing.xml")
