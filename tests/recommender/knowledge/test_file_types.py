"""knowledge/file_types.py: a file is what is in it, and its name says so."""

import pytest

from recommender.knowledge.file_types import MEDIA_TYPES, clean_name, kind_of, words_of
from recommender.settings import ATTACHMENT_TYPES, Settings
from tests.files import archive, office, pdf, png

ALL = frozenset(ATTACHMENT_TYPES)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(), "png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "jpg"),
        (b"\xff\xd8\xff\xe1\x00\x18Exif\x00\x00II", "jpg"),
        (b"GIF89a\x01\x00\x01\x00", "gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
        (pdf("x"), "pdf"),
        (office("word/document.xml"), "docx"),
        (office("xl/workbook.xml"), "xlsx"),
        (office("ppt/presentation.xml"), "pptx"),
        (archive(mimetype="application/vnd.oasis.opendocument.text", content__xml="<x/>"), "odt"),
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "ods"),
        (archive(a="b"), "zip"),
        ("Vika: työpöytä ei aukea\n12:00 retry\n".encode(), "txt"),
        ("Vika: työpöytä\n".encode("utf-16"), "txt"),
        (b"BM is the beginning of this line", "txt"),
        (b"<html><script>alert(1)</script></html>", "txt"),  # sent as plain text only
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "txt"),
        (office("word/document.xml", "word/vbaProject.bin"), None),
        (b"PK\x03\x04 is no zip file", None),
        (b"MZ\x90\x00" + b"\0" * 60, None),
        (b"\x7fELF\x02\x01\x01\x00" + b"\0" * 60, None),
        (b"\0\1\2\3", None),
        (b"   ", None),
    ],
)
def test_the_content_says_which_type_a_file_is(content: bytes, kind: str | None) -> None:
    assert kind_of(content, ALL) == kind


def test_only_allowed_types_are_found() -> None:
    assert kind_of(png(), {"pdf"}) is None
    assert kind_of(archive(a="b"), Settings().allowed_types) is None  # zip files must be allowed first
    assert kind_of(b"words", {"png"}) is None


def test_every_type_has_a_media_type_that_no_browser_runs() -> None:
    assert MEDIA_TYPES.keys() == ALL
    assert not {"text/html", "image/svg+xml", "application/xml"} & set(MEDIA_TYPES.values())


@pytest.mark.parametrize(
    ("sent", "kind", "shown"),
    [
        ("Kuvakaappaus 1.png", "png", "Kuvakaappaus 1.png"),
        ("photo.JPEG", "jpg", "photo.JPEG"),
        ("error.log", "txt", "error.log"),
        ("page.html", "txt", "page.html.txt"),
        ("invoice.exe", "pdf", "invoice.exe.pdf"),
        ("../../etc/passwd", "txt", "passwd.txt"),
        ("C:\\Users\\aino\\scan.pdf", "pdf", "scan.pdf"),
        ("harmless\u202egnp.exe", "png", "harmlessgnp.exe.png"),  # it would be shown as harmlessexe.png
        ("a\r\nSet-Cookie: x.png", "png", "a Set-Cookie: x.png"),
        ("\0\x07\u200b.png", "png", "file.png"),
        ("", "pdf", "file.pdf"),
        (".pdf", "pdf", "file.pdf"),
        ("työpöytä.txt".encode().decode(), "txt", "työpöytä.txt"),
        ("x" * 400 + ".png", "png", "x" * 146 + ".png"),
    ],
)
def test_a_name_is_shown_without_paths_and_tricks(sent: str, kind: str, shown: str) -> None:
    name = clean_name(sent, kind)
    assert name == shown
    assert len(name) <= 150


def test_search_reads_the_words_of_a_name() -> None:
    assert words_of("vpn_virhe-809.png") == "vpn virhe 809 (vpn_virhe-809.png)"
    assert words_of("tulostin.png") == "tulostin (tulostin.png)"
    assert words_of("___.png") == "___.png"
