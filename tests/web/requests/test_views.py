"""views.py: a request is sent, answered, resolved and reopened; who sees what of it."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Event, HelpRequest, Person, Reply
from recommender.datatypes import Recommendation, Verdict
from tests.conftest import sign_in

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]
FORM = {"title": "Screen stays black", "body": "Since the update", "team": "it", "audience": "everyone"}


@pytest.fixture
def recommendation(monkeypatch: pytest.MonkeyPatch) -> Callable[[Recommendation], None]:
    """Sets what is recommended for every question."""
    return lambda found: monkeypatch.setattr("web.requests.views.recommend", lambda _question, _top_k: found)


@pytest.fixture
def visit(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> Visit:
    """Browsers of matti (the asker), kaisa (colleague), aino (agent of IT), riikka (agent of HR, a restricted team)."""
    add_request("Screen is black after update", "Black screen", "Hold the power button", by="aino", team="it")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    add_person("matti")
    add_person("kaisa")
    add_person("aino", "agent", "it")
    add_person("riikka", "agent", "hr", restricted=["hr"])
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _main(page: str) -> str:
    return page.partition('<main id="main">')[2]


def _send(visitor: FlaskClient, **changes: str) -> int:
    """Send a request and return its id."""
    answer = visitor.post("/requests/", data={**FORM, **changes})
    assert answer.status_code == 302, answer.text
    match = re.search(r"/requests/(\d+)", answer.headers["Location"])
    assert match is not None
    return int(match[1])


def test_a_new_request_starts_with_the_typed_question_and_shows_similar_items_again(visit: Visit) -> None:
    page = visit("matti").post("/requests/new", data={"q": "Screen is black after update", "body": "tried twice"}).text
    assert 'value="Screen is black after update"' in page and "tried twice</textarea>" in page
    assert "Before you send: this has been answered before" in page and "Hold the power button" in page
    assert '<option value="it" selected>' in page and "Similar requests usually go to IT." in page
    assert 'name="shown" value="request:1"' in page


def test_two_teams_are_offered_and_none_is_chosen_when_it_is_not_clear_which(
    visit: Visit, recommendation: Callable[[Recommendation], None]
) -> None:
    recommendation(Recommendation("q", "en", Verdict.UNKNOWN, likely_teams=("it", "hr", "gone")))
    page = visit("matti").get("/requests/new?q=screen").text
    assert "Similar requests usually go to IT or HR." in page and " selected>" not in page
    offered = re.findall(r'<option value="(\w+)"', page.partition('id="team"')[2].partition("</select>")[0])
    assert offered[:2] == ["it", "hr"] and len(offered) == len(set(offered))


def test_a_long_pasted_line_becomes_a_title_and_a_body(visit: Visit) -> None:
    page = visit("matti").post("/requests/new", data={"q": "First line\nsecond line"}).text
    assert 'value="First line"' in page and "First line\nsecond line" in page.partition("<textarea")[2]


def test_a_request_to_another_team_that_is_restricted_is_private_and_the_page_says_so(
    visit: Visit, sessions: Sessions
) -> None:
    sent = visit("matti").post("/requests/", data={**FORM, "team": "hr", "offered_for": "it"}, follow_redirects=True)
    assert "Requests to this team are private" in sent.text
    assert visit("kaisa").get(sent.request.path).status_code == 404
    chosen = {**FORM, "team": "hr", "offered_for": "hr", "title": "Shared on purpose"}
    shared = visit("matti").post("/requests/", data=chosen, follow_redirects=True)
    assert "Colleagues can read it too." in shared.text and "It is private" not in shared.text
    assert visit("kaisa").get(shared.request.path).status_code == 200


def test_a_team_is_chosen_in_the_form_only_when_it_is_sure(
    visit: Visit, recommendation: Callable[[Recommendation], None]
) -> None:
    page = visit("matti").get("/requests/new?q=Screen is black after update").text
    assert '<option value="it" selected>' in page  # answered before by that team
    recommendation(Recommendation("q", "en", Verdict.UNKNOWN, likely_teams=("hr",)))
    page = visit("matti").get("/requests/new?q=screen").text
    assert "Similar requests usually go to HR." in page and " selected>" not in page
    assert re.search(r'<option value="(\w+)"', page.partition('id="team"')[2]) is not None
    page = visit("matti").get("/requests/new?q=screen&team=hr").text  # the asker has chosen it on the page before
    assert '<option value="hr" data-private selected>' in page and 'value="team" checked' in page


def test_the_same_words_are_sent_once_while_the_request_is_open(visit: Visit, sessions: Sessions) -> None:
    first = _send(visit("matti"))
    again = visit("matti").post("/requests/", data={**FORM, "audience": "team"}, follow_redirects=True)
    assert again.request.path == f"/requests/{first}" and "You have already sent this." in again.text
    assert _send(visit("kaisa")) != first  # another person may ask the same
    with sessions.begin() as session:
        session.get_one(HelpRequest, first).status = "resolved"
    assert _send(visit("matti")) != first


def test_the_asker_sees_where_the_request_is_and_what_happens_next(visit: Visit) -> None:
    number = _send(visit("matti"))

    def stage(page: str) -> str:
        return re.findall(r'aria-current="step">([^<]+)<', page)[0]

    page = visit("matti").get(f"/requests/{number}?filed=1").text
    assert "Sent to IT." in page and stage(page) == "Sent" and "Next, somebody in the team will take it." in page
    visit("aino").post(f"/desk/{number}/assign", data={"person": "aino"})
    page = visit("matti").get(f"/requests/{number}").text
    assert stage(page) == "In progress" and "Aino is handling it." in page
    visit("aino").post(f"/requests/{number}/replies", data={"body": "Try the cable"})
    assert stage(visit("matti").get(f"/requests/{number}").text) == "Has a reply"
    assert "Status of your request" not in visit("kaisa").get(f"/requests/{number}").text


def test_a_question_to_a_colleague_goes_to_them_when_they_handle_it_and_else_they_may_read_it(
    visit: Visit, sessions: Sessions
) -> None:
    page = visit("matti").get("/requests/new?q=screen&person=aino").text
    assert "To Aino, through their team." in page and '<option value="it" selected>' in page
    with_agent = _send(visit("matti"), person="aino")
    with_reader = _send(visit("matti"), person="kaisa", audience="team", title="Only for her")
    with sessions() as session:
        row = session.get_one(HelpRequest, with_agent)
        assert row.assigned_to is not None and row.assigned_to.handle == "aino"
        assert session.get_one(HelpRequest, with_reader).assigned_to is None
    assert visit("kaisa").get(f"/requests/{with_reader}").status_code == 200
    sent = visit("matti").get(f"/requests/{with_reader}?filed=1").text
    assert "Only IT, the colleague you asked and you can read it." in sent and "Only IT and you" not in sent
    assert "To " not in visit("matti").get("/requests/new?q=screen&person=nobody").text.partition("<form")[2][:600]


def test_a_request_is_sent_with_the_items_that_were_shown_and_opened(visit: Visit, sessions: Sessions) -> None:
    number = _send(visit("matti"), shown="request:1", opened="request:2")
    with sessions() as session:
        row = session.get_one(HelpRequest, number)
        assert (row.title, row.body, row.status, row.language) == (
            "Screen stays black",
            "Since the update",
            "open",
            "en",
        )
        assert row.asked_by is not None and row.asked_by.handle == "matti" and row.team is not None
        assert [(attempt.item, attempt.opened) for attempt in row.attempts] == [
            ("request:1", False),
            ("request:2", True),
        ]
    page = visit("aino").get(f"/requests/{number}").text
    shown = page.partition("Answers shown before sending")[2].partition("</details>")[0]
    assert "Screen is black after update" in shown and "not opened" in shown


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"title": " "}, "Say in one line what you need."),
        ({"title": "x" * 501}, "Shorten the title to 500 characters."),
        ({"body": "x" * 100_001}, "Shorten it to at most 100000 characters."),
        ({"team": ""}, "Choose the team, or “I do not know”."),
        ({"team": "nowhere"}, "Choose the team, or “I do not know”."),
        ({"audience": "all"}, "Choose who may read it."),
    ],
)
def test_errors_are_shown_beside_their_fields_and_the_typed_text_stays(
    visit: Visit, sessions: Sessions, changes: dict[str, str], problem: str
) -> None:
    page = visit("matti").post("/requests/", data={**FORM, **changes})
    (name,) = changes
    assert page.status_code == 422 and page.text.count(problem) == 2  # in the summary and beside the field
    assert f'id="{name}-error">{problem}' in page.text and f'href="#{name}"' in page.text
    if name != "body":
        assert "Since the update</textarea>" in page.text
    with sessions() as session:
        assert session.query(HelpRequest).filter_by(status="open").count() == 0


def test_attempts_that_are_unknown_or_unreadable_for_the_asker_are_dropped(
    visit: Visit, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    secret = add_request("Salary table", audience=[], team="hr")
    answer = visit("matti").post(
        "/requests/", data={**FORM, "shown": [f"request:{secret}", "request:99", "x", "<b>", "request:1"]}
    )
    with sessions() as session:
        row = session.query(HelpRequest).filter_by(status="open").one()
        assert answer.status_code == 302 and [attempt.item for attempt in row.attempts] == ["request:1"]


def test_a_request_to_the_team_can_be_read_only_by_the_asker_and_the_team(visit: Visit) -> None:
    number = _send(visit("matti"), team="hr", audience="team")
    readers = {
        name: visit(name).get(f"/requests/{number}").status_code for name in ("matti", "riikka", "kaisa", "aino")
    }
    assert readers == {"matti": 200, "riikka": 200, "kaisa": 404, "aino": 404}


def test_every_agent_may_take_a_request_without_a_team(visit: Visit) -> None:
    number = _send(visit("matti"), team="unknown", audience="team")
    readers = {
        name: visit(name).get(f"/requests/{number}").status_code for name in ("matti", "riikka", "kaisa", "aino")
    }
    assert readers == {"matti": 200, "riikka": 200, "kaisa": 404, "aino": 200}
    taken = visit("riikka").post(f"/desk/{number}/move", data={"team": "hr"})
    assert taken.status_code == 302
    assert visit("aino").get(f"/requests/{number}").status_code == 404


def test_only_the_teams_agents_and_the_asker_see_the_name_of_an_anonymous_asker(
    visit: Visit, sessions: Sessions, add_person: Callable[..., int]
) -> None:
    add_person("timo", "staff", "it")  # in the team, but not an agent
    number = _send(visit("matti"), anonymous="1")
    visit("matti").post(f"/requests/{number}/replies", data={"body": "One more thing"})
    for name, named in {"matti": True, "aino": True, "kaisa": False, "riikka": False, "timo": False}.items():
        page = _main(visit(name).get(f"/requests/{number}").text)
        assert ('href="/people/matti"' in page) is named, name
        assert ("Matti" in page) is named, name
        assert "One more thing" in page
    assert "Matti" not in _main(visit("kaisa").get(f"/api/v1/requests/{number}").text)


def test_replies_are_added_and_the_asker_marks_the_one_that_solved_it(visit: Visit, sessions: Sessions) -> None:
    number = _send(visit("matti"))
    visit("kaisa").post(f"/requests/{number}/replies", data={"body": "Have you tried turning it off?"})
    visit("aino").post(f"/requests/{number}/replies", data={"body": "Hold the button for ten seconds"})
    with sessions() as session:
        replies = session.query(Reply).filter_by(request_id=number).order_by(Reply.id).all()
        assert [reply.author.handle for reply in replies if reply.author] == ["kaisa", "aino"]
        solving = replies[1].id
    assert visit("matti").post(f"/requests/{number}/resolve", data={"reply": solving}).status_code == 302
    page = _main(visit("kaisa").get(f"/requests/{number}").text)
    assert page.index("The solution") < page.index("Hold the button") < page.index("turning it off")
    assert page.count("Hold the button") == 1


def test_only_the_asker_and_agents_of_the_team_resolve_and_reopen(visit: Visit, sessions: Sessions) -> None:
    number = _send(visit("matti"))
    visit("kaisa").post(f"/requests/{number}/replies", data={"body": "mine", "then": "resolve"})
    with sessions() as session:
        assert session.get_one(HelpRequest, number).status == "open"
    for name in ("kaisa", "riikka"):
        assert visit(name).post(f"/requests/{number}/reopen").status_code == 403
        assert visit(name).post(f"/requests/{number}/audience", data={"audience": "team"}).status_code == 403


def test_a_reply_to_a_resolved_request_reopens_it(visit: Visit, sessions: Sessions) -> None:
    number = _send(visit("matti"))
    visit("aino").post(f"/requests/{number}/replies", data={"body": "Fixed", "then": "resolve"})
    with sessions() as session:
        assert session.get_one(HelpRequest, number).status == "resolved"
    visit("matti").post(f"/requests/{number}/replies", data={"body": "It is black again"})
    with sessions() as session:
        row = session.get_one(HelpRequest, number)
        assert row.status == "open" and [reply.accepted for reply in row.replies] == [False, False]


def test_the_second_of_two_agents_who_resolve_gets_a_conflict_and_keeps_the_text(
    visit: Visit, sessions: Sessions
) -> None:
    number = _send(visit("matti"))
    visit("aino").post(f"/requests/{number}/replies", data={"body": "First", "then": "resolve"})
    late = visit("aino").post(f"/requests/{number}/replies", data={"body": "Second <answer>", "then": "resolve"})
    assert late.status_code == 409
    assert "Somebody else has solved this request in the meantime." in late.text
    assert "Second &lt;answer&gt;" in late.text
    with sessions() as session:
        assert [reply.body for reply in session.get_one(HelpRequest, number).replies] == ["First"]


def test_an_empty_reply_and_one_that_is_too_long_are_refused_beside_the_field(visit: Visit, sessions: Sessions) -> None:
    number = _send(visit("matti"))
    empty = visit("aino").post(f"/requests/{number}/replies", data={"body": "  "})
    problem = re.search(r'<div[^>]*id="body-error"[^>]*>', empty.text)
    assert empty.status_code == 422 and problem and "autofocus" in problem[0]  # so that it is seen where the page opens
    long = visit("aino").post(f"/requests/{number}/replies", data={"body": "y" * 100_001})
    assert long.status_code == 422 and "y" * 100_001 in long.text
    with sessions() as session:
        assert session.get_one(HelpRequest, number).replies == []


def test_a_link_that_not_all_readers_may_follow_must_be_confirmed(
    visit: Visit, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    secret = add_request("Internal IT plan", audience=[], team="it")
    number = _send(visit("matti"))
    body = f"See [this](/requests/{secret}) and [that](/requests/1)"
    refused = visit("aino").post(f"/requests/{number}/replies", data={"body": body})
    assert refused.status_code == 422 and "Internal IT plan" in refused.text and "Send anyway" in refused.text
    assert "<li>Screen is black after update</li>" not in refused.text
    visit("aino").post(f"/requests/{number}/replies", data={"body": body, "sure": "1"})
    with sessions() as session:
        assert [reply.body for reply in session.get_one(HelpRequest, number).replies] == [body]


def test_only_the_asker_shares_a_request_and_the_team_may_make_it_private(visit: Visit) -> None:
    number = _send(visit("matti"), audience="team")
    assert visit("aino").post(f"/requests/{number}/audience", data={"audience": "everyone"}).status_code == 403
    visit("matti").post(f"/requests/{number}/audience", data={"audience": "everyone"})
    assert visit("kaisa").get(f"/requests/{number}").status_code == 200
    visit("aino").post(f"/requests/{number}/audience", data={"audience": "team"})
    assert visit("kaisa").get(f"/requests/{number}").status_code == 404


def test_the_list_has_the_person_s_own_requests_by_state_and_those_they_answered(visit: Visit) -> None:
    first, second = _send(visit("matti"), title="Number one"), _send(visit("matti"), title="Number two")
    visit("aino").post(f"/requests/{second}/replies", data={"body": "Done", "then": "resolve"})
    _send(visit("kaisa"), title="Of another")

    def titles(path: str, who: str) -> list[str]:
        return re.findall(r'lang="en">(Number \w+|Of another)</a>', visit(who).get(path).text)

    assert titles("/requests/", "matti") == ["Number one", "Number two"]  # open requests come first
    assert titles("/requests/?state=resolved", "matti") == ["Number two"]
    assert titles("/requests/?state=open", "matti") == ["Number one"]
    assert titles("/requests/", "aino") == ["Number two"]
    assert first != second


def test_a_solved_question_is_counted_without_a_name_and_for_readable_items_only(
    visit: Visit, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    secret = add_request("Salary table", audience=[], team="hr")
    assert "without your name" in visit("matti").post("/solved", data={"item": "request:1"}).text
    assert visit("matti").post("/solved", data={"item": f"request:{secret}"}).status_code == 404
    assert visit("matti").post("/solved", data={"item": "request:4040"}).status_code == 404
    assert visit("matti").post("/left", data={"item": ["request:1", f"request:{secret}"]}).status_code == 204
    with sessions() as session:
        events = session.query(Event).order_by(Event.id).all()
        assert [(event.kind, event.item) for event in events] == [("solved", "request:1"), ("left", "request:1")]
        assert all(event.subject_id is None and event.request_id is None for event in events)


@pytest.mark.sqlite_only
def test_searching_stores_nothing(visit: Visit, sessions: Sessions) -> None:
    def stored() -> list[int]:
        with sessions() as session:
            return [session.query(model).count() for model in (HelpRequest, Reply, Event, Person)]

    before = stored()
    visit("matti").post("/suggest", data={"q": "a very private question"})
    visit("matti").post("/requests/new", data={"q": "a very private question"})
    assert stored() == before
    for path in (sessions.kw["bind"].url.database,):
        with open(path, "rb") as file:
            assert b"very private question" not in file.read()


PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7*7 }}${7*7}",
    "\u202egnp.exe",
    "<!--", "]]>", "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>",
)  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_everything_that_people_write_is_shown_as_text_on_every_page(
    visit: Visit, sessions: Sessions, payload: str
) -> None:
    number = _send(visit("matti"), title=f"black screen {payload}", body=f"black screen {payload}")
    visit("aino").post(f"/requests/{number}/replies", data={"body": f"black screen {payload}", "then": "resolve"})
    again = _send(visit("matti"), title=f"Screen stays black {payload}")
    with sessions.begin() as session:
        session.query(Person).filter_by(handle="matti").one().name = f"Matti {payload}"
    pages = [
        ("aino", f"/requests/{number}"),
        ("aino", f"/requests/{again}"),
        ("aino", "/desk/?state=all"),
        ("matti", "/requests/"),
        ("matti", f"/?q=black screen {payload}"),
        ("kaisa", "/people/matti"),
        ("aino", f"/documents/new?from={number}"),
        ("aino", f"/desk/?words={payload}"),
        ("kaisa", f"/sign-in?next={payload}"),
    ]
    for who, path in pages:
        page = visit(who).get(path)
        assert page.status_code in (200, 404), path
        _assert_harmless(page.text, path)


def _assert_harmless(page: str, where: str) -> None:
    assert re.findall(r"<script(?! type=\"module\" src=\"/static/)", page) == [], where
    assert re.findall(r"<(?:img src=x|svg(?! viewBox=\"0 0 16 16\" fill=\"currentColor\" aria-hidden))", page) == [], (
        where
    )
    assert re.findall(r'<img (?!src="/static/)', page) == [], where
    assert re.findall(r'(?:href|src|action|formaction)="\s*(?:javascript|data|vbscript):', page, re.IGNORECASE) == [], (
        where
    )
    assert re.findall(r"<[a-z]+[^>]*\son[a-z]+=", re.sub(r'"[^"]*"', '""', page)) == [], where
    assert "49${7*7}" not in page, where


def test_opening_somebody_elses_old_request_again_asks_first(visit: Visit, sessions: Sessions) -> None:
    def status() -> str:
        with sessions() as session:
            return session.get_one(HelpRequest, 1).status

    reply = {"body": "I have this too"}
    asked = visit("kaisa").post("/requests/1/replies", data=reply)
    assert asked.status_code == 422 and "I have this too</textarea>" in asked.text and status() == "resolved"
    assert "/requests/new?q=Screen+is+black" in asked.text and "Send a request of your own instead" in asked.text
    assert visit("aino").post("/requests/1/reopen").status_code == 422 and status() == "resolved"
    assert visit("kaisa").post("/requests/1/reopen").status_code == 403
    assert visit("kaisa").post("/requests/1/replies", data={**reply, "again": "1"}).status_code == 302
    assert status() == "open"
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, 1)
        row.status, row.resolved_at, row.asked_by = "resolved", row.created_at, session.query(Person).first()
        own = row.asked_by.handle if row.asked_by else ""
    assert visit(own).post("/requests/1/replies", data=reply).status_code == 302  # nobody is asked about their own
