"""The page about synonyms: written, tried before they are saved, put in force, and taken back."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.access import ANYONE
from recommender.knowledge import vocabulary
from recommender.knowledge.vocabulary import StoredSynonyms
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import sign_in

RULE = "kummeli, printer"


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> Iterator[FlaskClient]:
    add_person("aino", "admin")
    add_person("matti", "agent")
    add_request("The printer is stuck", "The printer on floor two does nothing.", "Open the back.")
    add_request("A secret printer", "It prints secretly.", "Hush.", audience=("team:hr",), team="hr")
    yield open_client()


def test_a_preview_shows_what_is_found_before_and_after_and_stores_nothing(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    aino = sign_in(client, "aino")
    page = aino.post("/admin/words/preview", data={"words": RULE, "questions": "kummeli"}).text
    now, _, after = page.partition("With these words")
    assert "The printer is stuck" not in now and "The printer is stuck" in after and "secret" not in page
    assert "Nothing changes" in aino.post("/admin/words/preview", data={"words": "", "questions": "printer"}).text
    with sessions() as session:
        assert vocabulary.newest(session) is None and not list(audit.entries(session, action="words"))


def test_lines_that_cannot_be_used_are_shown_with_what_is_wrong(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    text = f"{RULE}\nalone\na => b => c\none,,two\n<b>, ,\n" + ", ".join(f"w{n}" for n in range(51))
    for way in ("", "preview"):
        answer = sign_in(client, "aino").post(f"/admin/words/{way}", data={"words": text})
        assert answer.status_code == 422
        assert all(f"Line {number}" in answer.text for number in (2, 3, 4, 5, 6)) and "Line 1<" not in answer.text
        assert "There is one word only" in answer.text and "more than one =&gt;" in answer.text
        assert "more than 50 words or phrases" in answer.text
        assert "<b>," not in answer.text and RULE in answer.text  # what was typed is still there
    with sessions() as session:
        assert vocabulary.newest(session) is None


def test_saved_words_are_in_force_and_can_be_taken_back(client: FlaskClient, sessions: sessionmaker[Session]) -> None:
    aino = sign_in(client, "aino")
    saved = aino.post("/admin/words/", data={"words": RULE}, follow_redirects=True).text
    assert "within a few seconds" in saved and RULE in saved and "1 line" in saved
    assert "Nothing was changed" in aino.post("/admin/words/", data={"words": RULE}, follow_redirects=True).text
    assert RULE not in aino.post("/admin/words/undo", follow_redirects=True).text
    assert RULE in aino.post("/admin/words/undo", follow_redirects=True).text  # which can be undone too
    with sessions() as session:
        entries = list(audit.entries(session, action="words"))
        assert [entry.action for entry in entries] == ["words.changed", "words.undone", "words.undone"]
        assert "kummeli" not in str([entry.details for entry in entries])


def test_only_admins_may(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    assert matti.get("/admin/words/").status_code == 403
    for way in ("", "preview", "undo"):
        assert matti.post(f"/admin/words/{way}", data={"words": RULE}).status_code == 403


def test_another_process_uses_new_words_after_a_few_seconds_without_a_restart(
    settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(vocabulary.time, "monotonic", lambda: now[0])
    ways = [StoredSynonyms(settings, analyzer), StoredSynonyms(settings, analyzer, sessions)]
    assert [stored().rules for stored in ways] == [(), ()]
    with sessions.begin() as session:
        vocabulary.save(session, audit.COMMAND, RULE, analyzer)
    assert [stored().rules for stored in ways] == [(), ()]  # they do not look for each question
    now[0] += vocabulary.IN_FORCE_AFTER
    for stored in ways:
        assert [each.term for each in stored().translations(["kummeli"])] == ["printer"]
    away = StoredSynonyms(replace(settings, home=settings.home / "elsewhere", database=""), analyzer)
    assert away().rules == ()  # where there is no database, none is made
    assert not (settings.home / "elsewhere" / "kollega.db").exists()


def test_search_uses_the_words_of_the_file_and_of_the_database(
    client: FlaskClient, settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer
) -> None:
    recommender = client.application.extensions["kollega_recommender"]
    (settings.home / "synonyms.txt").write_text("rohmu, printer\n")
    with sessions.begin() as session:
        vocabulary.save(session, audit.COMMAND, RULE, analyzer)
    with sessions() as session:
        used = recommender.with_stored(StoredSynonyms(settings, analyzer)())
        for question in ("kummeli", "rohmu"):
            found = used.recommend(question, ANYONE, session).suggestions
            assert [each.item.title for each in found] == ["The printer is stuck"]
