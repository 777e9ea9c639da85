"""search/snippet.py: what is shown of an item, and the words that a question shares with the evidence."""

from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from tests.recommender.conftest import Add, Build, add_unrelated_requests, change_request


def test_text_that_was_removed_is_not_shown_while_it_is_still_indexed(
    build: Build, sessions: sessionmaker[Session], session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    number = add_request("printer jam", "the secret code is hunter2", answer="open the tray")
    recommender = build()
    before = recommender.recommend("printer jam secret code", ANYONE, session).suggestions[0]
    assert "hunter2" in before.excerpt
    change_request(sessions, number, body="the code is with the help desk")
    session.expire_all()
    after = recommender.recommend("printer jam secret code", ANYONE, session).suggestions[0]
    assert (after.item.key, after.excerpt) == (before.item.key, "the code is with the help desk")
    assert [after.excerpt[start:end] for start, end in after.marks] == ["code"]
    assert "secret" not in after.why.words


def test_an_expert_has_the_words_that_question_and_evidence_share(
    build: Build, session: Session, add_request: Add
) -> None:
    add_unrelated_requests(add_request)
    add_request("Jammed printers upstairs", answer="open the tray", by="groucho")
    (expert,) = build().recommend("printer upstairs", ANYONE, session).experts
    assert sorted(expert.words) == ["printers", "upstairs"]
    assert expert.reasons[0] == "answered"
