"""Real mails, most of them broken in some way: all are read, and those in the table have what their readers see."""

from datetime import datetime

from indexer.sources.mail import open_source
from indexer.sources.mail.options import MailOptions
from indexer.sources.records import PersonRecord, RequestRecord
from recommender.errors import SourceError
from tests.fixture_files import FIXTURES, expectations, folded_hash, needs_fixtures

FOLDERS = ("mail", "otobo", "rt_mail", "made_here")


def _request(file: str) -> RequestRecord | None:
    records = [found.record for found in open_source("mail", MailOptions(place=str(FIXTURES / file))).read()]
    assert all(isinstance(record, PersonRecord | RequestRecord) for record in records)
    requests = [record for record in records if isinstance(record, RequestRecord)]
    return requests[0] if requests else None


@needs_fixtures
def test_every_real_file_is_read_or_refused_in_a_sentence() -> None:
    read = 0
    for folder in FOLDERS:
        for path in sorted((FIXTURES / folder).rglob("*")):
            if not path.is_file():
                continue
            try:
                found = list(open_source("mail", MailOptions(place=str(path))).read())
            except SourceError as error:
                assert "Export the mailbox" in str(error) or "Save it" in str(error), path
                assert path.suffix not in (".eml", ".mbox", ".box"), path
            else:
                read += bool(found)
    assert read >= 90


@needs_fixtures
def test_real_mails_have_the_text_author_and_time_that_a_reader_sees() -> None:
    wrong = []
    for line in expectations("mail"):
        request = _request(line["file"])
        if request is None or line.get("automatic"):
            if bool(line.get("automatic")) != (request is None):
                wrong.append((line["file"], "automatic"))
            continue
        seen = {
            "id": request.id,
            "title": folded_hash(request.title),
            "author": request.asked_by,
            "created_at": request.created_at,
            "question": folded_hash(request.body),
        }
        for name, value in line.items():
            value = datetime.fromisoformat(value) if name == "created_at" else value
            if name != "file" and seen[name] != value:
                wrong.append((line["file"], name))
    koi8_in_capitals = ("rt_mail/bestpractical__rt/emails__russian-subject-no-content-type", "question")
    assert set(wrong) <= {koi8_in_capitals}  # four letters, of which nothing says in which character set they are
