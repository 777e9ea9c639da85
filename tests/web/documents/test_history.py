"""history.py and versions.py: what is stored at each save, who may read it, comparing, restoring, removing, erasing."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.audit import COMMAND
from recommender.database.documents_tables import DocumentVersion
from recommender.database.tables import Document, DocumentAudience, Person
from recommender.knowledge import erasure
from tests.conftest import sign_in
from tests.web.forms import press

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]
FORM = {
    "title": "Black screens", "body": "Hold the button.\n\nWait.", "team": "it", "owner": "aino",
    "audience": "everyone", "review_days": "90", "then": "publish",
}  # fmt: skip


@pytest.fixture
def visit(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> Visit:
    """Browsers of matti (staff), tiina (staff in IT), aino and pekka (agents of IT), riikka (agent of HR)."""
    for handle, role, teams in (
        ("matti", "staff", ()), ("tiina", "staff", ("it",)), ("aino", "agent", ("it",)), ("pekka", "agent", ("it",)),
        ("riikka", "agent", ("hr",)),
    ):  # fmt: skip
        add_person(handle, role, *teams)
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _write(visitor: FlaskClient, **changes: str) -> str:
    """Write a document and return the path of its page."""
    return visitor.post("/documents/", data={**FORM, **changes}).headers["Location"]


def _save(visitor: FlaskClient, page: str, **changes: str) -> None:
    seen = re.search(r'name="seen" value="([^"]*)"', visitor.get(f"{page}/edit").text)
    assert seen is not None
    assert visitor.post(page, data={**FORM, "seen": seen[1], **changes}).status_code == 302


def _versions(visitor: FlaskClient, page: str) -> list[str]:
    """The addresses of the versions that somebody is shown, newest first."""
    return re.findall(rf'href="({page}/history/\d+)"', visitor.get(f"{page}/history/").text)


def test_each_save_is_kept_with_who_saved_it_and_shows_what_it_changed(visit: Visit) -> None:
    page = _write(visit("aino"))
    assert "/history/" not in visit("matti").get(page).text  # nothing to see yet
    _save(visit("pekka"), page, body="Hold the button.\n\nCall us.")
    assert f'href="{page}/history/"' in visit("matti").get(page).text
    newest, first = _versions(visit("matti"), page)
    listed = visit("matti").get(f"{page}/history/").text
    assert listed.count("Current version") == 1 and listed.index(newest) < listed.index(
        "Current version"
    ) < listed.index(first)
    shown = visit("matti").get(newest).text
    assert "Saved by" in shown and "/people/pekka" in shown
    assert "<del>Wait.<br></del>" in shown and "<ins>Call us.<br></ins>" in shown
    assert "Removed" in shown and "Added" in shown and "Restore" not in shown
    assert "This is the first version" in visit("matti").get(first).text
    assert "<del>Wait.<br></del>" in visit("matti").get(f"{first}?with=now").text


def test_saving_the_same_again_makes_no_version(visit: Visit) -> None:
    page = _write(visit("aino"))
    _save(visit("aino"), page, review_days="180")
    assert len(_versions(visit("aino"), page)) == 1


def test_a_draft_is_never_shown_to_those_who_could_not_read_it(visit: Visit) -> None:
    page = _write(visit("aino"), body="Secret name", then="draft")
    _save(visit("aino"), page, body="No name")
    draft = _versions(visit("tiina"), page)[-1]
    assert "Secret name" in visit("tiina").get(draft).text
    for who in ("matti", "riikka"):
        assert len(_versions(visit(who), page)) == 1
        assert visit(who).get(draft).status_code == 404
        everything = visit(who).get(page).text + visit(who).get(_versions(visit(who), page)[0]).text
        assert "Secret name" not in everything and "first version that you can read" in everything
        assert "/history/" not in visit(who).get(page).text  # one version is no history


def test_a_text_that_was_narrowed_stays_narrow_when_the_document_is_for_everyone_again(visit: Visit) -> None:
    page = _write(visit("aino"), body="Leaked by mistake")
    _save(visit("aino"), page, body="Leaked by mistake", audience="team")
    _save(visit("aino"), page, body="Cleaned")
    assert len(_versions(visit("aino"), page)) == 3
    (only,) = _versions(visit("matti"), page)
    assert "Leaked" not in visit("matti").get(only).text


def test_who_may_not_read_the_document_may_not_read_what_it_said(visit: Visit) -> None:
    page = _write(visit("aino"))
    (version,) = _versions(visit("matti"), page)
    _save(visit("aino"), page, audience="team", body="For IT")
    assert visit("matti").get(version).status_code == visit("matti").get(f"{page}/history/").status_code == 404
    other = _write(visit("aino"), title="Another")
    assert visit("matti").get(version.replace(page, other)).status_code == 404


def test_a_team_that_takes_over_does_not_read_what_only_the_other_could(visit: Visit, sessions: Sessions) -> None:
    page = _write(visit("aino"), audience="team", body="Only IT", owner="")
    _save(visit("aino"), page, audience="team", body="Later words", owner="")
    with sessions.begin() as session:
        hr = session.scalars(select(Person).where(Person.handle == "riikka")).one().teams[0]
        session.get_one(Document, 1).team = hr
    _save(visit("riikka"), page, team="hr", owner="", body="For HR", audience="team")
    texts = [visit("riikka").get(address).text for address in _versions(visit("riikka"), page)]
    assert len(texts) == 2 and "Later words" in texts[1]  # HR could read this when it took over
    assert not any("Only IT" in text for text in texts)
    with sessions() as session:
        assert session.scalars(select(DocumentVersion.audience).order_by(DocumentVersion.id)).all()[0] == ["team:it"]


def test_what_an_import_changed_is_kept_too(visit: Visit, sessions: Sessions) -> None:
    page = _write(visit("aino"))
    with sessions.begin() as session:
        session.get_one(Document, 1).body = "As the wiki says"
    _save(visit("aino"), page, body="As we say")
    newest, imported, _first = _versions(visit("matti"), page)
    assert "As the wiki says" in visit("matti").get(imported).text and "/people/" not in _main(visit, imported)
    assert "<del>As the wiki says<br></del>" in visit("matti").get(newest).text


def _main(visit: Visit, address: str) -> str:
    return visit("matti").get(address).text.partition('<main id="main">')[2]


def test_a_version_is_restored_by_saving_it(visit: Visit, sessions: Sessions) -> None:
    page = _write(visit("aino"))
    _save(visit("aino"), page, body="Worse")
    first = _versions(visit("aino"), page)[-1]
    assert "Restore" in visit("pekka").get(first).text
    form = f"{page}/edit?version={first.rpartition('/')[2]}"
    assert "It is restored when you save" in visit("pekka").get(form).text
    assert press(visit("pekka"), form, page, then="publish").status_code == 302
    with sessions() as session:
        assert session.get_one(Document, 1).body == FORM["body"]
    assert len(_versions(visit("aino"), page)) == 3
    assert (
        visit("matti").get(form).status_code == 403 and visit("pekka").get(f"{page}/edit?version=99").status_code == 404
    )


def test_a_narrow_version_is_not_published_to_everyone_unless_confirmed(visit: Visit) -> None:
    page = _write(visit("aino"), body="Secret name", then="draft")
    _save(visit("aino"), page, body="No name")
    form = f"{page}/edit?version={_versions(visit('aino'), page)[-1].rpartition('/')[2]}"
    refused = press(visit("aino"), form, page, then="publish")
    assert refused.status_code == 422 and "earlier version was restricted" in refused.text
    assert press(visit("aino"), form, page, then="publish", sure="1").status_code == 302


def test_a_version_is_removed_for_good_by_those_who_may_edit(visit: Visit, sessions: Sessions) -> None:
    page = _write(visit("aino"), body="Call Liisa, 040 123")
    _save(visit("aino"), page, body="Call us")
    first = _versions(visit("aino"), page)[-1]
    for who, status in (("matti", 403), ("riikka", 403), ("pekka", 302)):
        assert visit(who).post(f"{first}/removed").status_code == status
    assert len(_versions(visit("aino"), page)) == 1
    with sessions() as session:
        assert not session.scalars(select(DocumentVersion).where(DocumentVersion.body.contains("Liisa"))).all()


def test_erasing_takes_the_versions_and_the_person_out_of_them(visit: Visit, sessions: Sessions) -> None:
    page = _write(visit("aino"), audience="team", body="Ask Pekka")
    _save(visit("aino"), page, body="Ask us")
    with sessions.begin() as session:
        aino_id = session.scalars(select(Person.id).where(Person.handle == "aino")).one()
        session.add(DocumentAudience(document_id=1, token=f"person:{aino_id}"))
    _save(visit("aino"), page, body="Ask", audience="named")
    with sessions.begin() as session:
        aino, pekka = (session.scalars(select(Person).where(Person.handle == name)).one() for name in ("aino", "pekka"))
        assert list(erasure.mentions(session, pekka)) == ["document:1"]
        erasure.erase_person(session, aino, COMMAND)
    with sessions.begin() as session:
        rows = session.scalars(select(DocumentVersion)).all()
        assert len(rows) >= 3 and all(row.saved_by_id is None for row in rows)
        assert all(f"person:{aino_id}" not in row.audience for row in rows)
        erasure.erase_document(session, session.get_one(Document, 1), COMMAND)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(DocumentVersion)) == 0
