"""Mails are found in all kinds of files and folders, and what is broken is told."""

import gzip
import os
import shutil
import tracemalloc
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from indexer.sources.mail import open_source
from indexer.sources.mail.files import MailFiles
from indexer.sources.mail.options import MailOptions
from indexer.sources.records import RequestRecord
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence
from tests.indexer.sources.mail.mails import AINO, DAY, NOW, mail, mbox, of, people, read, requests


def test_from_in_a_text_is_no_separator(tmp_path: Path) -> None:
    texts = [
        "Hei,\n\nFrom Helsinki kone toimii.\n\nFrom 2.3.2026 10:00 alkaen ei.",
        "Loki:\n\nFrom root Mon Mar  2 08:00:00 2026\nei otsakkeita täällä",
        "Lainattu:\n\n>From Helsinki, >From here",
    ]
    found = of(tmp_path, *(mail(number, text, subject=f"A{number}") for number, text in enumerate(texts)))
    assert [request.body for request in found] == [*texts[:2], texts[2].replace("\n>From H", "\nFrom H")]


def test_an_archive_that_hides_addresses_is_read(tmp_path: Path) -> None:
    raw = mail(1, sender="matti at example.fi (Matti Mäki)") + b"\n" + b"\n"
    file = tmp_path / "2026-March.txt"
    file.write_bytes(b"From matti at example.fi  Mon Mar  2 08:00:00 2026\n" + raw)
    [person] = people(read(file))
    assert (person.id, person.name) == ("matti@example.fi", "Matti Mäki")


def test_all_kinds_of_places_are_read(tmp_path: Path) -> None:
    mails = [mail(1), mail(2, "Vaihda akku.", AINO, "Re: Kone", 1)]
    single, folder, maildir = tmp_path / "one.eml", tmp_path / "folder", tmp_path / "maildir"
    single.write_bytes(mails[0].replace(b"\n", b"\r\n"))
    (folder / "deep").mkdir(parents=True)
    (folder / "a.eml").write_bytes(mails[0])
    (folder / "deep" / "b").write_bytes(mails[1])
    (folder / "notes.txt").write_text("From here on: nothing.\n")
    (folder / "tmp").mkdir()
    (folder / "tmp" / "c.eml").write_bytes(mail(9))
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    (maildir / "cur" / "1.host:2,S").write_bytes(mails[0])
    (maildir / "cur" / "3.host:2,ST").write_bytes(mail(3, subject="Poistettu"))
    (maildir / "new" / "2.host").write_bytes(mails[1])
    (tmp_path / "box.mbox.gz").write_bytes(gzip.compress(mbox(mails)))
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as packed:
        packed.writestr("lista.mbox", mbox(mails))
        packed.writestr("__MACOSX/._lista.mbox", b"x")
    with zipfile.ZipFile(tmp_path / "mails.zip", "w") as packed:
        packed.writestr("a/1.eml", mails[0])
        packed.writestr("a/2.eml", mails[1])
    assert [request.body for request in requests(single)] == ["Kone ei käynnisty."]
    for place in (folder, maildir, tmp_path / "box.mbox.gz", tmp_path / "box.zip", tmp_path / "mails.zip"):
        [request] = requests(place)
        assert [reply.body for reply in request.replies] == ["Vaihda akku."], place
    assert requests(tmp_path / "box.zip")[0].group == "lista"


def test_the_months_of_an_archive_are_one_group(tmp_path: Path) -> None:
    folder = tmp_path / "tuki-lista"
    folder.mkdir()
    (folder / "2026-March.txt.gz").write_bytes(gzip.compress(mbox([mail(1)])))
    (folder / "2026-April.txt").write_bytes(mbox([mail(2, subject="Muu")]))
    assert {request.group for request in requests(folder)} == {"tuki-lista"}
    assert requests(folder / "2026-April.txt")[0].group == "tuki-lista"


def test_a_mail_with_html_only_is_markdown_without_its_quote(tmp_path: Path) -> None:
    html = (
        '<div>Vaihda <b>akku</b>:<ul><li>avaa kansi</li></ul></div><div class="gmail_quote">ma 2. maaliskuuta 2026 klo '
        "8.10 Matti &lt;matti@example.fi&gt; kirjoitti:<br><blockquote>Kone ei k&auml;ynnisty.</blockquote></div>"
    )
    [request] = of(tmp_path, mail(1), mail(2, html, AINO, "Re: Kone", 1, Content_Type="text/html; charset=utf-8"))
    assert request.replies[0].body == "Vaihda akku:\n\n- avaa kansi"


