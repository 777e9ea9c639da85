"""knowledge/replacements.py: who may mark an item as replaced, by what, and who sees what of it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE, Reader, reader_of
from recommender.corpus import load_items
from recommender.database.item_tables import Replacement
from recommender.database.tables import Document, HelpRequest, Person, utc_now
from recommender.errors import CannotReplace, NotAllowed
from recommender.knowledge import replacements


@pytest.fixture
def ids(
    add_request: Callable[..., int], add_document: Callable[..., int], add_person: Callable[..., int]
) -> dict[str, int]:
    """Ids of requests and documents of IT and HR; Aino is an agent of IT, Helena of HR, Olli owns a guide."""
    made = {
        "old": add_request("VPN old", team="it"),
        "new": add_request("VPN new", team="it"),
        "open": add_request("VPN open", team="it", status="open"),
        "secret": add_request("Salaries", team="hr", audience=[]),
        "guide": add_document("VPN guide", "Use it.", team="it", owner="olli"),
        "draft": add_document("VPN draft", "Use it.", team="it", owner="olli", draft=True),
        "hidden": add_document("VPN hidden", "Use it.", team="it", hidden=True),
    }
    add_person("aino", "agent", "it")
    add_person("helena", "agent", "hr")
    add_person("iida", "staff", "it")
    return made


@pytest.fixture
def session(sessions: sessionmaker[Session], ids: dict[str, int]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


def _person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def _reader(session: Session, handle: str) -> Reader:
    return reader_of(_person(session, handle)) if handle else ANYONE


def _mark(session: Session, row: HelpRequest | Document, by: str, handle: str = "aino") -> None:
    replacements.mark(session, row, _reader(session, handle), _person(session, handle), by)


def test_a_mark_is_stored_with_who_and_when_and_given_with_the_item(session: Session, ids: dict[str, int]) -> None:
    old, guide = session.get_one(HelpRequest, ids["old"]), session.get_one(Document, ids["guide"])
    before = utc_now()
    _mark(session, old, f"document:{guide.id}")
    _mark(session, guide, f"request:{ids['new']}", "olli")
    session.commit()
    mark = replacements.replaced(session, f"request:{old.id}", ANYONE)
    assert mark is not None and mark.by is not None and mark.by.title == "VPN guide"
    assert mark.marked_by is not None and mark.marked_by.handle == "aino" and before <= mark.at <= utc_now()
    keys = [f"request:{old.id}", f"request:{ids['new']}", f"document:{guide.id}"]
    items = load_items(session, keys)
    assert [items[key].replaced_by for key in keys] == [f"document:{guide.id}", None, f"request:{ids['new']}"]


@pytest.mark.parametrize(
    ("name", "allowed"), [("old", {"aino"}), ("open", set()), ("guide", {"aino", "olli"}), ("draft", set())]
)
def test_agents_of_the_team_and_the_owner_mark_what_is_answered(
    session: Session, ids: dict[str, int], name: str, allowed: set[str]
) -> None:
    row = session.get_one(Document if name in ("guide", "draft") else HelpRequest, ids[name])
    for handle in ("aino", "olli", "helena", "iida"):
        if handle in allowed:
            _mark(session, row, f"request:{ids['new']}", handle)
        else:
            with pytest.raises(NotAllowed):
                _mark(session, row, f"request:{ids['new']}", handle)
    stored = session.scalars(select(Replacement.item)).all()
    assert stored == ([replacements.key_of(row)] if allowed else [])


@pytest.mark.parametrize(
    "by", ["request:999", "document:999", "", "VPN", "request:{open}", "request:{secret}", "document:{draft}",
           "document:{hidden}"],
)  # fmt: skip
def test_an_item_that_is_no_answer_for_the_person_cannot_replace(
    session: Session, ids: dict[str, int], by: str
) -> None:
    with pytest.raises(CannotReplace, match="no resolved request or document") as raised:
        _mark(session, session.get_one(HelpRequest, ids["old"]), by.format(**ids))
    assert raised.value.reason == replacements.UNKNOWN
    assert session.scalars(select(Replacement)).all() == []


def test_an_item_replaces_neither_itself_nor_what_has_replaced_it(session: Session, ids: dict[str, int]) -> None:
    old, new = session.get_one(HelpRequest, ids["old"]), session.get_one(HelpRequest, ids["new"])
    guide = session.get_one(Document, ids["guide"])
    with pytest.raises(CannotReplace) as raised:
        _mark(session, old, f"request:{old.id}")
    assert raised.value.reason == replacements.ITSELF
    _mark(session, old, f"request:{new.id}")
    _mark(session, new, f"document:{guide.id}")
    for by in (f"request:{new.id}", f"request:{old.id}"):
        with pytest.raises(CannotReplace, match="Take off that mark first") as raised:
            _mark(session, guide, by)
        assert raised.value.reason == replacements.CIRCLE


def test_whether_a_hidden_item_was_replaced_by_this_one_cannot_be_found_out(
    session: Session, ids: dict[str, int]
) -> None:
    """Also not by whether an item that it replaced is refused."""
    old, new, secret = (f"request:{ids[name]}" for name in ("old", "new", "secret"))
    session.add_all([Replacement(item=new, by=secret), Replacement(item=secret, by=old)])
    _mark(session, session.get_one(HelpRequest, ids["old"]), new)
    assert session.get_one(Replacement, old).by == new
    with pytest.raises(CannotReplace) as raised:  # whoever may read it is told
        _mark(session, session.get_one(HelpRequest, ids["secret"]), new, "helena")
    assert raised.value.reason == replacements.CIRCLE


def test_marks_in_a_circle_which_two_people_made_at_once_do_not_hang(session: Session, ids: dict[str, int]) -> None:
    session.add_all([Replacement(item="request:91", by="request:92"), Replacement(item="request:92", by="request:91")])
    session.add(Replacement(item=f"request:{ids['new']}", by="request:91"))
    _mark(session, session.get_one(HelpRequest, ids["old"]), f"request:{ids['new']}")
    assert session.get_one(Replacement, f"request:{ids['old']}").by == f"request:{ids['new']}"


def test_a_mark_can_be_changed_and_taken_off(session: Session, ids: dict[str, int]) -> None:
    old = session.get_one(HelpRequest, ids["old"])
    _mark(session, old, f"request:{ids['new']}")
    _mark(session, old, f"document:{ids['guide']}")
    assert session.get_one(Replacement, f"request:{old.id}").by == f"document:{ids['guide']}"
    with pytest.raises(NotAllowed):
        replacements.unmark(session, old, _reader(session, "iida"))
    for _ in range(2):
        replacements.unmark(session, old, _reader(session, "aino"))
        assert replacements.replaced(session, f"request:{old.id}", ANYONE) is None


def test_the_other_item_is_named_only_to_those_who_may_read_it_while_it_is_an_answer(
    session: Session, ids: dict[str, int]
) -> None:
    secret = session.get_one(HelpRequest, ids["secret"])
    session.add(Replacement(item=f"request:{ids['old']}", by=f"request:{secret.id}"))
    session.flush()

    def named(handle: str) -> str | None:
        mark = replacements.replaced(session, f"request:{ids['old']}", _reader(session, handle))
        assert mark is not None
        return mark.by.title if mark.by else None

    assert [named(handle) for handle in ("helena", "aino", "")] == ["Salaries", None, None]
    secret.hidden = True
    session.flush()
    assert named("helena") is None


def test_a_mark_stays_when_the_person_who_set_it_is_deleted(session: Session, ids: dict[str, int]) -> None:
    guest = Person(handle="guest", name="Guest")
    mark = Replacement(item=f"request:{ids['old']}", by=f"request:{ids['new']}", marked_by=guest)
    session.add(mark)
    session.commit()
    session.execute(delete(Person).where(Person.handle == "guest"))
    session.expire_all()
    found = replacements.replaced(session, f"request:{ids['old']}", ANYONE)
    assert found is not None and found.by is not None and found.marked_by is None
