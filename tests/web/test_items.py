"""The pages of requests, documents and people: what they show, to whom, and that nothing in them runs."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Document, HelpRequest, Person, Reply, utc_now

OpenClient = Callable[[], FlaskClient]
AddRequest = Callable[..., int]
Sessions = sessionmaker[Session]


@pytest.fixture
def change(sessions: Sessions) -> Callable[..., None]:
    """Sets columns of a row."""

    def change(table: type, identifier: int, **values: object) -> None:
        with sessions.begin() as session:
            row = session.get_one(table, identifier)
            for name, value in values.items():
                setattr(row, name, value)

    return change


def _main(html: str) -> str:
    return html.partition('<main id="main">')[2].partition("</main>")[0]


def test_a_request_shows_its_question_its_solution_and_then_the_conversation(
    open_client: OpenClient, add_request: AddRequest, sessions: Sessions
) -> None:
    number = add_request(
        "Printer stuck", "It jams.\n\nEvery day.", "Open the back.", team="it", asked_by="matti", by="aino"
    )
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, number)
        row.replies.append(Reply(body="Which floor?", created_at=datetime(2025, 12, 31)))
    page = _main(open_client().get(f"/requests/{number}").text)
    parts = [
        '<h1 lang="en">Printer stuck</h1>',
        "<p>It jams.</p>\n<p>Every day.</p>",
        "The solution",
        "Open the back.",
        "The whole conversation",
        "Which floor?",
    ]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert '<a href="/people/matti">Matti</a>' in page and '<a href="/people/aino">Aino</a>' in page
    assert "Solved request" in page and re.search(r"IT</span>", page)
    assert '<time datetime="2026-01-01">Jan 1, 2026</time>' in page


def test_an_open_request_says_so_and_a_written_resolution_is_shown(
    open_client: OpenClient, add_request: AddRequest, change: Callable[..., None]
) -> None:
    still = add_request("Still open", status="open")
    written = add_request("Solved in writing")
    change(HelpRequest, written, resolution="Use the <back> door.")
    client = open_client()
    assert "Open request" in client.get(f"/requests/{still}").text
    assert "<p>Use the &lt;back&gt; door.</p>" in client.get(f"/requests/{written}").text


def test_dates_and_team_names_are_in_the_pages_language(
    open_client: OpenClient, add_request: AddRequest, sessions: Sessions
) -> None:
    number = add_request("Printer stuck", team="it")
    with sessions.begin() as session:
        team = session.get_one(HelpRequest, number).team
        assert team is not None
        team.name_fi, team.name_sv = "Tietohallinto", "IT-stöd"
    page = _main(open_client().get(f"/requests/{number}?lang=fi").text)
    assert "Tietohallinto" in page and "Ratkaistu pyyntö" in page and "1.1.2026" in page and "englanti" in page
    page = _main(open_client().get(f"/requests/{number}?lang=sv").text)
    assert "IT-stöd" in page and "Löst ärende" in page and "1 jan. 2026" in page and "engelska" in page


def test_a_team_without_a_swedish_name_has_its_usual_one_on_swedish_pages(
    open_client: OpenClient, add_request: AddRequest, sessions: sessionmaker[Session]
) -> None:
    number = add_request("Printer stuck", team="it")
    with sessions.begin() as session:
        team = session.get_one(HelpRequest, number).team
        assert team is not None
        team.name, team.name_fi = "Helpdesk", "Tietohallinto"
    page = _main(open_client().get(f"/requests/{number}?lang=sv").text)
    assert "Helpdesk" in page and "Tietohallinto" not in page


@pytest.mark.parametrize("name", ["endpoint", "_scheme", "_anchor", "_external", "_method", "handle"])
def test_any_user_name_in_an_address_gives_a_page(open_client: OpenClient, add_request: AddRequest, name: str) -> None:
    add_request("Printer stuck", by="aino")
    page = open_client().get(f"/people/aino?{name}=x&lang=en")
    assert page.status_code == 200 and f'href="/people/aino?{name}=x&amp;lang=fi"' in page.text


def _without_own_address(page: str) -> str:
    """A page without the links that contain its own address: to sign in, and to the other language."""
    return re.sub(r'href="[^"]*[?](next|lang)=[^"]*"', "", page)


def test_unknown_unreadable_and_hidden_ids_give_the_same_404(
    open_client: OpenClient, add_request: AddRequest, add_document: Callable[..., int], change: Callable[..., None]
) -> None:
    secret = add_request("Salary table", audience=["team:hr"], team="hr", asked_by="matti")
    hidden = add_request("Hidden one")
    change(HelpRequest, hidden, hidden=True)
    policy = add_document("Secret policy", "x", audience=("team:hr",))
    old = add_document("Old policy", "x", hidden=True)
    client = open_client()
    unknown = client.get("/requests/4040")
    assert unknown.status_code == 404 and "Page not found" in unknown.text
    paths = [f"/requests/{secret}", f"/requests/{hidden}", f"/documents/{policy}", f"/documents/{old}"]
    for path in [*paths, "/documents/4040", "/people/nobody", "/nowhere"]:
        answer = client.get(path)
        assert (answer.status_code, _without_own_address(answer.text)) == (404, _without_own_address(unknown.text)), (
            path
        )
        assert answer.headers["Content-Security-Policy"] == unknown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/requests/{}", "/documents/{}", "/api/v1/requests/{}", "/api/v1/documents/{}"])
def test_an_id_that_is_too_large_for_the_database_is_unknown(
    open_client: OpenClient, add_request: AddRequest, path: str
) -> None:
    add_request("Printer stuck")
    assert open_client().get(path.format(10**20)).status_code == 404


def test_payloads_in_a_request_are_shown_as_text(
    open_client: OpenClient, add_request: AddRequest, sessions: Sessions
) -> None:
    payload = "<script>alert('x')</script><img src=x onerror=alert(1)> \"q\""
    number = add_request(payload, payload, payload, by="<b>eve</b>", asked_by="<u>mal</u>")
    page = open_client().get(f"/requests/{number}").text
    page = re.sub(r'<script type="module" src="/static/\w+\.js\?v=\w+"></script>', "", page)
    assert (
        "<script" not in page and "<img src=x" not in page and "<b>" not in page.lower() and "<u>" not in page.lower()
    )
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") == 2  # title, heading
    assert page.count("&lt;script&gt;alert('x')&lt;/script&gt;") == 2  # body, reply
    assert "<title>&lt;script&gt;" in page
    assert 'href="/people/%3Cb%3Eeve%3C/b%3E"' in page


def test_a_document_is_rendered_without_anything_that_runs(
    open_client: OpenClient, add_document: Callable[..., int]
) -> None:
    body = (
        "# Big\n\n**bold** and `code <b>`\n\n- one\n- two\n\n```sh\nls | wc\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n"
        "<script>alert(1)</script>\n\n[bad](javascript:alert(1)) [data](data:text/html,x) [good](https://x.example/)\n\n"
        "![pixel](https://x.example/p.png) <img src=x onerror=alert(1)>\n"
    )
    number = add_document('Guide "to" <it>', body)
    page = _main(open_client().get(f"/documents/{number}").text)
    assert '<h1 lang="en">Guide &#34;to&#34; &lt;it&gt;</h1>' in page and page.count("<h1") == 1
    assert "<h2>Big</h2>" in page and "<strong>bold</strong>" in page and "<code>code &lt;b&gt;</code>" in page
    assert "<li>one</li>" in page and "ls | wc" in page and "<td>1</td>" in page
    assert '<a href="https://x.example/" rel="noopener noreferrer nofollow">good</a>' in page
    assert re.findall(r'href="(?:javascript|data)', page) == []
    assert "<script" not in page and "<img" not in page
    assert "Not verified yet" in page


def test_a_profile_lists_what_a_person_solved_if_everyone_may_read_it(
    open_client: OpenClient, add_request: AddRequest, add_document: Callable[..., int], sessions: Sessions
) -> None:
    older = add_request("Printer stuck", by="aino", at=datetime(2026, 1, 1))
    newer = add_request("VPN fails", by="aino", at=datetime(2026, 2, 1))
    add_request("Salary table", by="aino", audience=["team:hr"])
    add_request("Not solved yet", by="aino", status="open")
    add_request("Solved by another", by="matti")
    public, secret = add_document("Guide", "x"), add_document("Secret policy", "x", ("team:hr",))
    with sessions.begin() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        aino.languages = ["fi", "en"]
        for identifier in (public, secret):
            session.get_one(Document, identifier).owner_id = aino.id
    page = _main(open_client().get("/people/aino").text)
    assert re.findall(r'href="/requests/(\d+)"', page) == [str(newer), str(older)]
    assert re.findall(r'href="/documents/(\d+)"', page) == [str(public)]
    assert "Salary" not in page and "Secret" not in page and "Finnish, English" in page


@pytest.mark.parametrize(
    ("values", "shown", "not_shown"),
    [
        ({"left_on": date(2025, 1, 1)}, "Has left the organisation", "Away until"),
        ({"away_until": date(2126, 5, 1)}, "Away until May 1, 2126", "Has left"),
        ({"away_until": date(2025, 1, 1)}, "Nothing that you can read.", "Away until"),
        ({"left_on": utc_now().date() + timedelta(days=30)}, "Nothing that you can read.", "Has left"),
    ],
)
def test_a_profile_says_whether_the_person_has_left_or_is_away(
    open_client: OpenClient,
    add_request: AddRequest,
    sessions: Sessions,
    values: dict[str, date],
    shown: str,
    not_shown: str,
) -> None:
    add_request("Salary table", by="aino", audience=["team:hr"])
    with sessions.begin() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        for name, value in values.items():
            setattr(aino, name, value)
    page = _main(open_client().get("/people/aino").text)
    assert shown in page and not_shown not in page
