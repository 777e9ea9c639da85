"""sources/office: the texts of Word, PowerPoint, Excel and PDF files, and files that were made to do harm."""

import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from indexer.sources.office.reader import OfficeReader
from recommender.errors import SourceError
from tests.indexer.sources.office.office_files import item, paragraph, pdf, run, sheet, slides, table, word

TEXT_BOX = (
    '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic><a:graphicData><wps:wsp>'
    "<wps:txbx><w:txbxContent>{0}</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:inline>"
    "</w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent>{0}</w:txbxContent></v:textbox>"
    "</v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)
MAKE_HUGE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture(scope="module")
def office() -> Iterator[OfficeReader]:
    """Reads files."""
    with OfficeReader() as reader:
        yield reader


def test_a_word_file_keeps_headings_lists_tables_and_what_stands_beside_the_text(
    office: OfficeReader, tmp_path: Path
) -> None:
    path = word(
        tmp_path / "a.docx",
        paragraph("VPN-ohje", "Otsikko1"),
        paragraph(run("Lue ") + f'<w:hyperlink r:id="rId9">{run("ohje")}</w:hyperlink>'
                  + '<w:r><w:footnoteReference w:id="2"/></w:r>'),
        paragraph("Asennus", "Otsikko2"), item("Avaa"), item("Alakohta", level=1), item("Ensin", 2), item("Sitten", 2),
        paragraph("Meidän kohta", "Oma"),
        paragraph('<w:del w:id="1" w:author="x"><w:r><w:delText>poistettu</w:delText></w:r></w:del>' + run("jäi")),
        table(("Maa", "Hinta"), ("Viro", "60|5")),
        paragraph(TEXT_BOX.format(paragraph("Laatikossa"))),
        f"<w:sdt><w:sdtContent>{paragraph('Kentässä')}</w:sdtContent></w:sdt>",
        paragraph("ta\u00adkuu tieto\u2011turva"),
    )  # fmt: skip
    assert office.text(path)["text"] == (
        "# VPN-ohje\n\nLue [ohje](https://intra.example/vpn)[1]\n\n## Asennus\n\n- Avaa\n  - Alakohta\n\n1. Ensin\n"
        "2. Sitten\n\n## Meidän kohta\n\njäi\n\n| Maa | Hinta |\n| --- | --- |\n| Viro | 60\\|5 |\n\nLaatikossa\n\n"
        "Kentässä\n\ntakuu tieto-turva\n\n1. Vain toimistolla."
    )


def test_slides_have_titles_lists_tables_and_notes(office: OfficeReader, tmp_path: Path) -> None:
    assert office.text(slides(tmp_path / "a.pptx"))["text"] == (
        "## Kokoustila\n\n- Näyttö\n  - Kaapeli\n\nAvain aulasta.\n\n## Hinnat\n\n| Maa | Hinta |\n| --- | --- |\n"
        "| Viro | 60\\|5 |\n\nRyhmän teksti\n\n|  | Tiketit |\n| --- | --- |\n| 2025 | 17 |\n| 2026 | 4.5 |"
    )


def test_sheets_are_tables(office: OfficeReader, tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "a.xlsx", ("Tunnus", "Luotu", "Tunnit"), (17, datetime(2026, 3, 2, 8, 10), 1.5), Muut=[("a",)]
    )
    assert office.text(path)["text"] == (
        "## Tiketit\n\n| Tunnus | Luotu | Tunnit |\n| --- | --- | --- |\n| 17 | 2026-03-02 08:10:00 | 1.5 |\n\n"
        "## Muut\n\n| a |\n| --- |"
    )


def _pages(count: int) -> list[list[tuple[float, float, str]]]:
    body = "Yhteys katkeaa joskus kesken kaiken, ja silloin laite pitää käynnistää uudes-"
    return [
        [(780, 9, "Yritys Oy - ohje 12"), (740, 20, f"Luku {number}"), (700, 11, body),
         (685, 11, "taan, ja odottaa hetki. Sen jälkeen kirjaudutaan sisään samalla tunnuksella kuin linja-"),
         (670, 11, "auto tuo. Pro\x01ili ja ta\x01 pysyvät."), (640, 11, f"• ensimmäinen {number}"),
         (625, 11, f"• toinen, {'x' * number}"),
         (30, 9, f"Sivu {number} / {count}")]
        for number in range(1, count + 1)
    ]  # fmt: skip


def test_a_pdf_file_has_headings_and_whole_words_and_no_headers_and_footers(
    office: OfficeReader, tmp_path: Path
) -> None:
    text = office.text(pdf(tmp_path / "a.pdf", *_pages(3)))["text"]
    assert text.startswith(
        "# Luku 1\n\nYhteys katkeaa joskus kesken kaiken, ja silloin laite pitää käynnistää uudestaan, ja odottaa "
        "hetki. Sen jälkeen kirjaudutaan sisään samalla tunnuksella kuin linja-auto tuo. Profiili ja tafi pysyvät.\n\n"
        "- ensimmäinen 1\n- toinen, x\n\n# Luku 2\n\n"
    )
    assert "Sivu" not in text and "Yritys" not in text


def test_a_pdf_file_without_text_and_one_with_a_password_are_told(office: OfficeReader, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"scan.pdf has no text: its pages may be pictures. Have their text recognised"
    ):
        office.text(pdf(tmp_path / "scan.pdf", []))
    writer = PdfWriter(clone_from=PdfReader(pdf(tmp_path / "a.pdf", *_pages(1))))
    writer.encrypt("salasana", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(SourceError, match=r"locked.pdf has a password. Save it without one"):
        office.text(tmp_path / "locked.pdf")


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx", "a.xlsx", "a.xls"])
@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 and no more", b"%PDF-1.7 and no more"])
def test_a_damaged_file_is_told(office: OfficeReader, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=rf"{name} (is damaged|is cut short or damaged|has no text)"):
        office.text(tmp_path / name)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_that_is_cut_short_is_told(office: OfficeReader, tmp_path: Path, kept: float) -> None:
    whole = word(tmp_path / "a.docx", paragraph("teksti")).read_bytes()
    (tmp_path / "cut.docx").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(SourceError, match=r"cut.docx is cut short or damaged. Fetch the file again"):
        office.text(tmp_path / "cut.docx")


def test_a_bomb_and_declared_entities_are_refused(office: OfficeReader, tmp_path: Path) -> None:
    bomb = word(tmp_path / "bomb.docx", paragraph("x"))
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/media/image1.bin", b"\0" * 200_000_000)
    with pytest.raises(SourceError, match=r"bomb.docx would unpack to far more than it is"):
        office.text(bomb)
    with pytest.raises(SourceError, match=r"xml.docx declares entities"):
        office.text(word(tmp_path / "xml.docx", paragraph("x"), settings=f"{MAKE_HUGE}<w:settings>&b;</w:settings>"))


def test_an_old_file_and_an_encrypted_one_are_told(office: OfficeReader, tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    (tmp_path / "old.docx").write_bytes(ole)
    with pytest.raises(SourceError, match=r"old.docx is in the format of an old program"):
        office.text(tmp_path / "old.docx")
    for name in ("locked.docx", "locked.xlsx"):
        (tmp_path / name).write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
        with pytest.raises(SourceError, match=rf"{name} has a password. Save it without one"):
            office.text(tmp_path / name)


def test_two_cells_at_the_ends_of_a_sheet_do_not_take_all_memory(office: OfficeReader, tmp_path: Path) -> None:
    path = sheet(tmp_path / "wide.xlsx", ("a", "b"))
    far = tmp_path / "far.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(far, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("sheet1.xml"):
                row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", row)
            made.writestr(name, content)
    with pytest.raises(SourceError, match=r"far.xlsx was not read: it needed too much memory"):
        office.text(far)
    assert office.text(path)["text"].startswith("## Tiketit")  # by a new process


def test_a_file_that_takes_too_long_is_told_and_the_next_one_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.pdf")  # nobody writes to it
    with OfficeReader(seconds=3) as office:
        with pytest.raises(SourceError, match=r"endless.pdf was not read: it took more than 3 seconds"):
            office.text(tmp_path / "endless.pdf")
        assert office.text(word(tmp_path / "a.docx", paragraph("teksti")))["text"] == "teksti"