def _multipart(*parts: str, kind: str = "mixed") -> dict[str, str]:
    text = "".join(f"--rajaus\n{part}\n" for part in parts) + "--rajaus--"
    return {"text": text, "Content_Type": f'multipart/{kind}; boundary="rajaus"'}


def test_attachments_are_named_and_outlook_files_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    attached = (
        'Content-Type: application/pdf; name="x"\nContent-Disposition: attachment; filename="=?utf-8?q?ty=C3=B6.pdf?="'
    )
    outlook = 'Content-Type: application/ms-tnef; name="winmail.dat"\n\nxxxx'
    file.write_bytes(mail(1, **_multipart("Content-Type: text/plain\n\nKatso liite.", f"{attached}\n\nx", outlook)))
    [found] = [each for each in read(file) if isinstance(each.record, RequestRecord)]
    assert isinstance(found.record, RequestRecord)
    assert (found.record.body, found.record.attachments) == ("Katso liite.", ("työ.pdf",))
    assert found.changes == (("attachments in Outlook's own form (winmail.dat) were not read", ""),)


def test_an_empty_text_beside_html_gives_way_to_it(tmp_path: Path) -> None:
    html = "Content-Type: text/html\n\n<p>Kone ei käynnisty, vaikka painan virtapainiketta pitkään ja odotan.</p>"
    parts = _multipart("Content-Type: text/plain\n\n \n", html, kind="alternative")
    assert of(tmp_path, mail(1, **parts))[0].body.startswith("Kone ei käynnisty, vaikka")


@pytest.mark.parametrize(
    ("charset", "data"),
    [
        ("charset=utf-8", "Näyttö".encode("latin-1")),
        ("charset=iso-8859-1", "Näyttö".encode()),
        ("charset=us-ascii", "Näyttö".encode("cp1252")),
        ("charset=x-unknown", "Näyttö".encode("cp1252")),
        ('charset="utf8mb4"', "Näyttö".encode()),
        ("", "Näyttö".encode()),
        ("charset=utf-7", "Näyttö".encode("utf-7")),
        ("charset=utf-16", "Näyttö".encode("utf-16")),
    ],
)
def test_character_sets_that_lie_are_seen_through(tmp_path: Path, charset: str, data: bytes) -> None:
    raw = mail(1, "TEKSTI", Content_Type=f"text/plain; {charset}").replace(b"TEKSTI\n", data)
    (tmp_path / "a.eml").write_bytes(raw)
    assert requests(tmp_path / "a.eml")[0].body == "Näyttö"


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?N=C3=A4ytt=C3=B6_mustana?=",
        "=?utf-8?b?TsOkeXR0w7YgbXVzdGFuYQ?=",
        "=?utf-8?q?N=C3?= =?utf-8?q?=A4ytt=C3=B6?= =?utf-8?q?_mustana?=",
        "=?utf-8?q?N=C3=A4ytt=C3=B6 mustana?=",
        "=?x-unknown?q?N=E4ytt=F6?= mustana",
        "Näyttö mustana",
    ],
)
def test_subjects_with_broken_encoded_words_are_decoded(tmp_path: Path, subject: str) -> None:
    assert of(tmp_path, mail(1, subject=subject))[0].title == "Näyttö mustana"


@pytest.mark.parametrize("date", ["", "Mon, 2 Mar 2099 08:00:00 +0000", "eilen", "Wed, 15 Dec 2010    59:10 -0500"])
def test_a_date_that_cannot_be_is_taken_from_when_the_mail_was_received(tmp_path: Path, date: str) -> None:
    received = "from a by b; Tue, 3 Mar 2026 10:00:00 +0200"
    file = tmp_path / "a.eml"
    file.write_bytes(mail(1, Date=date, Received=received))
    found = read(file)[-1]
    assert isinstance(found.record, RequestRecord)
    assert found.record.created_at == datetime(2026, 3, 3, 8)
    assert "date of a mail" in found.changes[0][0]
    file.write_bytes(mail(1, Date=date))
    os.utime(file, (DAY.timestamp(), DAY.timestamp()))
    assert requests(file)[0].created_at <= NOW
    (tmp_path / "b.mbox").write_bytes(mbox([mail(1, Date=date)]))
    assert requests(tmp_path / "b.mbox")[0].created_at == DAY


