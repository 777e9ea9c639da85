"""The page about answers: pins are added and removed, and the lists show only what the admin may read."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database.item_tables import Replacement
from recommender.database.tables import Document, Event, utc_now
from recommender.database.words_tables import Pin
from recommender.knowledge.outcomes import EventKind
from tests.conftest import sign_in

PIN = {"phrase": "winter holiday", "until": "2999-01-31", "audience": "everyone", "team": "hr"}


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_document: Callable[..., int],
    add_request: Callable[..., int],
) -> FlaskClient:  # fmt: skip
    add_person("aino", "admin", "it")
    add_person("matti", "agent", "hr")
    add_document("When holidays are", "In July.", team="hr")
    add_document("Secret zebrafish", "Hush.", audience=("team:hr",), team="hr")
    add_request("Printer", "It is stuck.", "Open it.")
    return open_client()


@pytest.mark.parametrize("item", ["document:1", "/documents/1", "https://kollega.example.org/documents/1?q=2"])
def test_an_answer_is_pinned_shown_with_who_chose_it_and_removed(
    client: FlaskClient, sessions: sessionmaker[Session], item: str
) -> None:
    aino = sign_in(client, "aino")
    page = aino.post("/admin/answers/pins", data={**PIN, "item": item}, follow_redirects=True).text
    assert "winter holiday" in page and "When holidays are" in page and "Chosen by HR" in page
    card = aino.get("/?q=when+is+the+winter+holiday").text
    assert card.index("Chosen by HR until") < card.index("In July.")
    assert "Chosen by HR until" not in aino.get("/?q=printer").text
    removed = aino.post("/admin/answers/pins/1/remove", follow_redirects=True).text
    assert "no longer shown first" in removed and "winter holiday" not in removed
    assert aino.post("/admin/answers/pins/1/remove").status_code == 404
    with sessions() as session:
        made, gone = audit.entries(session, action="pin")
        assert (made.action, gone.action) == ("pin.added", "pin.removed") and made.actor_id == gone.actor_id == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"phrase": ""}, "Write the words of the question"),
        ({"item": "document:2"}, "This is no guide or solved request that you may read"),
        ({"item": "document:99"}, "This is no guide or solved request that you may read"),
        ({"until": "soon"}, "Choose a day from today on"),
        ({"until": "2001-01-01"}, "Choose a day from today on"),
        ({"audience": "person:1"}, "Choose who sees it first"),
        ({"team": "nobody"}, "Choose who has chosen it"),
    ],
)
def test_what_cannot_be_pinned_is_said_and_what_was_typed_stays(
    client: FlaskClient, sessions: sessionmaker[Session], wrong: dict[str, str], said: str
) -> None:
    answer = sign_in(client, "aino").post("/admin/answers/pins", data={**PIN, "item": "document:1", **wrong})
    assert answer.status_code == 422 and said in answer.text
    assert wrong.get("until") == "soon" or wrong.get("phrase") == "" or "winter holiday" in answer.text
    with sessions() as session:
        assert session.query(Pin).count() == 0


def test_the_lists_have_what_is_reported_replaced_and_hidden_as_far_as_the_admin_may_read_it(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        for key in ("document:1", "document:2"):
            session.add(Event(kind=EventKind.FLAGGED, item=key, day=utc_now().date(), note="zebrafish", settled=False))
        session.add(Event(kind=EventKind.FLAGGED, item="request:1", day=utc_now().date(), note="", settled=True))
        session.add(Replacement(item="request:1", by="document:2"))
        session.add(Replacement(item="document:2", by="request:1"))
        session.add(Pin(phrase="lungfish", item="document:2", audience="everyone", until=utc_now().date()))
    page = sign_in(client, "aino").get("/admin/answers/").text
    flagged, _, rest = page.partition('id="flagged"')[2].partition('id="replaced"')
    replaced, _, hidden = rest.partition('id="hidden"')
    assert "When holidays are" in flagged and "1 report" in flagged and "Printer" not in flagged
    assert "Printer" in replaced and "Nothing is hidden" in hidden
    assert "zebrafish" not in page.lower() and "An answer that you may not read" in page
    assert "lungfish" not in page and "Hidden words" in page  # the words of a pin may tell what the answer is about
    with sessions.begin() as session:
        for number in (1, 2):
            session.get_one(Document, number).hidden = True
    hidden = sign_in(client, "aino").get("/admin/answers/").text.partition('id="hidden"')[2]
    assert "When holidays are" in hidden and "zebrafish" not in hidden


def test_only_admins_may(client: FlaskClient) -> None:
    matti = sign_in(client, "matti")
    assert matti.get("/admin/answers/").status_code == 403
    assert matti.post("/admin/answers/pins", data={**PIN, "item": "document:1"}).status_code == 403
    assert matti.post("/admin/answers/pins/1/remove").status_code == 403
