"""sources/stackexchange.py: small dumps written here are read, loaded, cut short, and refused for unsafe XML."""

# ruff: noqa: E501 - rows of a dump are long lines

import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.loading.report import LoadReport
from indexer.sources import stackexchange
from indexer.sources.records import Located, QuestionRecord
from indexer.sources.stackexchange import StackExchangeSource, clean_text
from recommender import access, audit
from recommender.access import reader_of
from recommender.database.tables import Base, HelpRequest, Person, Reply, RequestLink
from recommender.errors import SourceError
from recommender.knowledge import erasure, requests
from recommender.language.analyzer import Analyzer

POSTS = """<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="10" PostTypeId="2" ParentId="1" CreationDate="2020-01-02T10:00:00.123" Score="4" Body="&lt;p&gt;Restart the &lt;b&gt;spooler&lt;/b&gt;.&lt;/p&gt;" OwnerUserId="7" />
  <row Id="1" PostTypeId="1" AcceptedAnswerId="11" CreationDate="2020-01-01T10:00:00.000" Score="9" Title="Printer is stuck" Body="&lt;p&gt;Nothing comes out.&lt;/p&gt;" OwnerUserId="5" Tags="&lt;printing&gt;&lt;windows&gt;" />
  <row Id="11" PostTypeId="2" ParentId="1" CreationDate="2020-01-03T10:00:00.000" Score="1" Body="&lt;p&gt;Open the back.&lt;/p&gt;" OwnerUserId="6" />
  <row Id="2" PostTypeId="1" CreationDate="2020-02-01T10:00:00.000" Title="Which VPN client?" Body="&lt;p&gt;For Linux.&lt;/p&gt;" OwnerUserId="-1" Tags="|vpn|linux|" />
  <row Id="12" PostTypeId="2" ParentId="2" CreationDate="2020-02-03T10:00:00.000" Score="2" Body="&lt;p&gt;OpenConnect.&lt;/p&gt;" OwnerUserId="5" />
  <row Id="3" PostTypeId="1" CreationDate="2020-03-01T10:00:00.000" Title="Nobody upvoted this" Body="&lt;p&gt;Why?&lt;/p&gt;" />
  <row Id="13" PostTypeId="2" ParentId="3" CreationDate="2020-03-02T10:00:00.000" Score="0" Body="&lt;p&gt;No idea.&lt;/p&gt;" />
  <row Id="4" PostTypeId="4" CreationDate="2020-03-01T10:00:00.000" Body="A tag wiki" />
</posts>
"""
USERS = """<?xml version="1.0" encoding="utf-8"?>
<users>
  <row Id="5" DisplayName="Aino &amp; co" />
  <row Id="6" DisplayName="Matti" />
  <row Id="7" DisplayName="Liisa" />
  <row Id="99" DisplayName="Never wrote" />
</users>
"""
LINKS = """<?xml version="1.0" encoding="utf-8"?>
<postlinks>
  <row Id="1" PostId="2" RelatedPostId="1" LinkTypeId="3" />
  <row Id="2" PostId="3" RelatedPostId="1" LinkTypeId="1" />
  <row Id="3" PostId="3" RelatedPostId="2" LinkTypeId="9" />
</postlinks>
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A folder with a dump of three questions."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for name, text in (("Posts.xml", POSTS), ("Users.xml", USERS), ("PostLinks.xml", LINKS)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def import_dump(sessions: sessionmaker[Session], analyzer: Analyzer) -> Callable[[Path], LoadReport]:
    return lambda folder: load(StackExchangeSource(folder), sessions, analyzer)


def _read_until_it_breaks(folder: Path) -> tuple[list[Located], str]:
    located_rows: list[Located] = []
    with pytest.raises(SourceError) as caught:
        for located in StackExchangeSource(folder).records():
            located_rows.append(located)  # not as a whole list, so that the rows before the error are kept
    return located_rows, str(caught.value)


def test_a_dump_becomes_requests_with_replies_people_and_links(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    report = import_dump(dump)
    assert report.problems == []
    with sessions() as session:
        first, second, third = session.scalars(select(HelpRequest).order_by(HelpRequest.external_id))
        people = {person.id: (person.handle, person.name) for person in session.scalars(select(Person))}
        assert (first.title, first.body, first.tags) == (
            "Printer is stuck",
            "Nothing comes out.",
            ["printing", "windows"],
        )
        assert [(reply.external_id, reply.body, reply.accepted, reply.score) for reply in first.replies] == [
            ("10", "Restart the spooler.", False, 4),
            ("11", "Open the back.", True, 1),
        ]
        assert [people[reply.author_id or 0] for reply in first.replies] == [
            ("dump-user-7", "Liisa"),
            ("dump-user-6", "Matti"),
        ]
        assert people[first.asked_by_id or 0] == ("dump-user-5", "Aino & co")
        assert (first.created_at, first.replies[0].created_at) == (
            datetime(2020, 1, 1, 10),
            datetime(2020, 1, 2, 10, 0, 0, 123000),
        )
        # the time of the accepted answer, or of an upvoted one where none is accepted
        assert (first.status, first.resolved_at) == ("resolved", datetime(2020, 1, 3, 10))
        assert (second.status, second.resolved_at) == ("resolved", datetime(2020, 2, 3, 10))
        assert (second.tags, second.asked_by_id) == (["vpn", "linux"], None)
        assert (third.status, third.resolved_at) == ("open", None)
        assert [entry.token for entry in third.audience] == ["everyone"]
        assert sorted(handle for handle, _name in people.values()) == ["dump-user-5", "dump-user-6", "dump-user-7"]
        links = {(link.from_id, link.to_id, link.kind) for link in session.scalars(select(RequestLink))}
        assert links == {(second.id, first.id, "duplicate"), (third.id, first.id, "related")}


def test_importing_a_dump_twice_changes_nothing(dump: Path, import_dump: Callable[[Path], LoadReport]) -> None:
    import_dump(dump)
    again = import_dump(dump)
    # 3 questions, 4 answers, 3 names, 2 links
    assert (again.added, again.updated, again.unchanged, again.problems) == (0, 0, 12, [])


def test_ids_of_two_dumps_do_not_collide(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    import_dump(dump)
    other = tmp_path / "Other Site"
    other.mkdir()
    for name, text in (("Posts.xml", POSTS), ("Users.xml", USERS.replace("Matti", "Pekka"))):
        (other / name).write_text(text, encoding="utf-8")
    report = import_dump(other)
    assert (report.added, report.updated, report.problems) == (10, 0, [])
    with sessions() as session:
        sources = session.scalars(select(HelpRequest.source).order_by(HelpRequest.id)).all()
        assert sources == ["dump"] * 3 + ["other-site"] * 3
        names = {person.handle: person.name for person in session.scalars(select(Person))}
    assert (names["dump-user-6"], names["other-site-user-6"]) == ("Matti", "Pekka")


def test_the_answers_of_a_dump_that_is_cut_short_are_loaded_too(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    (dump / "Posts.xml").write_text(POSTS[: POSTS.index('  <row Id="13"') + 40], encoding="utf-8")
    report = import_dump(dump)
    assert len(report.problems) == 1 and "is cut short" in report.problems[0]
    with sessions() as session:
        rows = session.scalars(select(HelpRequest).order_by(HelpRequest.external_id))
        assert [(row.status, len(row.replies)) for row in rows] == [("resolved", 2), ("resolved", 1), ("open", 0)]


def test_a_newer_dump_with_other_kinds_of_posts_and_people_without_a_name_is_read(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    posts = POSTS.replace('PostTypeId="4"', 'PostTypeId="17" ContentLicense="CC BY-SA 4.0" LastEditorDisplayName="x"')
    (dump / "Posts.xml").write_text(posts.replace('OwnerUserId="7"', 'OwnerDisplayName="user7"'), encoding="utf-8")
    users = '<row Id="-1" DisplayName="Community" /><row Id="5" DisplayName=" " /><row Id="6" DisplayName="Matti" />'
    (dump / "Users.xml").write_text(f"<users>{users}</users>", encoding="utf-8")
    assert import_dump(dump).problems == []
    with sessions() as session:
        assert [reply.author_id is None for reply in _row(session, "1").replies] == [True, False]
        assert sorted(session.scalars(select(Person.name))) == ["Matti", "dump-user-5"]


def test_html_nested_too_deeply_is_a_bad_record(dump: Path, import_dump: Callable[[Path], LoadReport]) -> None:
    deep = "&lt;div&gt;" * 5_000
    (dump / "Posts.xml").write_text(POSTS.replace("&lt;p&gt;For Linux.", f"{deep}For Linux."), encoding="utf-8")
    report = import_dump(dump)
    assert any("its HTML is nested too deeply" in problem for problem in report.problems)
    assert (report.added, report.skipped_links) == (9, 1)  # without the question, its answer and its link


def test_a_person_whose_name_is_their_id_is_unchanged_too(
    dump: Path, import_dump: Callable[[Path], LoadReport]
) -> None:
    (dump / "Users.xml").write_text(USERS.replace("Liisa", "dump-user-7"), encoding="utf-8")
    import_dump(dump)
    again = import_dump(dump)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 12)


def test_an_answer_edited_in_the_dump_updates_only_its_request(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    import_dump(dump)
    (dump / "Posts.xml").write_text(POSTS.replace("OpenConnect.", "OpenConnect 9."), encoding="utf-8")
    report = import_dump(dump)
    assert (report.added, report.updated, report.unchanged, report.problems) == (0, 1, 11, [])
    with sessions() as session:
        row = session.scalars(select(HelpRequest).where(HelpRequest.external_id == "2")).one()
        assert [reply.body for reply in row.replies] == ["OpenConnect 9."]


def test_when_another_answer_is_accepted_the_first_is_no_longer_accepted(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    import_dump(dump)
    (dump / "Posts.xml").write_text(POSTS.replace('AcceptedAnswerId="11"', 'AcceptedAnswerId="10"'), encoding="utf-8")
    import_dump(dump)
    with sessions() as session:
        row = session.scalars(select(HelpRequest).where(HelpRequest.external_id == "1")).one()
        assert [(reply.external_id, reply.accepted) for reply in row.replies] == [("10", True), ("11", False)]
        assert row.resolved_at == datetime(2020, 1, 2, 10, 0, 0, 123000)


def _everything(sessions: sessionmaker[Session]) -> dict[str, list[tuple[object, ...]]]:
    with sessions() as session:
        return {
            table.name: sorted(map(tuple, session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name != "audit_log"
        }


def _row(session: Session, external_id: str) -> HelpRequest:
    return session.scalars(select(HelpRequest).where(HelpRequest.external_id == external_id)).one()


def test_what_was_changed_here_stays_when_the_dump_is_imported_again(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    import_dump(dump)
    with sessions.begin() as session:
        asker = session.scalars(select(Person).where(Person.handle == "dump-user-5")).one()
        asker.name = "Aino Virtanen"
        reader = reader_of(asker)
        first = _row(session, "1")
        requests.share(session, first, reader, shared=False)
        requests.resolve(
            session, _row(session, "3"), access.Reader(None, frozenset(), frozenset(), True), _reply(session)
        )
        requests.reopen(session, first, reader)
    before = _everything(sessions)
    again = import_dump(dump)
    assert (again.line(), _everything(sessions)) == ("0 added, 0 updated, 12 unchanged", before)
    changed = POSTS.replace('AcceptedAnswerId="11"', 'AcceptedAnswerId="10"').replace("Restart the", "Stop the")
    (dump / "Posts.xml").write_text(changed, encoding="utf-8")
    (dump / "Users.xml").write_text(USERS.replace("Aino &amp; co", "Aino"), encoding="utf-8")
    report = import_dump(dump)
    assert [line.partition(": ")[2] for line in report.conflicts] == [
        "request 1: status changed both here and in the source",
        "person dump-user-5: name changed both here and in the source",
    ]
    with sessions() as session:
        first = _row(session, "1")
        assert (first.status, [reply.accepted for reply in first.replies]) == ("open", [False, False])
        assert (first.replies[0].body, [entry.token for entry in first.audience]) == ("Stop the spooler.", ["agents"])


def test_what_was_erased_here_does_not_come_back_with_the_dump(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    import_dump(dump)
    with sessions.begin() as session:
        erasure.erase_request(session, _row(session, "1"), audit.COMMAND)
        person = session.scalars(select(Person).where(Person.handle == "dump-user-6")).one()
        erasure.erase_person(session, person, audit.COMMAND)
    before = _everything(sessions)
    report = import_dump(dump)
    assert (report.added, report.updated, report.problems) == (0, 0, [])
    assert _everything(sessions) == before


def _reply(session: Session) -> Reply:
    """A reply that was written here, to the third question."""
    row = _row(session, "3")
    return requests.reply(session, row, session.scalars(select(Person)).first(), "Buy another one.")  # type: ignore[arg-type]


@pytest.fixture
def large_dump(tmp_path: Path) -> Path:
    """A folder with a dump of 6,000 questions, 10 MB."""
    words = "&lt;p&gt;Restart the &lt;a href=&quot;https://x.example&quot;&gt;spooler&lt;/a&gt; of it. &lt;/p&gt;" * 15
    code = "&lt;pre&gt;&lt;code&gt;net stop spooler\n&lt;/code&gt;&lt;/pre&gt;&lt;ul&gt;&lt;li&gt;one&lt;/li&gt;&lt;/ul&gt;"
    rows = (
        f'<row Id="{n}" PostTypeId="1" CreationDate="2020-01-01T10:00:00.000" Title="Question {n}" Tags="|a|b|" '
        f'ContentLicense="CC BY-SA 4.0" LastEditorDisplayName="x" Body="{words}{code}" />\n'
        for n in range(6_000)
    )
    (tmp_path / "Posts.xml").write_text(f"<posts>\n{''.join(rows)}</posts>", encoding="utf-8")
    (tmp_path / "Users.xml").write_text("<users></users>", encoding="utf-8")
    return tmp_path


def test_memory_does_not_grow_with_the_dump(large_dump: Path) -> None:
    tracemalloc.start()
    for count, _located in enumerate(StackExchangeSource(large_dump).records()):
        if count == 1_500:
            break
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000  # of 10 MB


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>Run:</p><pre><code>ls -la\n  cd *x*_y_\n</code></pre>", "Run:\n\n```\nls -la\n  cd *x*_y_\n```"),
        ("<p>Use <code>a_b</code> &lt;here&gt;</p>", "Use `a_b` <here>"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ('<p>See <a href="https://x.example/">the guide</a>.</p>', "See the guide."),
        ('<p><img src="i.png" alt="a red light"> shows</p>', "a red light shows"),
        ('<p>so <img src="i.png" alt="enter image description here"> it</p>', "so it"),
        ("<blockquote><p>it broke</p></blockquote>", "> it broke"),
        ("<h2>Steps</h2><p>First</p>", "## Steps\n\nFirst"),
        ("<p><strong>Do</strong> <em>not</em> 2*3 snake_case</p>", "Do not 2*3 snake_case"),
    ],
)
def test_html_becomes_text_that_keeps_code_and_lists(html: str, text: str) -> None:
    assert clean_text(html) == text


def test_a_row_that_cannot_be_used_is_reported_with_its_line_and_the_others_are_loaded(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session]
) -> None:
    broken = POSTS.replace(' Title="Which VPN client?"', "").replace(  # on line 6; its answer is on line 7
        'Score="0"',
        'Score="many"',  # on line 9
    )
    (dump / "Posts.xml").write_text(broken, encoding="utf-8")
    report = import_dump(dump)
    assert report.problems == [
        "Posts.xml:6: the attribute Title is missing",
        "Posts.xml:7: answer 12 belongs to question 2, which is missing",
        "Posts.xml:9: invalid literal for int() with base 10: 'many'",
    ]
    assert report.skipped_links == 1  # the link of question 2
    with sessions() as session:
        assert sorted(row.external_id or "" for row in session.scalars(select(HelpRequest))) == ["1", "3"]


@pytest.mark.parametrize("name", ["Posts.xml", "Users.xml"])
def test_a_missing_file_is_named(dump: Path, name: str) -> None:
    (dump / name).unlink()
    located_rows, message = _read_until_it_breaks(dump)
    assert located_rows == []
    assert message == f"{dump / name} is missing. Give the folder with the dump's XML files."


def test_links_are_optional(dump: Path, import_dump: Callable[[Path], LoadReport]) -> None:
    (dump / "PostLinks.xml").unlink()
    report = import_dump(dump)
    assert report.problems == [] and report.added > 0


def test_a_row_of_200_mb_is_refused_at_once_and_the_rows_before_it_are_read(dump: Path) -> None:
    with (dump / "Posts.xml").open("a", encoding="utf-8") as file:
        file.seek(0)
        file.truncate()
        file.write(POSTS.replace("</posts>", '<row Id="99" PostTypeId="1" Body="'))
        for _ in range(200):
            file.write("x" * 1_000_000)
    started = time.process_time()
    located_rows, message = _read_until_it_breaks(dump)
    assert time.process_time() - started < 20
    assert len(located_rows) == 7  # 3 questions and 4 answers
    assert "has a row of more than 5 MB after line" in message


def test_a_truncated_file_yields_the_rows_before_the_cut_and_names_the_line(dump: Path) -> None:
    (dump / "Posts.xml").write_text(POSTS[: POSTS.index("Which VPN")], encoding="utf-8")
    located_rows, message = _read_until_it_breaks(dump)
    assert [
        (located.line, located.record.id) for located in located_rows if isinstance(located.record, QuestionRecord)
    ] == [(4, "1")]
    assert message.startswith(f"{dump / 'Posts.xml'} is cut short or is not safe XML after line ")
    assert message.endswith("the rows before were loaded. Fetch the file again, then import it again.")


def test_rows_before_an_error_in_the_middle_are_read(dump: Path) -> None:
    (dump / "Posts.xml").write_text(POSTS.replace('  <row Id="3"', '  <row & Id="3"'), encoding="utf-8")
    located_rows, message = _read_until_it_breaks(dump)
    ids = [located.record.id for located in located_rows if isinstance(located.record, QuestionRecord)]
    assert ids == ["1", "2"]
    assert "after line 7 (" in message


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            '<!DOCTYPE posts [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
            id="entity bomb",
        ),
        pytest.param('<!DOCTYPE posts [<!ENTITY a SYSTEM "file:///etc/hostname">]>', id="external entity"),
        pytest.param('<!DOCTYPE posts SYSTEM "http://127.0.0.1:9/posts.dtd">', id="external document type"),
    ],
)
def test_entities_and_external_references_are_refused_in_one_sentence(
    dump: Path, import_dump: Callable[[Path], LoadReport], sessions: sessionmaker[Session], head: str
) -> None:
    unsafe = POSTS.replace("<posts>", head + "\n<posts>", 1).replace("Printer is stuck", "&c;&a;" * ("a" in head))
    (dump / "Posts.xml").write_text(unsafe, encoding="utf-8")
    report = import_dump(dump)
    (problem,) = report.problems
    assert "is not safe XML" in problem and "Fetch the file again" in problem and "\n" not in problem
    with sessions() as session:
        assert session.scalars(select(HelpRequest)).all() == []


def test_a_file_that_is_not_xml_is_refused_in_one_sentence(dump: Path) -> None:
    (dump / "Posts.xml").write_bytes(b"\x00\x01PK not xml at all")
    located_rows, message = _read_until_it_breaks(dump)
    assert located_rows == [] and "is cut short or is not safe XML" in message


@pytest.mark.parametrize("chunk", [7, 100, 1 << 16])
def test_rows_are_the_same_however_the_file_is_cut_into_chunks(
    dump: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    whole = list(StackExchangeSource(dump).records())
    monkeypatch.setattr(stackexchange, "_CHUNK", chunk)
    assert list(StackExchangeSource(dump).records()) == whole
    assert len(whole) == 13  # 3 questions, 4 answers, 4 people, 2 links


def test_a_last_row_longer_than_a_chunk_is_not_lost(dump: Path) -> None:
    row = '<row Id="8" PostTypeId="1" CreationDate="2020-05-01T10:00:00" Title="Long" Body="%s" />'
    long = POSTS.replace("</posts>", row % ("word " * 14_000) + "</posts>")  # 70 kB: ends in the second chunk
    (dump / "Posts.xml").write_text(long, encoding="utf-8")
    questions = [
        located.record for located in StackExchangeSource(dump).records() if isinstance(located.record, QuestionRecord)
    ]
    assert [question.id for question in questions] == ["1", "2", "3", "8"]
    assert questions[-1].body == ("word " * 14_000).strip()