def test_a_line_of_200_mb_is_read_without_holding_it(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    with file.open("wb") as opened:
        opened.write(mbox([mail(1, "Ensimmäinen", subject="A")]))
        opened.write(b"From x@example.fi Mon Mar  2 08:00:00 2026\n" + mail(2, "Alku\n", subject="B"))
        for _ in range(200):
            opened.write(b"x" * 1_000_000)
        opened.write(b"\n\n" + mbox([mail(3, "Viimeinen", subject="C")]))
    tracemalloc.start()
    found = read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    records = [each.record for each in found if isinstance(each.record, RequestRecord)]
    assert [record.title for record in records] == ["A", "B", "C"]
    assert records[1].body.startswith("Alku")
    assert ("a mail is longer than 25 MB; only its beginning was read", "") in [
        c for each in found for c in each.changes
    ]
    assert peak < 600_000_000


def test_the_end_of_a_very_long_text_is_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(mail(1, "Katso loki:\n" + "rivi lokia\n" * 40_000))
    [found] = [each for each in read(file) if isinstance(each.record, RequestRecord)]
    assert isinstance(found.record, RequestRecord)
    assert 190_000 < len(found.record.body) <= 200_000 and "longer than 200,000" in found.changes[0][0]


def test_a_packed_file_that_is_cut_short_is_read_to_there_and_told(tmp_path: Path) -> None:
    whole = gzip.compress(mbox(mail(n, os.urandom(3000).hex(), subject=f"A{n}") for n in range(50)))
    file = tmp_path / "box.mbox.gz"
    file.write_bytes(whole[: len(whole) // 2])
    records = []
    with pytest.raises(SourceError, match=r"box\.mbox\.gz is cut short .* Fetch the file again") as refused:
        for found in MailFiles("mail", MailOptions(place=str(file)), NOW).records():
            records.append(found.record)
    assert sum(isinstance(record, RequestRecord) for record in records) >= 20
    assert isinstance(str(refused.value), Sentence)


def test_a_mailbox_that_is_cut_short_keeps_what_it_has(tmp_path: Path) -> None:
    raw = mbox([mail(1), mail(2, "Toinen", subject="Muu", **{"Content_Type": "multipart/mixed; boundary=x"})])
    file = tmp_path / "box.mbox"
    for end in range(0, len(raw), 7):
        file.write_bytes(raw[:end])
        try:
            assert len(requests(file)) <= 2
        except SourceError as error:
            assert "neither an mbox file nor a mail" in str(error)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("box.mbox", mbox([mail(1)]) + b"0" * 300_000_000)
    with pytest.raises(SourceError, match="would unpack to far more"):
        requests(tmp_path / "bomb.zip")


def test_a_folder_goes_on_after_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04nothing")
    (tmp_path / "b.eml").write_bytes(mail(1))
    (tmp_path / "c.msg").write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    found = read(tmp_path)
    assert [each.complaint(each.problem) for each in found if each.record is None] == [
        "a.zip:1: a.zip is cut short or damaged. Fetch the file again, then import it again.",
        "c.msg:1: .msg is Outlook's own form. Save it as .eml or mbox",
    ]
    assert any(isinstance(each.record, RequestRecord) for each in found)


@pytest.mark.parametrize("place", ["missing.mbox", "text.txt", "empty"])
def test_a_place_without_mail_is_refused_with_a_remedy(tmp_path: Path, place: str) -> None:
    (tmp_path / "text.txt").write_text("Dear diary,\n")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(SourceError, match=r"Check the path|Export the mailbox"):
        requests(tmp_path / place)


def test_the_same_mails_give_the_same_records_twice(tmp_path: Path) -> None:
    source = tmp_path / "box.mbox"
    source.write_bytes(
        mbox([mail(1), mail(2, "Vaihda akku.", AINO, "Re: Kone", 1), mail(3, subject="", Message_ID="")])
    )
    assert requests(source) == requests(source)
    moved = shutil.copy(source, tmp_path / "other.mbox")
    assert [request.id for request in requests(source)] == [request.id for request in requests(Path(moved))]
    opened = open_source("mail", MailOptions(place=str(source)))
    assert opened.abilities.lists_all and opened.abilities.people
    assert timedelta(0) < NOW - DAY
