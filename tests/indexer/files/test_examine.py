"""indexer/files: the check of an admin, the text of files, and that search finds it."""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.files import pdf as pdf_texts
from indexer.files import pdf_reader
from indexer.files.examine import examine, examining
from indexer.files.pdf import text_of
from indexer.files.scan import scan
from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from recommender.access import reader_of
from recommender.corpus import load_items
from recommender.database.attachment_tables import FAILED, NOT_CHECKED, PASSED, REFUSED, Attachment
from recommender.database.fingerprint import fingerprint
from recommender.database.tables import HelpRequest, Person
from recommender.datatypes import AttachedText, Role
from recommender.files import folder
from recommender.files.places import store_of
from recommender.index.digest import item_digest
from recommender.knowledge import attachments
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.files import pdf, png
from tests.timing import LONG
from tests.web.conftest import make_item

Add = Callable[..., int]
Attach = Callable[..., Attachment]


def _python(code: str) -> str:
    """A command that runs this code with the path of the file in `sys.argv[1]`."""
    return shlex.join([sys.executable, "-c", f"import sys, time, os\n{code}"])


@pytest.fixture
def attach(settings: Settings, sessions: sessionmaker[Session], add_person: Add, add_request: Add) -> Attach:
    """Attaches a file to a resolved request that everyone may read, number 1."""
    add_request("Network is slow", "since today", "restart it", audience=["everyone"])
    uploader = add_person("aino", "agent", "it")

    def attached(name: str, content: bytes) -> Attachment:
        with sessions() as session:
            rows = attachments.upload(session, settings, session.get_one(Person, uploader), [(name, content)])
            attachments.attach(session, settings, rows, session.get_one(HelpRequest, 1))
            session.commit()
            return rows[0]

    return attached


def _state(sessions: sessionmaker[Session], number: int) -> tuple[str, str | None]:
    with sessions() as session:
        row = session.get_one(Attachment, number)
        return row.state, row.text


def test_the_check_says_passed_refused_or_failed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"EICAR")
    looks_inside = _python("sys.exit('EICAR' in open(sys.argv[1]).read())")
    assert scan(looks_inside, file, 20) == REFUSED
    file.write_bytes(b"harmless")
    assert scan(looks_inside, file, 20) == PASSED
    assert scan(_python("sys.exit(2)"), file, 20) == FAILED
    assert scan("/no/such/command", file, 20) == FAILED
    assert scan('unfinished "quote', file, 20) == FAILED


