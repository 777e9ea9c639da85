"""profile.py: a person's own page and settings: shown to them alone, saved, refused with reasons, exported, erased."""

import json
import re
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Event, FirstSuggestion, Person, PersonSettings, PersonTopic, utc_now
from recommender.knowledge import outcomes
from recommender.people import preferences
from recommender.people.availability import count_first
from recommender.people.preferences import Preferences
from recommender.people.profile import PIECES
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.locking import locked_by_another_process
from tests.timing import LONG

Sessions = sessionmaker[Session]
Visit = Callable[[str | None], FlaskClient]
SETTINGS = "/people/me/settings"
TOMORROW = utc_now().date() + timedelta(days=1)
FORM = {
    "away_until": str(TOMORROW),
    "paused": "1",
    "capacity": "3",
    "deputy": "pekka",
    "languages": ["fi", "sv"],
    "muted": "VPN\r\n\r\n  screen   colours \r\nvpn",
    "stated": "Printers\r\nsalary",
}


@pytest.fixture
def visit(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> Visit:
    """Browsers of matti (staff), aino and pekka (agents of IT; aino has answered about printers), riikka (admin), or of
    somebody who is not signed in."""
    add_request("Printer is stuck", "It blinks", "Open the cover", by="aino", asked_by="matti", team="it")
    add_request("Printers are offline", "All of them", "Restart", by="aino", asked_by="matti", team="it", audience=[])
    add_document("Printer guide", "How to print", owner="aino")
    for number in range(4):
        add_request(f"Lunch {number}", "Where is the menu", "On the wall", by="matti")
    add_person("matti")
    add_person("aino", "agent", "it")
    add_person("pekka", "agent", "it")
    add_person("riikka", "admin", "hr")
    add_person("old")
    client = open_client()
    with client.application.extensions["kollega_sessions"].begin() as session:
        session.query(Person).filter_by(handle="old").one().left_on = date(2020, 1, 1)
        session.query(Person).filter_by(handle="riikka").one().name = "Riikka Salo"
    return lambda handle: sign_in(client, handle) if handle else client.application.test_client()


def _main(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page).partition("<main")[2]


def test_a_person_s_own_page_says_for_what_they_are_suggested_and_why(visit: Visit) -> None:
    page = _main(visit("aino").get("/people/aino").text)
    (topics,) = re.findall(r'<div class="topics">(.*?)</div>', page, re.DOTALL)
    assert re.findall(r"<summary>(\w+) <span class=\"quiet\">3 answers or guides", topics) == ["printer"]
    assert re.findall(r'<a href="([^"]+)"', topics) == ["/documents/1", "/requests/2", "/requests/1"]
    assert re.findall(r"<span>(Owns it|Answered|Replied)</span>", topics) == ["Owns it", "Answered", "Answered"]
    evidence = page.partition('id="evidence"')[2]
    assert re.findall(r'name="item" value="([^"]+)"', evidence) == ["document:1", "request:2", "request:1"]
    assert "For finding help, never for appraising people." in page and 'datetime="2026-01-05"' in evidence


def test_declined_items_give_no_topics_and_declining_can_be_undone(visit: Visit) -> None:
    aino = visit("aino")
    for item in ("request:1", "document:1"):
        aino.post("/people/me/topics", data={"item": item})
    page = aino.get("/people/aino").text
    assert "<summary>printer" not in page and page.count("You are not suggested because of this.") == 2
    aino.post("/people/me/topics", data={"item": "document:1", "undo": "1"})
    assert "<summary>printer" in aino.get("/people/aino").text


def test_a_page_without_evidence_says_so(visit: Visit) -> None:
    assert "Nothing yet: you are suggested once" in visit("riikka").get("/people/riikka").text


def test_settings_are_saved_and_shown_again(visit: Visit, sessions: Sessions) -> None:
    aino = visit("aino")
    answer = aino.post(SETTINGS, data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{SETTINGS}?saved=1")
    with sessions() as session:
        people = {person.handle: person for person in session.query(Person)}
        assert preferences.load_preferences(session, people["aino"]) == Preferences(
            TOMORROW, True, 3, people["pekka"], ("fi", "sv"), ("VPN", "screen colours"), ("Printers", "salary")
        )
    page = _main(aino.get(f"{SETTINGS}?saved=1").text)
    assert "Saved." in page and "Confirmed" in page and "Pending" in page
    assert f'value="{TOMORROW}"' in page and 'value="pekka"' in page and "\nVPN\nscreen colours</textarea>" in page
    assert re.findall(r'value="(\w+)" checked', page) == ["1", "fi", "sv"]
    assert "not suggested to anybody" in aino.get("/people/aino").text
    aino.post(SETTINGS, data={})
    with sessions() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        assert preferences.load_preferences(session, person) == Preferences(None, False, None, None, (), (), ())


@pytest.mark.parametrize("name", ["riikka", "Riikka Salo", " riikka  SALO "])
def test_a_deputy_is_named_by_user_name_or_whole_name(visit: Visit, sessions: Sessions, name: str) -> None:
    assert visit("aino").post(SETTINGS, data={"deputy": name}).status_code == 302
    with sessions() as session:
        (row,) = session.query(PersonSettings)
        assert row.deputy_id == session.query(Person).filter_by(handle="riikka").one().id


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("away_until", "2020-01-01", "This day has passed."),
        ("away_until", str(utc_now().date() - timedelta(days=1)), "This day has passed."),
        ("away_until", "soon", "Write the day as year-month-day"),
        ("away_until", "2026-02-30", "Write the day as year-month-day"),
        ("capacity", "-1", "Write a whole number from 0 to 1000"),
        ("capacity", "three", "Write a whole number from 0 to 1000"),
        ("capacity", "2.5", "Write a whole number from 0 to 1000"),
        ("capacity", "1001", "Write a whole number from 0 to 1000"),
        ("capacity", "9" * 5_000, "Write a whole number from 0 to 1000"),
        ("deputy", "nobody-known", "Nobody has this name."),
        ("deputy", "aino", "Name somebody other than yourself."),
        ("deputy", "AINO", "Name somebody other than yourself."),
        ("deputy", "old", "This person has left the organisation."),
        ("muted", "vpn\n?!", "“?!” contains only common words."),
        ("muted", "x" * 101, "is too long: a topic has at most 100 characters."),
        ("stated", "\n".join(f"topic {n}" for n in range(51)), "At most 50 topics"),
        ("stated", "moi", "“moi” contains only common words."),
        ("stated", "vpn", "“vpn” is in both lists."),
    ],
)
def test_errors_are_shown_beside_their_fields_and_all_typed_text_is_kept(
    visit: Visit, sessions: Sessions, name: str, value: str, problem: str
) -> None:
    typed = {**FORM, name: value}
    answer = visit("aino").post(SETTINGS, data=typed)
    page = _main(answer.text)
    assert answer.status_code == 422 and 'role="alert"' in page and f'href="#{name}"' in page
    (message,) = re.findall(rf'<p class="field-error" id="{name}-error">(.*?)</p>', page)
    assert problem in message
    assert re.search(rf'id="{name}"[^>]*aria-invalid="true" aria-describedby="{name}-error {name}-hint"', page)
    assert page.count('class="field-error"') == 1
    for field in ("away_until", "capacity", "deputy"):
        assert f'value="{typed[field]}"' in page
    for field in ("muted", "stated"):
        assert f"\n{typed[field]}</textarea>" in page
    assert re.findall(r'value="(\w+)" checked', page) == ["1", "fi", "sv"]
    with sessions() as session:
        assert session.query(PersonSettings).count() == session.query(PersonTopic).count() == 0


