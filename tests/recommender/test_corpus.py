"""corpus.py: which rows are items, and what the items contain."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, Reader
from recommender.corpus import headings, items, load_items, merge_target, readable_items, rows_of
from recommender.database.attachment_tables import Attachment
from recommender.database.fingerprint import fingerprint
from recommender.database.item_tables import Replacement
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.datatypes import Contribution, Heading, Kind, Part, document_contributions

AT = datetime(2026, 1, 1)
Add = Callable[..., int]


def _reply(request_id: int, author_id: int | None, body: str, **values: object) -> Reply:
    return Reply(request_id=request_id, author_id=author_id, body=body, created_at=AT, **values)


@pytest.fixture
def people(sessions: sessionmaker[Session]) -> None:
    """People 1 to 4, a team it."""
    with sessions.begin() as session:
        session.add_all([Person(handle=f"p{n}", name=f"P{n}") for n in range(1, 5)])
        session.add(Team(handle="it", name="IT"))


def test_a_resolved_request_is_an_item_with_all_its_parts(sessions: sessionmaker[Session], add_request: Add) -> None:
    number = add_request(
        "printer", "is jammed", "open it", by="vera", team="it", audience=["team:hr"], language="fi", at=AT
    )
    with sessions() as session:
        (item,) = items(session)
    assert (item.key, item.id, item.kind, item.title, item.body, item.answer) == (
        f"request:{number}",
        number,
        Kind.REQUEST,
        "printer",
        "is jammed",
        "open it",
    )
    assert (item.language, item.team, item.at) == ("fi", "it", AT)
    assert item.audience == {"team:hr", "team:it"}
    assert item.contributions == (Contribution(1, 1.0, AT),)


def test_requests_and_documents_that_are_neither_hidden_nor_drafts_are_items(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    visible = add_request("visible")
    unresolved = add_request("open", status="open")
    hidden = add_request("hidden")
    with sessions.begin() as session:
        session.execute(update(HelpRequest).where(HelpRequest.id == hidden).values(hidden=True))
        for title, away, draft in (("shown", False, False), ("hidden", True, False), ("draft", False, True)):
            session.add(Document(title=title, body="b", language="en", written_at=AT, hidden=away, draft=draft))
    keys = [f"request:{n}" for n in (1, 2, 3, 99)] + [f"document:{n}" for n in (1, 2, 3, 99)]
    wanted = [f"request:{visible}", f"request:{unresolved}", "document:1"]
    with sessions() as session:
        assert [item.key for item in items(session)] == wanted
        loaded = load_items(session, keys)
        assert set(loaded) == set(wanted)
        assert loaded[f"request:{visible}"].audience == {"everyone"}
        assert loaded[f"request:{unresolved}"].audience == {"open:everyone"}  # only a search for open requests finds it
        assert load_items(session, []) == {}


def test_a_corpus_of_several_chunks_is_read_completely_and_in_order(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.add_all(
            HelpRequest(title=f"t{n}", body="", language="en", status="resolved", created_at=AT) for n in range(1, 1102)
        )
    with sessions() as session:
        assert [item.title for item in items(session)] == [f"t{n}" for n in range(1, 1102)]
        loaded = load_items(session, [f"request:{n}" for n in range(1, 1102)])
        assert [loaded[f"request:{n}"].title for n in (1, 500, 501, 1101)] == ["t1", "t500", "t501", "t1101"]
        assert len(loaded) == 1101


def test_headings_are_of_answered_items_that_the_reader_may_read_now(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    shared = add_request("shared", team="it", audience=["everyone"], language="fi")
    private = add_request("private", audience=["person:9"])
    unresolved = add_request("open", audience=["everyone"], status="open")
    with sessions.begin() as session:
        for title, draft in (("page", False), ("draft", True)):
            row = Document(title=title, body="b", language="en", written_at=AT, draft=draft)
            row.audience = [DocumentAudience(token="everyone")]
            session.add(row)
            session.flush()
    keys = [f"request:{number}" for number in (shared, private, unresolved, 99)] + ["document:1", "document:2"]
    reader = Reader(9, frozenset(), frozenset({"everyone", "person:9"}))
    with sessions() as session:
        loaded = headings(session, keys, ANYONE)
        assert loaded == {
            f"request:{shared}": Heading(f"request:{shared}", Kind.REQUEST, "shared", "fi", "it"),
            "document:1": Heading("document:1", Kind.DOCUMENT, "page", "en", None),
        }
        assert loaded["document:1"].id == 1
        assert headings(session, keys, reader).keys() - loaded.keys() == {f"request:{private}"}
        assert headings(session, [], reader) == {}
        session.execute(update(HelpRequest).where(HelpRequest.id == shared).values(hidden=True, title="changed"))
        assert headings(session, keys, ANYONE).keys() == {"document:1"}


@pytest.mark.parametrize(
    ("resolution", "accepted", "expected"),
    [("written", 2, "written"), (None, 1, "low"), (None, None, "high"), ("", 0, "lowest")],
)
def test_the_answer_is_the_resolution_else_the_accepted_reply_else_the_best_one(
    sessions: sessionmaker[Session], people: None, resolution: str | None, accepted: int | None, expected: str
) -> None:
    with sessions.begin() as session:
        request = HelpRequest(
            title="t", body="", language="en", status="resolved", created_at=AT, resolution=resolution, asked_by_id=4
        )
        session.add(request)
        session.flush()
        for n, (body, score) in enumerate([("lowest", -2), ("low", 0), ("high", 5)]):
            session.add(_reply(request.id, n + 1, body, score=score, accepted=n == accepted))
    with sessions() as session:
        assert next(items(session)).answer == expected


def test_a_request_without_a_reply_has_no_answer(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.add(HelpRequest(title="t", body="", language="en", status="resolved", created_at=AT))
    with sessions() as session:
        (item,) = items(session)
    assert (item.answer, item.contributions, item.at) == ("", (), AT)


def test_a_person_contributes_once_by_their_best_reply_and_the_asker_not_at_all(
    sessions: sessionmaker[Session], people: None
) -> None:
    with sessions.begin() as session:
        session.add(HelpRequest(title="t", body="", language="en", status="resolved", created_at=AT, asked_by_id=4))
        session.flush()
        session.add_all(
            [
                _reply(1, 1, "first try"),
                _reply(1, 1, "solved", accepted=True),
                _reply(1, 2, "liked", score=1),
                _reply(1, 3, "disliked", score=-1),
                _reply(1, 4, "thanks", score=9),
                _reply(1, None, "by nobody", score=9),
            ]
        )
    with sessions() as session:
        (item,) = items(session)
    assert {part.person_id: (part.weight, part.part) for part in item.contributions} == {
        1: (1.0, Part.ANSWERED),
        2: (0.5, Part.ANSWERED),
        3: (0.2, Part.REPLIED),
    }


def test_the_owner_of_a_document_counts_more_once_it_is_verified(sessions: sessionmaker[Session], people: None) -> None:
    with sessions.begin() as session:
        for owner, verified in ((1, None), (2, date(2026, 3, 1)), (None, date(2025, 1, 1))):
            row = Document(title="t", body="b", language="fi", written_at=AT, owner_id=owner, verified_on=verified)
            row.audience = [DocumentAudience(token="everyone")]
            session.add(row)
    with sessions() as session:
        owned, verified_one, ownerless = items(session)
    assert owned.contributions == (Contribution(1, 0.4, AT, Part.KEEPS),)
    assert verified_one.contributions == (Contribution(2, 0.6, datetime(2026, 3, 1), Part.KEEPS),)
    assert (ownerless.contributions, ownerless.at) == ((), AT)  # verified before the last edit
    assert (owned.key, owned.kind, owned.answer, owned.audience) == ("document:1", Kind.DOCUMENT, "", {"everyone"})


def test_the_person_who_verified_a_document_counts_too_from_that_day() -> None:
    day = date(2026, 3, 1)
    owner = Contribution(1, 0.6, datetime(2026, 3, 1), Part.KEEPS)
    other = Contribution(2, 0.4, datetime(2026, 3, 1), Part.VERIFIED)
    assert document_contributions(1, 2, day, AT) == (owner, other)
    assert document_contributions(1, 1, day, AT) == (owner,)
    assert document_contributions(None, 2, day, AT) == (other,)
    assert document_contributions(1, 2, None, AT) == (Contribution(1, 0.4, AT, Part.KEEPS),)
    assert document_contributions(1, None, day, AT) == (owner,)


def test_items_are_loaded_as_they_are_in_the_database_now(sessions: sessionmaker[Session], add_request: Add) -> None:
    add_request("before")
    with sessions() as session:
        assert load_items(session, ["request:1"])["request:1"].title == "before"
        session.rollback()
        with sessions.begin() as other:
            other.get_one(HelpRequest, 1).title = "after"
        assert load_items(session, ["request:1"])["request:1"].title == "after"


def _retitle(session: Session) -> None:
    session.get_one(HelpRequest, 1).title = "other"


def _hide(session: Session) -> None:
    session.get_one(HelpRequest, 1).hidden = True


def _delete(session: Session) -> None:
    session.delete(session.get_one(HelpRequest, 1))


def _add_reply(session: Session) -> None:
    session.add(_reply(1, None, "me too"))


def _edit_reply(session: Session) -> None:
    session.get_one(Reply, 1).body = "better"


def _accept_other(session: Session) -> None:
    session.get_one(Reply, 1).accepted = False


def _restrict(session: Session) -> None:
    session.get_one(HelpRequest, 1).audience = [RequestAudience(token="team:hr")]


def _leave(session: Session) -> None:
    session.get_one(Person, 1).left_on = date(2026, 1, 1) + timedelta(days=1)


def _write_document(session: Session) -> None:
    session.add(Document(title="t", body="b", language="en", written_at=AT))


@pytest.mark.parametrize(
    "change", [_retitle, _hide, _delete, _add_reply, _edit_reply, _accept_other, _restrict, _leave, _write_document]
)
def test_the_fingerprint_changes_with_every_change(
    sessions: sessionmaker[Session], add_request: Add, change: Callable[[Session], None]
) -> None:
    add_request("printer")
    add_request("vpn")
    with sessions() as session:
        before = fingerprint(session)
        assert fingerprint(session) == before
    with sessions.begin() as session:
        change(session)
    with sessions() as session:
        assert fingerprint(session) != before


def test_without_an_accepted_reply_the_newest_reply_by_another_person_is_the_answer(
    sessions: sessionmaker[Session], people: None
) -> None:
    with sessions.begin() as session:
        request = HelpRequest(
            title="t", body="", language="en", status="resolved", asked_by_id=1, created_at=AT,
            audience=[RequestAudience(token="everyone")],
        )  # fmt: skip
        session.add(request)
        session.flush()
        texts = [(2, "Which device?"), (1, "The grey one."), (2, "Update the driver."), (1, "Thanks, works!")]
        for day, (author, body) in enumerate(texts):
            session.add(Reply(request_id=request.id, author_id=author, body=body, created_at=AT + timedelta(days=day)))
    with sessions() as session:
        assert [item.answer for item in items(session)] == ["Update the driver."]


def test_the_mark_of_a_replaced_item_is_given_with_it(sessions: sessionmaker[Session], add_request: Add) -> None:
    first, second = add_request("old"), add_request("new")
    with sessions.begin() as session:
        session.add(Document(title="guide", body="b", language="en", written_at=AT))
        session.add_all([Replacement(item=f"request:{first}", by=f"request:{second}")])
        session.add(Replacement(item="document:1", by=f"request:{first}"))
        session.add(Replacement(item=f"request:{second}0", by="request:1"))  # of another item whose id begins alike
    with sessions() as session:
        assert {item.key: item.replaced_by for item in items(session)} == {
            f"request:{first}": f"request:{second}",
            f"request:{second}": None,
            "document:1": f"request:{first}",
        }


def test_a_merged_request_leads_to_the_one_that_it_names_in_its_source(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    ids = [add_request(title) for title in ("merged", "target", "other source", "hidden")]
    with sessions.begin() as session:
        for number, source, name in zip(ids, ("a", "a", "b", "a"), ("13", "INC-14", "15", "16"), strict=True):
            row = session.get_one(HelpRequest, number)
            row.source, row.external_id, row.hidden = source, name, name == "16"
    with sessions() as session:
        key = f"request:{ids[0]}"
        named = ("INC-14", "13", "15", "16", "17", str(ids[1]), "")
        assert [merge_target(session, key, name) for name in named] == [f"request:{ids[1]}", *[None] * 6]
        assert merge_target(session, "request:99", "INC-14") is merge_target(session, "document:1", "INC-14") is None
        assert merge_target(session, "no key", "INC-14") is None


def test_a_merged_request_written_here_names_the_other_by_its_number(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    merged, target, imported = add_request("a", source="kollega"), add_request("b", source="kollega"), add_request("c")
    with sessions() as session:
        key = f"request:{merged}"
        assert merge_target(session, key, str(target)) == f"request:{target}"
        for name in (str(merged), str(imported), "99", "INC-14", "", "-1", "9" * 30, f"{target} "):
            assert merge_target(session, key, name) is None


def test_what_an_item_was_replaced_by_is_named_only_to_those_who_may_read_it(
    sessions: sessionmaker[Session], add_request: Add
) -> None:
    add_request("old")
    add_request("new", audience=["team:hr"])
    hr = Reader(9, frozenset(), frozenset({"everyone", "team:hr"}))
    with sessions.begin() as session:
        session.add(Replacement(item="request:1", by="request:2"))
    with sessions() as session:
        assert readable_items(session, ["request:1"], ANYONE)["request:1"].replaced_by is None
        for keys in (["request:1"], ["request:1", "request:2"]):
            assert readable_items(session, keys, hr)["request:1"].replaced_by == "request:2"


@pytest.mark.parametrize("many", [5_000, 0])
def test_rows_of_very_many_items_are_read_without_naming_each(
    sessions: sessionmaker[Session], add_request: Add, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr("recommender.corpus.MANY", many)
    numbers = [add_request(f"printer {n}") for n in range(4)]
    keys = [f"request:{numbers[0]}", f"request:{numbers[2]}", "request:999", f"document:{numbers[1]}"]
    query = select(HelpRequest.id, HelpRequest.title)
    with sessions() as session:
        rows = list(rows_of(session, query, HelpRequest.id, keys, Kind.REQUEST))
        assert [tuple(row) for row in rows] == [(numbers[0], "printer 0"), (numbers[2], "printer 2")]
        assert list(rows_of(session, query, HelpRequest.id, [], Kind.REQUEST)) == []


def test_files_are_looked_for_only_where_a_row_has_some(sessions: sessionmaker[Session], add_request: Add) -> None:
    keys = [f"request:{add_request(title, '', 'so', audience=['everyone'])}" for title in ("one", "two")]
    statements: list[str] = []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda _c, _k, sql, *_more: statements.append(sql))

    def read() -> tuple[list[tuple[str, ...]], int]:
        statements.clear()
        with sessions() as session:
            found = readable_items(session, keys, ANYONE)
        looked = sum("FROM attachments" in sql and "attachments.text" in sql for sql in statements)
        return [tuple(file.name for file in found[key].attached) for key in keys], looked

    assert read() == ([(), ()], 0)
    with sessions.begin() as session:
        number = int(keys[1].partition(":")[2])
        session.add(Attachment(request_id=number, name="a.pdf", kind="pdf", size=1, digest="d", text="words"))
    assert read() == ([(), ("a.pdf",)], 1)
