"""desk.py and panel.py: the queue, the panel beside a request, and what agents do from it."""

import re
from collections.abc import Callable, Sequence

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Event, HelpRequest, Person
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
    return [int(number) for number in re.findall(r'data-row>\s*<a href="/requests/(\d+)"', page)]


def _cards(page: str, section: str) -> list[str]:
    part = page.partition(f'aria-labelledby="{section}"')[2].partition("</section>")[0]
    return re.findall(r'data-key="([^"]+)"', part)


def test_agents_see_the_requests_of_their_teams_and_of_no_team_in_the_queue(visit: Visit, desk: dict[str, int]) -> None:
    assert visit("matti").get("/desk/").status_code == 403
    aino, riikka = visit("aino").get("/desk/").text, visit("riikka").get("/desk/").text
    assert _queue(aino) == [desk["open"], desk["twin"], desk["free"]] and "3 requests" in aino
    assert _queue(riikka) == [desk["hr"], desk["free"]] and "2 requests" in riikka


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
        ("assigned=me", ["twin"]),
        ("assigned=nobody", ["open", "free"]),
        ("state=nonsense&page=x&assigned=<", ["open", "twin", "free"]),
        ("page=2", []),
    ],
)
def test_filters_narrow_the_queue(visit: Visit, desk: dict[str, int], query: str, expected: Sequence[str]) -> None:
    visit("aino").post(f"/desk/{desk['twin']}/assign", data={"person": "aino"})
    assert sorted(_queue(visit("aino").get(f"/desk/?{query}").text)) == sorted(desk[name] for name in expected)


def test_the_panel_shows_resolved_requests_documents_open_requests_and_people(
    visit: Visit, desk: dict[str, int]
) -> None:
    page = visit("aino").get(f"/requests/{desk['open']}").text
    assert _cards(page, "panel-resolved")[0] == f"request:{desk['solved']}"
    assert set(_cards(page, "panel-resolved")) == {f"request:{desk['solved']}", f"request:{desk['internal']}"}
    assert _cards(page, "panel-documents") == [f"document:{desk['guide']}"]
    assert _cards(page, "panel-open") == [f"request:{desk['twin']}"]
    assert "person:aino" not in _cards(page, "panel-people")  # the agent who looks at the request
    assert "Read it here" in page and "<strong>power</strong>" in page


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
        assert "Beside this request" not in page and "secret fix" not in page


def test_items_that_the_asker_may_not_read_are_marked_and_inserted_with_a_warning(
    visit: Visit, desk: dict[str, int], sessions: Sessions
) -> None:
    page = visit("aino").get(f"/requests/{desk['open']}").text
    card = page.partition(f'data-key="request:{desk["internal"]}"')[2].partition("</li>")[0]
    assert "Not for all who read this request" in card and "data-text" not in card
    quotable = page.partition(f'data-key="request:{desk["solved"]}"')[2].partition("</li>")[0]
    assert "Not for all" not in quotable and 'data-text="Hold the power button"' in quotable
    inserted = (
        visit("aino")
        .post(f"/desk/{desk['open']}/insert", data={"insert": f"link request:{desk['internal']}", "body": "Hi"})
        .text
    )
    assert "Not everyone who reads this request may read what you inserted." in inserted
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
    assert empty.status_code == 422 and "Say in a word what is wrong." in empty.text
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
    assert "with Pekka" in visit("matti").get(f"/requests/{desk['open']}").text
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


def test_actions_on_unreadable_and_unknown_requests_get_the_same_answer(visit: Visit, desk: dict[str, int]) -> None:
    data = {"item": "request:1", "insert": "link request:1", "person": "", "team": "it"}
    for action in ("insert", "used", "assign", "move", "settled"):
        secret, unknown = (visit("aino").post(f"/desk/{number}/{action}", data=data) for number in (desk["hr"], 99_999))
        assert (secret.status_code, unknown.status_code) == (404, 404), action


def test_the_keyboard_shortcuts_are_listed(visit: Visit, desk: dict[str, int]) -> None:
    page = visit("aino").get("/desk/keys").text
    assert page.count("<kbd>") >= 8