def test_a_check_that_takes_too_long_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        f"import subprocess\nsubprocess.Popen(['sleep', '300'])\nopen({str(started)!r}, 'w').write(str(os.getpgid(0)))"
    )
    begun = time.monotonic()
    assert scan(_python(f"{code}\ntime.sleep(300)"), tmp_path / "file", 3) == FAILED
    assert time.monotonic() - begun < LONG
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        try:
            os.killpg(int(started.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    states = subprocess.run(["ps", "-eo", "pgid,stat"], capture_output=True, text=True, check=True).stdout
    left = [line for line in states.splitlines() if line.split()[0] == started.read_text()]
    assert all("Z" in line for line in left), left  # ended, and only not yet collected by the system


def test_a_file_is_checked_before_it_can_be_found_and_a_refused_one_is_removed(
    settings: Settings, sessions: sessionmaker[Session], attach: Attach
) -> None:
    bad, good = attach("bad.txt", b"EICAR zebra"), attach("good.txt", b"okapi")
    checked = replace(settings, attachment_scan=_python("sys.exit('EICAR' in open(sys.argv[1]).read())"))
    with sessions() as session:
        before = fingerprint(session)
        assert load_items(session, ["request:1"])["request:1"].attached == ()
    assert examine(checked, sessions) == 3
    assert _state(sessions, bad.id) == (REFUSED, None)
    assert _state(sessions, good.id) == (PASSED, "okapi")
    assert [path.name for path in folder.files(settings.attachments_dir)] == [good.digest]
    with sessions() as session:
        assert [file.name for file in load_items(session, ["request:1"])["request:1"].attached] == ["good.txt"]
        assert fingerprint(session) != before  # so that `watch` indexes it
    assert examine(checked, sessions) == 0


def test_a_check_that_fails_is_made_again_and_nothing_is_readable_until_then(
    settings: Settings, sessions: sessionmaker[Session], attach: Attach
) -> None:
    row = attach("a.txt", b"okapi")
    broken = replace(settings, attachment_scan=_python("sys.exit(2)"))
    assert examine(broken, sessions) == 1
    assert _state(sessions, row.id) == (FAILED, None)
    mended = replace(settings, attachment_scan=_python("sys.exit(0)"))
    assert examine(mended, sessions) == 0
    assert examine(mended, sessions, again=True) == 2
    assert _state(sessions, row.id) == (PASSED, "okapi")


def test_a_file_that_came_before_the_check_was_set_is_checked_too_and_no_longer_found(
    settings: Settings, sessions: sessionmaker[Session], attach: Attach
) -> None:
    row = attach("a.txt", b"okapi")
    examine(settings, sessions)
    assert _state(sessions, row.id) == (NOT_CHECKED, "okapi")
    examine(replace(settings, attachment_scan=_python("sys.exit(1)")), sessions)
    with sessions() as session:
        assert load_items(session, ["request:1"])["request:1"].attached == ()


def test_the_text_of_a_pdf_is_read_page_by_page(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(pdf("Okapi manual", "Turn the zebra knob"))
    assert text_of(file).split("\n\n")[:2] == ["Okapi manual", "Turn the zebra knob"]


@pytest.mark.parametrize("content", [b"%PDF-1.4\nnothing", b"", pdf("x")[:200]])
def test_a_broken_pdf_has_no_text_and_harms_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert text_of(file) == ""


def test_a_pdf_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(pdf("x"))
    monkeypatch.setattr(pdf_texts, "_SECONDS", 0.01)
    assert text_of(file) == ""


@pytest.mark.parametrize(
    ("work", "limit"),
    [("bytearray(3_000_000_000)", "MemoryError"), ("os.write(os.open('written', os.O_CREAT | os.O_WRONLY), b'x')", "")],
)
def test_the_process_that_reads_a_pdf_can_neither_fill_the_memory_nor_write(
    tmp_path: Path, work: str, limit: str
) -> None:
    code = f"import os\nfrom {pdf_reader.__name__} import _limit\nos.chdir({str(tmp_path)!r})\n_limit()\n{work}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert limit in ran.stderr
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_the_process_that_reads_a_pdf_can_compute_for_a_limited_time() -> None:
    code = f"import {pdf_reader.__name__} as reader\nreader._CPU_SECONDS = 1\nreader._limit()\nwhile True: pass"
    begun = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode < 0
    assert time.monotonic() - begun < 2 * LONG


def test_files_are_part_of_the_item_that_they_are_attached_to(
    settings: Settings, sessions: sessionmaker[Session], attach: Attach, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    reindex(settings, sessions, encoder, analyzer)
    with sessions() as session:
        before = load_items(session, ["request:1"])["request:1"]
    for name, content in (("manual.pdf", pdf("Turn the zebra knob")), ("vpn_virhe.png", png()), ("b.png", png())):
        attach(name, content)
    examine(settings, sessions)
    with sessions() as session:
        item = load_items(session, ["request:1"])["request:1"]
    assert item_digest(item, 256) != item_digest(before, 256)
    assert item_digest(replace(item, attached=()), 256) == item_digest(before, 256)
    passages = make_passages(item, encoder.count_tokens, 256)
    assert [(passage.role, passage.context, passage.text) for passage in passages[2:-1]] == [
        (Role.QUESTION, "Network is slow › manual (manual.pdf)", "Turn the zebra knob"),
        (Role.QUESTION, "Network is slow", "vpn virhe (vpn_virhe.png)\nb (b.png)"),
    ]
    assert passages[-1].role is Role.OPENING
    assert "since today" in passages[-1].text
    report = reindex(settings, sessions, encoder, analyzer)
    assert report.encoded >= 2
    assert report.failed == []


def test_a_long_file_takes_only_the_passages_that_the_request_leaves(encoder: FakeEncoder) -> None:
    item = replace(
        make_item("request:1"),
        body="word " * 100,
        attached=(AttachedText("long.pdf", "file " * 5_000),),
    )
    told: list[str] = []
    passages = make_passages(item, encoder.count_tokens, 64, 10, told.append)
    assert sum("long.pdf" in passage.context for passage in passages) == 10 - sum(
        "long.pdf" not in passage.context for passage in passages[:-1]
    )
    assert [passage.text for passage in passages if passage.role is Role.ANSWER] == ["Use port 443."]
    assert "passages are indexed" in told[0]


def test_files_are_examined_beside_watch(settings: Settings, sessions: sessionmaker[Session], attach: Attach) -> None:
    quick = replace(settings, watch_seconds=0.05)
    row = attach("a.txt", b"okapi")
    store_of(settings).write(b"nobody needs this")
    with examining(quick, sessions):
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline and (
            _state(sessions, row.id)[1] is None or len(list(folder.files(settings.attachments_dir))) > 1
        ):
            time.sleep(0.05)
    for thread in threading.enumerate():
        if thread.name == "files":
            thread.join(timeout=LONG)
    assert _state(sessions, row.id)[1] == "okapi"
    assert len(list(folder.files(settings.attachments_dir))) == 1


def test_the_text_of_a_file_is_found_by_those_who_may_read_its_request_and_by_nobody_else(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_person: Add,
    add_request: Add,
    open_recommender: Callable[[], Recommender],
) -> None:
    for team in ("hr", "it"):
        add_request(f"About {team}", "see the file", "done", team=team, audience=[])
    people = {handle: add_person(handle, "agent", team) for handle, team in (("hanna", "hr"), ("aino", "it"))}
    with sessions() as session:
        person = session.get_one(Person, people["hanna"])
        rows = attachments.upload(session, settings, person, [("a.pdf", pdf("Turn the zebra")), ("okapi.png", png())])
        attachments.attach(session, settings, rows, session.get_one(HelpRequest, 1))
        session.commit()
    examine(settings, sessions)
    recommender = open_recommender()
    with sessions() as session:
        for question in ("zebra", "okapi"):
            found = {
                handle: [
                    suggestion.item.key
                    for suggestion in recommender.recommend(
                        question, reader_of(session.get_one(Person, number)), session
                    ).suggestions
                    if question in suggestion.passage.text.lower() or question in suggestion.passage.context.lower()
                ]
                for handle, number in people.items()
            }
            assert found == {"hanna": ["request:1"], "aino": []}