def test_two_people_of_the_same_name_are_distinguished_by_user_name(visit: Visit, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all([Person(handle="s1", name="Sanna Laine"), Person(handle="s2", name="Sanna Laine")])
    assert "Several people have this name." in visit("aino").post(SETTINGS, data={"deputy": "sanna laine"}).text
    assert visit("aino").post(SETTINGS, data={"deputy": "s2"}).status_code == 302


def test_a_person_may_be_away_until_today_and_a_past_day_is_not_shown(visit: Visit, sessions: Sessions) -> None:
    aino = visit("aino")
    assert aino.post(SETTINGS, data={"away_until": str(utc_now().date())}).status_code == 302
    assert "Away until" in visit("matti").get("/people/aino").text
    with sessions.begin() as session:
        session.query(Person).filter_by(handle="aino").one().away_until = date(2020, 1, 1)
    assert 'name="away_until" type="date"' in aino.get(SETTINGS).text and "2020-01-01" not in aino.get(SETTINGS).text


def test_languages_chosen_before_stay_offered_and_unknown_ones_are_dropped(visit: Visit, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.query(Person).filter_by(handle="aino").one().languages = ["de", "en"]
    visit("aino").post(SETTINGS, data={"languages": ["fi", "de", "xx"]})
    with sessions() as session:
        assert session.query(Person).filter_by(handle="aino").one().languages == ["de", "fi"]


def test_markup_in_topics_is_shown_as_text(visit: Visit) -> None:
    page = visit("aino")
    page.post(SETTINGS, data={"stated": "<b>printer</b>", "muted": "</textarea><b>x y z</b> vpn"})
    for path in (SETTINGS, "/people/aino"):
        assert "<b>" not in page.get(path).text


def test_settings_need_a_signed_in_person_and_their_forms_a_csrf_token(
    visit: Visit, open_client: Callable[[], FlaskClient]
) -> None:
    nobody = visit(None)
    for path in (SETTINGS, "/people/me/export", "/people/me/erase"):
        assert nobody.get(path).status_code == 401, path
    aino = visit("aino")
    aino.application.config["WTF_CSRF_ENABLED"] = True
    for path in (SETTINGS, "/people/me/erase"):
        assert aino.post(path, data=FORM).status_code == 400, path


def test_the_export_contains_the_whole_profile(visit: Visit, sessions: Sessions) -> None:
    aino, today = visit("aino"), str(utc_now().date())
    aino.post(SETTINGS, data=FORM)
    aino.post("/people/me/topics", data={"item": "request:1"})
    with sessions.begin() as session:
        count_first(session, session.query(Person).filter_by(handle="aino").one().id, utc_now().date())
    answer = aino.get("/people/me/export")
    assert answer.headers["Content-Disposition"] == "attachment; filename=kollega-aino.json"
    assert answer.mimetype == "application/json"
    assert json.loads(answer.text) == {
        "hangs_on_you": [],
        "purpose": "For finding help, never for appraising people.",
        "person": {
            "handle": "aino", "name": "Aino", "role": "agent", "teams": ["it"], "languages": ["fi", "sv"],
            "away_until": str(TOMORROW), "left_on": None,
        },
        "settings": {"paused": True, "capacity": 3, "deputy": "pekka"},
        "muted_topics": [{"topic": "VPN", "since": today}, {"topic": "screen colours", "since": today}],
        "added_topics": [
            {"topic": "Printers", "since": today, "state": "confirmed", "items": 2},
            {"topic": "salary", "since": today, "state": "pending", "items": 0},
        ],
        "not_my_topic": [{"item": "request:1", "since": today}],
        "suggested_first": [{"day": today, "count": 1}],
        "topic_words": [{"word": "printer", "items": ["document:1", "request:2"]}],
        "evidence": [
            {"item": "document:1", "title": "Printer guide", "part": "keeps", "at": "2026-01-05T00:00:00Z",
             "counts": True},
            {"item": "request:2", "title": "Printers are offline", "part": "answered", "at": "2026-01-01T00:00:00Z",
             "counts": True},
            {"item": "request:1", "title": "Printer is stuck", "part": "answered", "at": "2026-01-01T00:00:00Z",
             "counts": False},
        ],
    }  # fmt: skip


def test_the_export_has_more_evidence_than_the_page_shows(visit: Visit, add_request: Callable[..., int]) -> None:
    for number in range(PIECES + 1):
        add_request(f"Printer jam {number}", by="aino")
    assert len(json.loads(visit("aino").get("/people/me/export").text)["evidence"]) > PIECES + 1


def test_erasing_asks_first_then_deletes_and_pauses_suggestions(visit: Visit, sessions: Sessions) -> None:
    aino = visit("aino")
    aino.post(SETTINGS, data={**FORM, "paused": ""})
    aino.post("/people/me/topics", data={"item": "request:1"})
    question = _main(aino.get("/people/me/erase").text)
    assert 'method="post" action="/people/me/erase"' in question and "It cannot be undone." in question
    with sessions() as session:
        assert session.query(PersonTopic).count() == 4  # the question alone deletes nothing
    page = aino.post("/people/me/erase", follow_redirects=True).text
    assert "have been erased." in page and "You are not suggested to anybody" in page
    with sessions() as session:
        (row,) = session.query(PersonSettings)
        assert (row.paused, row.capacity, row.deputy_id) == (True, None, None)
        assert session.query(PersonTopic).count() == session.query(Event).count() == 0
    aino.post(SETTINGS, data={})
    assert "You are not suggested to anybody" not in aino.get("/people/aino").text


TOPICS = st.lists(st.sampled_from(["vpn", "printer", "salary", "screen colours"]), unique=True).map(tuple)


def test_a_person_s_settings_change_nothing_that_others_see(visit: Visit, sessions: Sessions) -> None:
    visitors: dict[str, FlaskClient] = {name: visit(name) for name in ("matti", "pekka", "riikka")}
    visitors["nobody"] = visit(None)
    with sessions.begin() as session:
        aino, riikka = (session.query(Person).filter_by(handle=name).one() for name in ("aino", "riikka"))
        key = accounts.make_token(session, riikka, "t", ["read"])
    headers: dict[str, Any] = {"riikka": {"Authorization": f"Bearer {key}"}}

    def pages() -> list[tuple[int, str, bytes]]:
        answers = [
            client.get(path, headers=headers.get(name) if "api" in path else None)
            for name, client in visitors.items()
            for path in ("/people/aino?lang=en", "/people/aino?lang=fi", "/api/v1/people/aino")
        ]
        token = re.compile(rb'name="csrf_token" value="[^"]+"')  # the token contains the time
        return [(answer.status_code, answer.headers["Content-Type"], token.sub(b"", answer.data)) for answer in answers]

    before = pages()
    assert {status for status, _kind, _body in before} == {200} and b"Printer is stuck" in before[0][2]

    @hypothesis_settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        paused=st.booleans(),
        capacity=st.none() | st.integers(0, 5),
        deputy=st.booleans(),
        muted=TOPICS,
        stated=TOPICS,
        declined=st.sets(st.sampled_from(["request:1", "request:2", "document:1"])),
        first=st.integers(0, 9),
        erased=st.booleans(),
    )
    def settings_change_nothing(
        paused: bool,
        capacity: int | None,
        deputy: bool,
        muted: tuple[str, ...],
        stated: tuple[str, ...],
        declined: set[str],
        first: int,
        erased: bool,
    ) -> None:
        with sessions.begin() as session:
            person = session.get_one(Person, aino.id)
            named = session.get_one(Person, riikka.id) if deputy else None
            preferences.erase(session, person)
            preferences.save_preferences(session, person, Preferences(None, paused, capacity, named, (), muted, stated))
            for item in declined:
                outcomes.record(session, outcomes.EventKind.NOT_MY_TOPIC, item, subject_id=person.id)
            for _ in range(first):
                count_first(session, person.id, utc_now().date())
            if erased:
                preferences.erase(session, person)
        assert pages() == before

    settings_change_nothing()


def test_a_person_who_has_left_is_still_shown_to_others(visit: Visit, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.query(Person).filter_by(handle="aino").one().left_on = date(2026, 1, 1)
    page = visit("matti").get("/people/aino").text
    assert "Has left the organisation" in page and "Printer is stuck" in page
    assert visit("aino").get(SETTINGS).status_code == 401


def test_a_question_on_the_page_is_counted_once_for_the_first_colleague(visit: Visit, sessions: Sessions) -> None:
    def stored_counts() -> list[tuple[str, int]]:
        with sessions() as session:
            rows = session.query(FirstSuggestion, Person).join(Person).all()
            return [(person.handle, row.count) for row, person in rows if row.day == utc_now().date()]

    matti, question = visit("matti"), {"q": "Printer is stuck"}
    shown = matti.post("/suggest", data=question).text
    assert "/people/aino" in shown
    first = {"first": re.findall(r'data-first="([^"]+)"', shown)[0]}
    matti.get("/api/v1/recommend", query_string=question)
    matti.head("/", query_string=question)
    matti.get("/", query_string={"q": "zzyzx"})
    for changed in ("", "nonsense", first["first"][:-1]):
        assert matti.post("/asked", data={"first": changed}).status_code == 204
    assert stored_counts() == []  # questions sent while typing are not counted
    matti.get("/", query_string=question)
    assert stored_counts() == [("aino", 1)]
    matti.post("/?lang=fi", data=question)  # the same question on a page in another language
    assert stored_counts() == [("aino", 1)]
    matti.post("/", data=question, follow_redirects=True)
    assert matti.post("/asked", data=first).status_code == 204
    assert stored_counts() == [("aino", 3)]


def test_while_another_process_writes_answers_come_at_once_and_are_counted_later(
    visit: Visit, settings: Settings, sessions: Sessions
) -> None:
    matti, question = visit("matti"), {"q": "Printer is stuck"}
    shown = matti.post("/suggest", data=question).text  # warms up
    first = {"first": re.findall(r'data-first="([^"]+)"', shown)[0]}
    with locked_by_another_process(settings):
        started = time.monotonic()
        assert "/people/aino" in matti.get("/", query_string=question).text
        assert matti.post("/asked", data=first).status_code == 204
        assert matti.post("/solved", data={"item": "request:1"}).status_code == 200
        assert matti.post("/left", data={"item": "request:1"}).status_code == 204
        assert matti.get("/health").status_code == 200
        assert time.monotonic() - started < LONG
    matti.application.extensions["kollega_counting"].flush()
    with sessions() as session:
        assert [row.count for row in session.query(FirstSuggestion)] == [2]
        assert sorted(event.kind for event in session.query(Event)) == ["left", "solved"]
