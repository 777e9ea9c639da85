"""replacing.py: marking an item as replaced on its page, in the form and with its errors."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.item_tables import Replacement
from tests.conftest import sign_in

Visit = Callable[[str], FlaskClient]
NOT_FOUND = "No solved request or published guide that you can read has this address."


@pytest.fixture
def ids(
    add_request: Callable[..., int], add_document: Callable[..., int], add_person: Callable[..., int]
) -> dict[str, int]:
    """Ids of items of IT and a private one of HR. Aino is an agent of IT, Helena of HR, Olli owns the guide."""
    made = {
        "old": add_request("VPN old", "drops", team="it"),
        "guide": add_document("VPN guide <i>", "Use it.", team="it", owner="olli"),
        "secret": add_request("Salaries", team="hr", audience=["team:hr"]),
    }
    add_person("aino", "agent", "it")
    add_person("helena", "agent", "it", "hr")
    return made


@pytest.fixture
def visit(ids: dict[str, int], open_client: Callable[[], FlaskClient]) -> Visit:
    client = open_client()
    return lambda handle: sign_in(client, handle) if handle else client


def _notice(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", page.partition('aria-label="Replaced"')[2].partition("</section>")[0]))


@pytest.mark.parametrize(
    "typed",
    ["document:{guide}", " Document:{guide} ", "http://localhost/documents/{guide}", "/documents/{guide}/",
     "http://localhost/documents/{guide}?lang=fi#text"],
)  # fmt: skip
def test_an_agent_names_the_newer_item_by_key_or_address(
    visit: Visit, ids: dict[str, int], sessions: sessionmaker[Session], typed: str
) -> None:
    key = f"request:{ids['old']}"
    aino = visit("aino")
    assert f'action="/items/{key}/replaced"' in aino.get(f"/requests/{ids['old']}").text
    answer = aino.post(f"/items/{key}/replaced", data={"by": typed.format(**ids)})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/requests/{ids['old']}")
    with sessions() as session:
        assert [(row.item, row.by) for row in session.scalars(select(Replacement))] == [
            (key, f"document:{ids['guide']}")
        ]
    page = visit("").get(f"/requests/{ids['old']}").text
    link = f'<a href="/documents/{ids["guide"]}" lang="en">VPN guide &lt;i&gt;</a>'
    assert f"Replaced by: {link}" in page and re.search(r"Marked \w+ \d+, \d+ by Aino", _notice(page))
    assert "Remove this mark" not in page and "/replaced" not in page
    assert "Remove this mark" in aino.get(f"/requests/{ids['old']}").text
    assert aino.post(f"/items/{key}/current").status_code == 302
    assert "Replaced by:" not in visit("").get(f"/requests/{ids['old']}").text


def test_the_owner_of_a_document_marks_it_and_takes_the_mark_off(visit: Visit, ids: dict[str, int]) -> None:
    olli, key, address = visit("olli"), f"document:{ids['guide']}", f"/documents/{ids['guide']}"
    answer = olli.post(f"/items/{key}/replaced", data={"by": f"request:{ids['old']}"})
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    assert "Replaced by: <a" in olli.get(address).text and "Remove this mark" in olli.get(address).text
    olli.post(f"/items/{key}/current")
    assert "Replaced by: <a" not in olli.get(address).text


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", NOT_FOUND),
        ("the new guide", NOT_FOUND),
        ("request:404", NOT_FOUND),
        ("request:{secret}", NOT_FOUND),
        ("https://elsewhere.example/documents/{guide}", NOT_FOUND),
        ("http://[", NOT_FOUND),
        ('"><script>', NOT_FOUND),
        ("request:{old}", "This is the address of this page. Enter the address"),
    ],
)
def test_what_cannot_replace_is_said_beside_the_field_and_what_was_typed_stays(
    visit: Visit, ids: dict[str, int], typed: str, problem: str
) -> None:
    answer = visit("aino").post(f"/items/request:{ids['old']}/replaced", data={"by": typed.format(**ids)})
    assert answer.status_code == 422 and '<details class="replacing" open>' in answer.text
    assert f'id="by-error">{problem}' in answer.text and "Salaries" not in answer.text
    assert f'value="{typed.format(**ids)}"' in unescape(answer.text) and "<script>" not in answer.text


def test_a_circle_is_refused_on_the_page_of_a_document(visit: Visit, ids: dict[str, int]) -> None:
    aino = visit("aino")
    aino.post(f"/items/request:{ids['old']}/replaced", data={"by": f"document:{ids['guide']}"})
    answer = aino.post(f"/items/document:{ids['guide']}/replaced", data={"by": f"request:{ids['old']}"})
    assert answer.status_code == 422 and "That page is already marked as replaced by this one." in answer.text


def test_others_may_not_mark_and_unknown_items_are_not_found(visit: Visit, ids: dict[str, int]) -> None:
    sent = {"by": f"document:{ids['guide']}"}
    for act in ("replaced", "current"):
        assert visit("").post(f"/items/request:{ids['old']}/{act}", data=sent).status_code == 401
        assert visit("olli").post(f"/items/request:{ids['old']}/{act}", data=sent).status_code == 403
        for key in ("request:404", f"request:{ids['secret']}", "draft:1", "request:0", "request:99999999999"):
            assert visit("aino").post(f"/items/{key}/{act}", data=sent).status_code == 404


def test_who_may_not_read_the_newer_item_learns_neither_its_title_nor_its_address(
    visit: Visit, ids: dict[str, int]
) -> None:
    helena = visit("helena")
    helena.post(f"/items/request:{ids['old']}/replaced", data={"by": f"request:{ids['secret']}"})
    address = f"/requests/{ids['old']}"
    assert "Salaries" in _notice(helena.get(address).text)
    for handle in ("aino", ""):
        page = visit(handle).get(address).text
        assert "Replaced by another answer, which you cannot open." in page
        assert "Salaries" not in page and f"/requests/{ids['secret']}" not in page
