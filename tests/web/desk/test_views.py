"""views.py and requests/panel.py: the queue, the panel beside a request, and what agents do from it."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Event, HelpRequest, Person, Reply, RequestAttempt, utc_now
from recommender.database.told_tables import RequestFollow
from recommender.notifications import following
from recommender.search.replies import merged_into
from tests.conftest import sign_in
from tests.web.forms import press

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def desk(
    add_person: Callable[..., int], add_request: Callable[..., int], add_document: Callable[..., int]
) -> dict[str, int]:
    """Ids by name: requests to IT (resolved, private, two open), to HR and to no team, and a document."""
    ids = {
        "solved": add_request(
            "Screen is black after update", "Black screen", "Hold the power button", by="aino", team="it"
        ),
        "internal": add_request(
            "Screen is black after update: secret fix", "Black screen", "Call Ann", team="it", audience=[]
        ),
        "open": add_request(
            "Screen stays black", "after update", "?", by="kaisa", asked_by="matti", team="it", status="open"
        ),
        "twin": add_request(
            "Black screen after update", "again", "?", by="kaisa", asked_by="kaisa", team="it", status="open"
        ),
        "hr": add_request(
            "Holiday pay", "when", "?", by="kaisa", asked_by="matti", team="hr", audience=[], status="open"
        ),
        "free": add_request("Lost badge", "where", "?", by="kaisa", audience=["agents"], status="open"),
        "coffee": add_request("Coffee machine is empty", "No beans", "Call facilities"),
        "guide": add_document("Black screen guide", "## After an update\n\nHold the **power** button."),
    }
    add_person("matti")
    add_person("kaisa")
    add_person("aino", "agent", "it")
    add_person("pekka", "agent", "it")
    add_person("riikka", "agent", "hr", restricted=["hr"])
    return ids


@pytest.fixture
def visit(desk: dict[str, int], open_client: Callable[[], FlaskClient]) -> Visit:
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _queue(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="title"><a href="/requests/(\d+)"', page)]


def _views(page: str) -> list[str]:
    """How many requests each view has, as the links above the queue say."""
    return re.findall(r'<span class="quiet">(\d+)</span></a>', page)


def _cards(page: str, section: str) -> list[str]:
    part = page.partition(f'aria-labelledby="{section}"')[2].partition("</section>")[0]
    return re.findall(r'data-key="([^"]+)"', part)


def test_agents_see_the_requests_of_their_teams_and_of_no_team_in_the_queue(visit: Visit, desk: dict[str, int]) -> None:
    assert visit("matti").get("/desk/").status_code == 403
    aino, riikka = visit("aino").get("/desk/").text, visit("riikka").get("/desk/").text
    assert _queue(aino) == [desk["free"], desk["twin"], desk["open"]] and "3 requests" in aino
    assert _queue(riikka) == [desk["free"], desk["hr"]] and "2 requests" in riikka


def test_the_list_beside_a_request_says_when_something_was_last_said(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, desk["twin"])
        row.created_at = row.replies[0].created_at = utc_now() - timedelta(days=11)
        row.updated_at = utc_now()  # by an import, for example
    page = visit("aino").get(f"/requests/{desk['open']}").text
    row_of_twin = page.partition(f'href="/requests/{desk["twin"]}"')[2].partition("</li>")[0]
    assert "11 days ago" in row_of_twin


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("team=it", ["open", "twin"]),
        ("team=none", ["free"]),
        ("team=hr", []),
        ("state=resolved", ["solved", "internal", "coffee"]),
        ("state=all&words=black", ["solved", "internal", "open", "twin"]),
        ("words=black update", ["open", "twin"]),
        ("words=%25", []),
        ("view=mine", ["twin"]),
        ("view=unassigned", ["open", "free"]),
        ("view=waiting", ["open", "free"]),
        ("view=snoozed", []),
        ("words=updates", ["open", "twin"]),
        ("words=%233", ["open"]),
        ("state=nonsense&page=x&view=<", ["open", "twin", "free"]),
        ("page=2", []),
    ],
)
def test_filters_narrow_the_queue(visit: Visit, desk: dict[str, int], query: str, expected: Sequence[str]) -> None:
    visit("aino").post(f"/desk/{desk['twin']}/assign", data={"person": "aino"})
    assert sorted(_queue(visit("aino").get(f"/desk/?{query}").text)) == sorted(desk[name] for name in expected)


def test_words_are_found_in_all_their_forms_and_only_in_what_the_agent_may_read(
    desk: dict[str, int], add_request: Callable[..., int], open_client: Callable[[], FlaskClient], sessions: Sessions
) -> None:
    locked = add_request(
        "Tili lukossa joka maanantai", "Aina sama", "?", by="kaisa", team="it", language="fi", status="open"
    )
    add_request("Tilini on lukossa", "", "?", by="kaisa", team="hr", language="fi", audience=[], status="open")
    client = open_client()
    new = add_request("Lukko jumissa", "", "?", by="kaisa", team="it", language="fi", status="open")  # not indexed yet
    assert set(_queue(sign_in(client, "aino").get("/desk/?words=lukko").text)) == {locked, new}
    assert _queue(sign_in(client, "aino").get("/desk/?words=lukko maanantaina").text) == [locked]
    assert _queue(sign_in(client, "aino").get("/desk/?words=lukko tulostin").text) == []


def test_the_queue_is_in_the_order_of_the_last_activity_and_marks_what_the_agent_has_not_seen(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    assert visit("aino").get("/desk/").text.count('class="unread"') == 3
    visit("aino").get(f"/requests/{desk['twin']}")
    page = visit("aino").get("/desk/").text
    assert page.count('class="unread"') == 2 and visit("pekka").get("/desk/").text.count('class="unread"') == 3
    visit("matti").post(f"/requests/{desk['twin']}/replies", data={"body": "It is black again"})
    page = visit("aino").get("/desk/").text
    assert _queue(page)[0] == desk["twin"] and page.count('class="unread"') == 3
    assert _queue(visit("aino").get("/desk/?sort=oldest").text) == [desk["open"], desk["twin"], desk["free"]]


def test_an_import_is_no_activity(visit: Visit, desk: dict[str, int], sessions: Sessions) -> None:
    old = utc_now() - timedelta(days=40)
    with sessions.begin() as session:
        for days, name in enumerate(("free", "twin", "open")):
            row = session.get_one(HelpRequest, desk[name])
            row.replies, row.created_at = [], old - timedelta(days=days)
            row.updated_at = utc_now() + timedelta(seconds=days)  # as an import stores them, one after the other
    page = visit("aino").get("/desk/").text
    assert _queue(page) == [desk["free"], desk["twin"], desk["open"]]
    assert "today" not in page and page.count("month ago") >= 3


def test_the_queue_says_who_asks_and_that_the_name_is_hidden_from_others(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        known, unknown = session.get_one(HelpRequest, desk["open"]), session.get_one(HelpRequest, desk["twin"])
        known.anonymous = unknown.anonymous = True
        known.name_known_to, unknown.name_known_to = [known.team_id or 0], []
    page = re.sub(r"\s+", " ", visit("aino").get("/desk/").text)
    askers = re.findall(r'<td class="asker">(.*?)</td>', page)
    assert 'Matti <span class="quiet" title="name hidden from colleagues">name hidden</span>' in askers
    assert '<span class="quiet">name hidden</span>' in askers and not any("Kaisa" in asker for asker in askers)


def test_an_agent_takes_a_request_from_its_page_or_its_row(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    assert visit("matti").post(f"/desk/{desk['open']}/take").status_code == 403
    visit("aino").post(f"/desk/{desk['open']}/take")
    assert visit("pekka").post(f"/desk/{desk['open']}/take").status_code == 409
    back = visit("aino").post("/desk/queue?view=unassigned", data={"take": str(desk["twin"])})
    assert back.headers["Location"].startswith("/desk/?view=unassigned")
    visit("pekka").post("/desk/queue", data={"take": str(desk["twin"])})
    visit("aino").post(f"/desk/{desk['free']}/take")
    with sessions() as session:
        owners = {row.id: row.assigned_to.handle for row in session.query(HelpRequest) if row.assigned_to}
        assert owners == {desk["open"]: "aino", desk["twin"]: "aino", desk["free"]: "aino"}
        assert session.get_one(HelpRequest, desk["free"]).team_id == session.get_one(HelpRequest, desk["open"]).team_id


def test_several_requests_are_assigned_or_resolved_at_once_and_only_those_that_the_agent_handles(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    chosen = [str(desk[name]) for name in ("open", "twin", "hr")] + ["x", "99999"]
    page = visit("aino").post(
        "/desk/queue", data={"request": chosen, "act": "assign", "person": "pekka"}, follow_redirects=True
    )
    assert "2 of 4 requests changed." in page.text
    empty = visit("aino").post("/desk/queue", data={"request": chosen, "act": "resolve", "body": " "})
    assert "done=0" in empty.headers["Location"]
    visit("aino").post("/desk/queue", data={"request": chosen, "act": "resolve", "body": "The driver was mended."})
    with sessions() as session:
        for name in ("open", "twin"):
            row = session.get_one(HelpRequest, desk[name])
            assert row.status == "resolved" and row.assigned_to is not None and row.assigned_to.handle == "pekka"
            assert [reply.body for reply in row.replies if reply.accepted] == ["The driver was mended."]
        assert session.get_one(HelpRequest, desk["hr"]).status == "open"


def test_a_reply_to_several_requests_is_not_sent_where_not_all_readers_may_follow_its_links(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    body = f"As in [Screen is black: secret fix](/requests/{desk['internal']})"
    sent = {"request": [str(desk["open"]), str(desk["twin"])], "act": "resolve", "body": body}
    page = visit("aino").post("/desk/queue", data=sent, follow_redirects=True)
    assert (
        "0 of 2 requests changed." in page.text
        and "secret fix" not in visit("kaisa").get(f"/requests/{desk['open']}").text
    )


def test_the_panel_shows_resolved_requests_documents_open_requests_and_people(
    visit: Visit, desk: dict[str, int]
) -> None:
    page = visit("aino").get(f"/requests/{desk['open']}").text
    assert _cards(page, "panel-resolved")[0] == f"request:{desk['solved']}"
    assert set(_cards(page, "panel-resolved")) == {f"request:{desk['solved']}", f"request:{desk['internal']}"}
    assert _cards(page, "panel-documents") == [f"document:{desk['guide']}"]
    assert _cards(page, "panel-open") == [f"request:{desk['twin']}"]
    assert "person:aino" not in _cards(page, "panel-people")  # the agent who looks at the request
    assert "Show all" in page and "<strong>power</strong>" in page


def test_the_panel_does_not_suggest_the_asker_unless_leaving_them_out_would_reveal_them(
    desk: dict[str, int], add_request: Callable[..., int], sessions: Sessions, open_client: Callable[[], FlaskClient]
) -> None:
    add_request("Screen stays black once more", "after update", "Call me", by="matti", team="it")
    client = open_client()

    def people(name: str) -> list[str]:
        page = sign_in(client, "aino").get(f"/requests/{desk[name]}").text
        return _cards(page, "panel-people")

    assert "person:matti" in people("twin") and "person:matti" not in people("open")
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, desk["free"])
        row.title, row.body, row.anonymous = "Screen stays black", "after update", True
        row.asked_by = session.scalars(select(Person).where(Person.handle == "matti")).one()
    assert "person:matti" in people("free")  # the request has no team, so its agents do not see who asked


def test_only_agents_who_handle_a_request_see_the_panel(visit: Visit, desk: dict[str, int]) -> None:
    for name in ("matti", "kaisa", "riikka"):
        page = visit(name).get(f"/requests/{desk['open']}").text
        assert "Suggestions for this request" not in page and "secret fix" not in page


def test_items_that_the_asker_may_not_read_are_marked_and_inserted_with_a_warning(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    page = visit("aino").get(f"/requests/{desk['open']}").text
    card = page.partition(f'data-key="request:{desk["internal"]}"')[2].partition("</li>")[0]
    assert "Not visible to all readers of this request" in card and "data-text" not in card
    quotable = page.partition(f'data-key="request:{desk["solved"]}"')[2].partition("</li>")[0]
    assert "Not for all" not in quotable and 'data-text="Hold the power button"' in quotable
    inserted = (
        visit("aino")
        .post(f"/desk/{desk['open']}/insert", data={"insert": f"link request:{desk['internal']}", "body": "Hi"})
        .text
    )
    assert "Some readers of this request are not allowed to read what you inserted." in inserted
    assert f"](/requests/{desk['internal']})" in inserted and "Send anyway" in inserted


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("answer", "Hi\n\nHold the power button</textarea>"),
        ("link", "Hi\n\n[Screen is black after update](/requests/1)</textarea>"),
        (
            "quote",
            "Hi\n\n&gt; Hold the power button\n&gt;\n&gt; [Screen is black after update](/requests/1)</textarea>",
        ),
    ],
)
def test_an_answer_a_link_or_a_quote_is_added_after_the_typed_text(
    visit: Visit, desk: dict[str, int], how: str, text: str
) -> None:
    page = visit("aino").post(f"/desk/{desk['open']}/insert", data={"insert": f"{how} request:1", "body": "Hi "}).text
    assert text in page and "Send anyway" not in page


@pytest.mark.parametrize(
    "insert", ["", "link", "link request:9999", "run request:1", "link document:x", "answer request:5"]
)
def test_unknown_items_and_items_that_the_agent_may_not_read_are_not_inserted(
    visit: Visit, desk: dict[str, int], insert: str
) -> None:
    answer = visit("aino").post(f"/desk/{desk['open']}/insert", data={"insert": insert})
    assert answer.status_code == 404  # request:5 belongs to HR


def test_an_item_is_counted_as_used_once_for_each_request(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    for _ in range(2):
        visit("aino").post(f"/desk/{desk['open']}/used", data={"item": "request:1"})
    visit("aino").post(f"/desk/{desk['twin']}/used", data={"item": "request:1"})
    assert "Used 2 times" in visit("kaisa").get("/requests/1").text
    with sessions() as session:
        assert {(event.kind, event.subject_id) for event in session.query(Event)} == {("used", None)}


def test_the_typed_text_stays_when_an_item_is_marked_as_used(visit: Visit, desk: dict[str, int]) -> None:
    page = visit("aino").post(f"/desk/{desk['open']}/used", data={"item": "request:1", "body": "Half a reply"})
    assert page.status_code == 200 and "Half a reply</textarea>" in page.text


def test_moving_a_request_to_its_own_team_changes_nothing(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    visit("aino").post(f"/desk/{desk['open']}/assign", data={"person": "aino"})
    visit("aino").post(f"/desk/{desk['open']}/move", data={"team": "it"})
    with sessions() as session:
        row = session.get_one(HelpRequest, desk["open"])
        assert row.assigned_to is not None and [entry.token for entry in row.audience] == ["everyone"]


def test_a_flag_needs_a_reason_is_shown_to_the_team_and_can_be_settled(visit: Visit, desk: dict[str, int]) -> None:
    empty = visit("aino").post("/desk/flag", data={"item": "request:1", "note": " "})
    assert empty.status_code == 422 and "Say briefly what is wrong." in empty.text
    visit("kaisa").post("/desk/flag", data={"item": "request:1", "note": "the <b>button</b> is gone"})
    page = visit("aino").get("/requests/1").text
    assert (
        "the &lt;b&gt;button&lt;/b&gt; is gone" in page
        and "Kaisa" not in page.partition("flags")[2].partition("</ul>")[0]
    )
    assert "button&lt;/b&gt; is gone" not in visit("matti").get("/requests/1").text
    press(visit("aino"), "/requests/1", "/desk/1/settled")
    assert "is gone" not in visit("aino").get("/requests/1").text


def test_flagging_an_item_that_the_person_may_not_read_is_a_404(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    answer = visit("matti").post("/desk/flag", data={"item": f"request:{desk['internal']}", "note": "x"})
    assert answer.status_code == 404
    with sessions() as session:
        assert session.query(Event).count() == 0


def test_a_request_is_assigned_to_members_of_its_team_only(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    path = f"/desk/{desk['open']}/assign"
    assert visit("aino").post(path, data={"person": "pekka"}).status_code == 302
    assert "Assigned to Pekka" in visit("matti").get(f"/requests/{desk['open']}").text
    assert visit("aino").post(path, data={"person": "riikka"}).status_code == 403
    assert visit("aino").post(path, data={"person": "ghost"}).status_code == 404
    assert visit("riikka").post(path, data={"person": "riikka"}).status_code == 403
    visit("aino").post(path, data={"person": ""})
    with sessions() as session:
        assert session.get_one(HelpRequest, desk["open"]).assigned_to_id is None


def test_a_request_that_moves_to_a_restricted_team_becomes_private(visit: Visit, desk: dict[str, int]) -> None:
    moved = visit("aino").post(f"/desk/{desk['open']}/move", data={"team": "hr"})
    assert moved.headers["Location"] == "/desk/"  # because the agent may no longer read it
    readers = {n: visit(n).get(f"/requests/{desk['open']}").status_code for n in ("matti", "riikka", "aino", "kaisa")}
    assert readers == {"matti": 200, "riikka": 200, "aino": 404, "kaisa": 404}


def test_an_agent_of_a_restricted_team_is_told_before_a_request_becomes_private(
    visit: Visit, desk: dict[str, int], sessions: Sessions, add_request: Callable[..., int]
) -> None:
    free = add_request("Whom do I ask about leave", by="kaisa", asked_by="matti", status="open")  # of no team
    warning = "Only HR and the person who asked can read it then."
    page = visit("riikka").get(f"/requests/{free}").text
    assert warning in page.partition(f'action="/desk/{free}/take"')[2].partition("</form>")[0]
    assert warning not in visit("aino").get(f"/requests/{free}").text  # her team is not restricted
    assert warning not in visit("riikka").get(f"/requests/{desk['free']}").text  # not everyone reads it now
    refused = visit("riikka").post(f"/desk/{free}/take")
    assert refused.status_code == 422 and warning in refused.text
    sent = visit("riikka").post("/desk/queue", data={"take": str(free)})
    assert sent.headers["Location"] == f"/requests/{free}#take"
    visit("riikka").post("/desk/queue", data={"request": str(free), "act": "assign", "person": "riikka"})
    with sessions() as session:
        assert session.get_one(HelpRequest, free).assigned_to_id is None
    assert visit("kaisa").get(f"/requests/{free}").status_code == 200
    press(visit("riikka"), f"/requests/{free}", f"/desk/{free}/take")
    with sessions() as session:
        assert (
            session.get_one(HelpRequest, free).assigned_to_id
            == session.query(Person).filter_by(handle="riikka").one().id
        )
    assert visit("kaisa").get(f"/requests/{free}").status_code == 404


def test_the_form_that_moves_a_request_says_which_teams_keep_it_to_themselves(
    visit: Visit, desk: dict[str, int]
) -> None:
    said = "After a move to HR only that team and the person who asked can read this."
    assert said in visit("aino").get(f"/requests/{desk['open']}").text
    assert said not in visit("aino").get(f"/requests/{desk['free']}").text  # it is for agents only


def test_actions_on_unreadable_and_unknown_requests_get_the_same_answer(visit: Visit, desk: dict[str, int]) -> None:
    data = {"item": "request:1", "insert": "link request:1", "person": "", "team": "it"}
    for action in ("insert", "used", "assign", "move", "settled"):
        secret, unknown = (visit("aino").post(f"/desk/{number}/{action}", data=data) for number in (desk["hr"], 99_999))
        assert (secret.status_code, unknown.status_code) == (404, 404), action


def test_the_keyboard_shortcuts_are_listed(visit: Visit, desk: dict[str, int]) -> None:
    page = visit("aino").get("/desk/keys").text
    assert page.count("<kbd>") >= 8


def test_after_resolving_the_page_offers_the_next_request_and_undo(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    path = f"/requests/{desk['open']}"
    visit("matti").post(f"/requests/{desk['twin']}/replies", data={"body": "Not mine"})
    with sessions.begin() as session:  # the asker of the other one has written last, so that it waits for the team
        session.get_one(HelpRequest, desk["twin"]).asked_by_id = (
            session.query(Person).filter_by(handle="matti").one().id
        )
    sent = {"body": "Hold the button", "then": "resolve"}
    page = visit("aino").post(f"{path}/replies", data=sent, follow_redirects=True)
    assert f'href="/requests/{desk["twin"]}" data-next' in page.text
    beside = page.text[page.text.index('aria-label="After solving it"') :]
    assert f'<h3><a href="/requests/{desk["twin"]}"' in beside and "<span>Matti</span>" in beside
    assert f'href="/documents/new?from={desk["open"]}"' in beside
    with sessions.begin() as session:  # without a team, nobody but the asker is known to know the name
        twin = session.get_one(HelpRequest, desk["twin"])
        twin.anonymous, twin.team_id, twin.name_known_to = True, None, []
    solved = re.findall(r'name="reply" value="(\d+)"', page.text.partition("/undo")[2])[0]
    beside = visit("aino").get(f"{path}?solved={solved}").text.partition('aria-label="After solving it"')[2]
    assert "<span>name hidden</span>" in beside and "Matti" not in beside
    number = re.findall(r'name="reply" value="(\d+)"', page.text.partition("/undo")[2])[0]
    assert visit("matti").post(f"/desk/{desk['open']}/undo", data={"reply": number}).status_code == 403
    assert visit("pekka").post(f"/desk/{desk['open']}/undo", data={"reply": number}).status_code == 403
    undone = visit("aino").post(f"/desk/{desk['open']}/undo", data={"reply": number})
    assert "Hold the button</textarea>" in undone.text
    with sessions() as session:
        row = session.get_one(HelpRequest, desk["open"])
        assert row.status == "open" and "Hold the button" not in [reply.body for reply in row.replies]
    assert visit("aino").post(f"/desk/{desk['open']}/undo", data={"reply": number}).status_code == 404


def test_a_solution_is_taken_back_only_for_some_minutes(visit: Visit, desk: dict[str, int], sessions: Sessions) -> None:
    visit("aino").post(f"/requests/{desk['open']}/replies", data={"body": "Hold it", "then": "resolve"})
    with sessions.begin() as session:
        reply = session.query(Reply).filter_by(body="Hold it").one()
        reply.created_at -= timedelta(hours=1)
        number = reply.id
    assert visit("aino").post(f"/desk/{desk['open']}/undo", data={"reply": str(number)}).status_code == 409
    assert 'data-act="undo"' not in visit("aino").get(f"/requests/{desk['open']}?solved={number}").text


def test_an_answer_in_another_language_says_so_and_keeps_its_link(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(HelpRequest, desk["open"]).language = "fi"
    path, agent = f"/desk/{desk['open']}/insert", visit("aino")
    copied = agent.post(path, data={"insert": "answer request:1"}).text
    link = "[Screen is black after update](/requests/1)"
    assert f"(englanniksi)\n\nHold the power button\n\n{link}</textarea>" in copied
    assert f"{link} (englanniksi)</textarea>" in agent.post(path, data={"insert": "link request:1"}).text
    card = agent.get(f"/requests/{desk['open']}").text.partition('data-key="request:1"')[2].partition("</li>")[0]
    assert "(englanniksi)" in card  # so does the text that the script inserts


def test_cards_say_what_the_asker_was_shown_only_to_those_who_know_the_asker(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, desk["open"])
        row.attempts.append(RequestAttempt(item="request:1", position=0, opened=True))
    assert "The asker has opened this" in visit("aino").get(f"/requests/{desk['open']}").text
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, desk["open"])
        row.anonymous, row.name_known_to = True, []
    assert "The asker has opened this" not in visit("aino").get(f"/requests/{desk['open']}").text


def test_a_suggested_colleague_gets_the_request_with_one_button(visit: Visit, desk: dict[str, int]) -> None:
    page = visit("pekka").get(f"/requests/{desk['open']}").text
    assert "Assign to Aino" in page and "Assign to Kaisa" not in page  # kaisa is no agent of the team


def test_the_page_stays_where_it_was_after_used_and_not_my_topic(visit: Visit, desk: dict[str, int]) -> None:
    used = visit("aino").post(f"/desk/{desk['open']}/used", data={"item": "request:1"})
    assert used.headers["Location"].endswith("#card-request-1")
    assert 'id="card-request-1"' in visit("aino").get(f"/requests/{desk['open']}").text
    declined = visit("aino").post("/people/me/topics", data={"item": "request:1"})
    assert declined.headers["Location"].endswith("#item-request-1")
    assert 'id="item-request-1"' in visit("aino").get("/people/aino").text


def test_a_snoozed_request_is_left_out_until_something_happens(visit: Visit, desk: dict[str, int]) -> None:
    assert visit("matti").post(f"/desk/{desk['open']}/snooze", data={"until": "week"}).status_code == 403
    visit("aino").post(f"/desk/{desk['open']}/snooze", data={"until": "week"})
    page = visit("pekka").get("/desk/").text
    assert _queue(page) == [desk["free"], desk["twin"]]
    assert '<span aria-hidden="true">2</span><span class="hidden">(open)' in page  # the number in the navigation
    assert _queue(visit("pekka").get("/desk/?view=snoozed").text) == [desk["open"]]
    visit("aino").post(f"/desk/{desk['open']}/snooze", data={"until": ""})
    assert desk["open"] in _queue(visit("pekka").get("/desk/").text)
    visit("aino").post(f"/desk/{desk['open']}/snooze", data={"until": "tomorrow"})
    visit("matti").post(f"/requests/{desk['open']}/replies", data={"body": "Still black"})
    assert desk["open"] in _queue(visit("pekka").get("/desk/").text)


def test_the_navigation_counts_what_the_view_of_all_open_requests_shows(visit: Visit, desk: dict[str, int]) -> None:
    aino = visit("aino")
    aino.post(f"/desk/{desk['open']}/snooze", data={"until": "week"})
    page = aino.get("/desk/").text
    assert re.findall(r'Queue <span class="count"><span aria-hidden="true">(\d+)<', page) == ["2"] == _views(page)[:1]


def test_the_queue_is_counted_in_one_query_beside_the_counter_in_the_navigation(
    visit: Visit, desk: dict[str, int]
) -> None:
    aino, counted = visit("aino"), []
    aino.post(f"/desk/{desk['open']}/snooze", data={"until": "week"})
    aino.post(f"/desk/{desk['free']}/take")
    engine = aino.application.extensions["kollega_sessions"].kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    assert _views(aino.get("/desk/?view=mine").text) == ["2", "1", "1", "1", "1"]
    assert len([statement for statement in counted if "count(" in statement and "snoozed_requests" in statement]) == 2


def test_a_request_is_marked_as_the_same_as_another_or_closed_with_a_link_to_it(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    path = f"/desk/{desk['twin']}/same"
    for number in (desk["hr"], desk["twin"], 9999):
        refused = visit("aino").post(path, data={"number": str(number)})
        form = refused.text.partition('id="same-form"')[2].partition("</details>")[0]
        assert refused.status_code == 422 and 'id="body-error"' not in refused.text
        assert f'value="{number}"' in form and 'aria-invalid="true" aria-describedby="same-error"' in form
        assert re.search(r'id="same-error"[^>]*>\s*None of the requests that you handle has this number', form)
        assert '<details class="more" open>' in refused.text and '<details open id="same-form"' in refused.text
    visit("aino").post(path, data={"number": str(desk["open"])})
    assert f">#{desk['twin']} Black screen after update</a>" in visit("kaisa").get(f"/requests/{desk['open']}").text
    hidden = visit("aino").post(path, data={"number": str(desk["internal"]), "act": "close"})
    assert hidden.status_code == 422 and "so this one stays open" in hidden.text.partition('id="same-error"')[2][:300]
    assert "secret fix" not in visit("kaisa").get(f"/requests/{desk['twin']}").text
    visit("aino").post(path, data={"number": str(desk["open"]), "act": "close"})
    with sessions() as session:
        row = session.get_one(HelpRequest, desk["twin"])
        solution = next(reply.body for reply in row.replies if reply.accepted)
        assert row.status == "resolved" and f"](/requests/{desk['open']})" in solution
        assert solution.endswith("You will be told when it is solved.") and merged_into(solution) == str(desk["open"])
        assert row.asked_by is not None
        assert following.following(session, session.get_one(HelpRequest, desk["open"]), row.asked_by)[1]
        assert "Screen stays black" not in solution  # it may be changed, withdrawn or made private later
        session.get_one(HelpRequest, desk["open"]).audience = []
        session.commit()
    assert "Screen stays black" in visit("aino").get(f"/requests/{desk['twin']}").text
    assert "Screen stays black" not in visit("kaisa").get(f"/requests/{desk['twin']}").text


def test_who_follows_a_request_follows_the_one_that_it_is_merged_into(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    old, new = desk["twin"], desk["open"]  # of kaisa, and of matti
    visit("riikka").post(f"/inbox/follow/{old}", data={"what": "follow", "on": "1"})
    visit("riikka").post(f"/inbox/follow/{new}", data={"what": "me_too", "on": "1"})
    visit("matti").post(f"/inbox/follow/{old}", data={"what": "me_too", "on": "1"})
    visit("aino").post(f"/desk/{old}/same", data={"number": str(new)})
    with sessions() as session:
        assert session.query(RequestFollow).filter_by(request_id=new).count() == 1  # only marked as the same
    visit("aino").post(f"/desk/{old}/same", data={"number": str(new), "act": "close"})
    with sessions() as session:
        rows = session.query(RequestFollow).filter_by(request_id=new)
        names = {session.get_one(Person, row.person_id).handle: (row.follows, row.me_too) for row in rows}
    assert names == {"riikka": (True, True), "kaisa": (False, True)}  # its own asker is told anyway
    visit("aino").post(f"/requests/{new}/replies", data={"body": "A new cable helps.", "then": "resolve"})
    assert "Screen stays black" in visit("kaisa").get("/inbox/").text
