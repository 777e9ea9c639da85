"""Nobody meets what they may not read, on any surface; and nothing that they may read is missing.

Worlds of random people, teams, audiences and items are made; every reader visits every surface. What each may read is
worked out here by the README's words, not by access.py. A case is one item that one reader may not read on one surface:
its secret word (in its title, its text and every reply) or its address must not be there. That nothing readable is
missing is asked beside that. `KOLLEGA_LEAK_CASES` says how many cases to try: 2,000 unless it is set, and 10,000 in
`make test-all`.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.ask import as_text
from indexer.indexing.reindex import reindex
from recommender import accounts
from recommender.access import ANYONE, reader_of
from recommender.database.tables import (
    Base,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
    Team,
)
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender, sign_in
from web.app import create_app

CASES = int(os.environ.get("KOLLEGA_LEAK_CASES", "2000"))
WORDS = "alpha beta"  # in every item, so that every search meets all of them
PEOPLE, TEAMS = 5, 3
ROLES = ("staff", "staff", "agent", "lead", "admin")
TOKENS = ("everyone", "agents", *(f"team:t{n}" for n in range(TEAMS)), *(f"person:{n}" for n in range(1, PEOPLE + 1)))


@dataclass(frozen=True)
class Someone:
    """A person: role and teams (numbers from 0)."""

    role: str
    teams: frozenset[int]


@dataclass(frozen=True)
class Thing:
    """A request or a document."""

    document: bool
    written: frozenset[str]
    person: int | None
    team: int | None
    author: int
    hidden: bool
    open: bool  # of a document: a draft
    anonymous: bool


SOMEONE = st.builds(Someone, st.sampled_from(ROLES), st.frozensets(st.integers(0, TEAMS - 1), max_size=2))
THING = st.builds(
    Thing,
    st.booleans(),
    st.frozensets(st.sampled_from(TOKENS), max_size=2),
    st.sampled_from((None, *range(1, PEOPLE + 1))),
    st.sampled_from((None, *range(TEAMS))),
    st.integers(1, PEOPLE),
    st.sampled_from((False, False, False, True)),
    st.sampled_from((False, False, True)),
    st.booleans(),
)
# Hypothesis begins with the simplest example. Without `unique` that is a world of eight equal requests, tried twice,
# and half of 10,000 cases come from it.
THINGS = st.lists(THING, min_size=8, max_size=12, unique=True)
WORLDS = st.tuples(st.lists(SOMEONE, min_size=PEOPLE, max_size=PEOPLE), THINGS)


class World:
    """The rows of one world, and who may read which of them by the words of the README."""

    def __init__(self, people: list[Someone], things: list[Thing], session: Session) -> None:
        self.people = dict(enumerate(people, 1))
        self.things: dict[str, Thing] = {}
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))
        teams = [Team(id=n + 1, handle=f"t{n}", name=f"Team {n}") for n in range(TEAMS)]
        session.add_all(teams)
        for number, who in self.people.items():
            person = Person(id=number, handle=f"p{number}", name=f"Name{number}", role=who.role)
            person.teams = [teams[n] for n in sorted(who.teams)]
            session.add(person)
        session.flush()
        for number, thing in enumerate(things, 1):
            kind = "document" if thing.document else "request"
            self.things[f"{kind}:{number}"] = thing
            session.add(self._row(number, thing))
        self.tokens = {
            number: accounts.make_token(session, session.get_one(Person, number), "t", ("read", "write"))
            for number in self.people
        }

    @staticmethod
    def _row(number: int, thing: Thing) -> HelpRequest | Document:
        word, at = f"secret{number}word", datetime(2026, 1, number)
        title = f"{WORDS} {word}"
        team = None if thing.team is None else thing.team + 1
        if thing.document:
            return Document(
                id=number, title=title, body=f"## {word}\n\n{title}", language="en", hidden=thing.hidden,
                team_id=team, owner_id=thing.person, written_at=at, draft=thing.open,
                audience=[DocumentAudience(token=token) for token in sorted(thing.written)],
            )  # fmt: skip
        row = HelpRequest(
            id=number, title=title, body=title, language="en", hidden=thing.hidden, team_id=team,
            status="open" if thing.open else "resolved", asked_by_id=thing.person, anonymous=thing.anonymous,
            created_at=at, resolved_at=None if thing.open else at,
            audience=[RequestAudience(token=token) for token in sorted(thing.written)],
        )  # fmt: skip
        row.replies.append(
            Reply(author_id=thing.author, body=f"{WORDS} {word}", created_at=at, accepted=not thing.open)
        )
        if thing.person:
            row.replies.append(Reply(author_id=thing.person, body=f"{WORDS} {word} thanks", created_at=at))
        return row

    def agent(self, who: int | None) -> bool:
        return who is not None and self.people[who].role != "staff"

    def may_read(self, who: int | None, thing: Thing) -> bool:
        """By the words of the README."""
        mine = self.people[who].teams if who else frozenset()
        own = who is not None and (thing.person == who or thing.team in mine)
        if thing.hidden:  # those who keep a document see it to bring it back
            return thing.document and own and (thing.person == who or self.agent(who))
        if own or (thing.document and thing.open):
            return own
        named = {f"team:t{n}" for n in mine} | ({f"person:{who}"} if who else set()) | {"everyone"}
        return bool(thing.written & (named | ({"agents"} if self.agent(who) else set())))

    def knows_asker(self, who: int | None, thing: Thing) -> bool:
        handles = self.agent(who) and who is not None and thing.team in self.people[who].teams
        return not thing.anonymous or thing.person == who or handles

    def readable(self, who: int | None, **values: bool) -> set[str]:
        """Keys of the things that this person may read, of those with these values."""
        return {
            key
            for key, thing in self.things.items()
            if self.may_read(who, thing) and all(getattr(thing, name) is value for name, value in values.items())
        }


class Visitor:
    """One reader on all surfaces; counts the cases tried and holds what was wrong."""

    def __init__(self, world: World, who: int | None, client: FlaskClient) -> None:
        self.world, self.who, self.client = world, who, client
        self.cases = 0
        token = world.tokens.get(who or 0)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def looks(self, surface: str, text: str, own: str = "") -> None:
        """Nothing of what this reader may not read is in the text; `own` is the item that the address names."""
        text = re.sub(r'href="[^"]*[?](?:next|lang)=[^"]*"', "", text)
        words = {int(number) for number in re.findall(r"secret(\d+)word", text)}
        addresses = {f"{kind}:{number}" for kind, number in re.findall(r"\b(request|document)s?[:/](\d+)", text)}
        for key, thing in self.world.things.items():
            if self.world.may_read(self.who, thing):
                continue
            self.cases += 1
            place = (surface, self.who, key, thing)
            assert int(key.partition(":")[2]) not in words, place
            assert key == own or key not in addresses, place

    def page(self, path: str, **form: Any) -> tuple[int, str]:
        answer = self.client.post(path, data=form) if form else self.client.get(path)
        assert answer.status_code < 500, path
        return answer.status_code, answer.text

    def call(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1{path}", headers=self.headers)
        assert answer.status_code < 500, path
        return answer

    def visit(self) -> None:
        self._search()
        self._lists()
        for key, thing in self.world.things.items():
            self._item(key, thing)

    def _search(self) -> None:
        for surface, path, form in (
            ("page", f"/?q={WORDS}", {}),
            ("fragment", "/suggest", {"q": WORDS, "body": WORDS}),
            ("last look", "/requests/new", {"q": WORDS}),
        ):
            self.looks(surface, self.page(path, **form)[1])
        embedded = self.client.post("/embed/suggest", data={"q": WORDS}, headers={"Origin": "https://a.example"})
        assert embedded.status_code == 200
        Visitor(self.world, None, self.client).looks("embed", embedded.text)
        answer = self.call(f"/recommend?q={WORDS}&top_k=50")
        self.looks("API", answer.text)
        for expert in answer.json["experts"]:
            for piece in expert["evidence"]:
                assert self.world.may_read(self.who, self.world.things[piece["item"]])
        for key in self.world.readable(self.who, open=False, hidden=False):
            title = f"{WORDS} secret{key.partition(':')[2]}word"
            found = self.call(f"/recommend?q={title}&top_k=50").json["suggestions"]
            assert key in {each["item"] for each in found}, ("missing from the search", self.who, key)
            self.cases += 1
        for key in self.world.things.keys() - self.world.readable(self.who, open=False, hidden=False):
            title = f"{WORDS} secret{key.partition(':')[2]}word"
            found = self.call(f"/recommend?q={title}&top_k=50").json["suggestions"]
            assert key not in {each["item"] for each in found}, ("found by its title", self.who, key)
            self.cases += 1

    def _lists(self) -> None:
        for path in ("/", "/requests/", "/desk/?state=all", f"/desk/?state=all&words={WORDS}", "/documents/"):
            self.looks(path, self.page(path)[1])
        for path in ("/people/me/settings", "/people/me/export"):
            self.looks(path, self.page(path)[1])
        for number in self.world.people:
            self.looks("profile", self.page(f"/people/p{number}")[1])
            self.looks("profile as JSON", self.call(f"/people/p{number}").text)
        for key, thing in self.world.things.items():
            if thing.person and not self.world.knows_asker(self.who, thing) and not thing.document:
                page = self.page(f"/people/p{thing.person}")[1] + self.call(f"/people/p{thing.person}").text
                number = key.partition(":")[2]
                assert f"secret{number}word" not in page, ("asker by the profile", self.who, key, thing)
                self.cases += 1
        counts = [int(number) for number in re.findall(r"(\d+) (?:answered request|document)", self.page("/")[1])] or [
            0,
            0,
        ]
        answered = self.world.readable(self.who, document=False, open=False, hidden=False)
        written = self.world.readable(self.who, document=True, open=False, hidden=False)
        assert counts[:2] == [len(answered), len(written)], ("counts", self.who)
        rows = self.call("/requests").json
        listed = {f"request:{row['id']}" for row in rows["requests"]}
        assert listed == self.world.readable(self.who, document=False, hidden=False), ("list", self.who)
        assert rows["total"] == len(listed)
        self.looks("list as JSON", self.call("/requests").text)

    def _item(self, key: str, thing: Thing) -> None:
        kind, _, number = key.partition(":")
        readable = self.world.may_read(self.who, thing)
        shown = readable and not thing.hidden
        status, text = self.page(f"/{kind}s/{number}")
        self.looks("item", text, own=key)
        assert status == (200 if readable else 404), ("item", self.who, key, thing)
        assert not readable or f"secret{number}word" in text
        whole = self.call(f"/{kind}s/{number}")
        self.looks("item as JSON", whole.text, own=key)
        assert whole.status_code == (200 if shown else 404), ("item as JSON", self.who, key, thing)
        assert self.call(f"/items/{key}").status_code == (200 if shown and not thing.open else 404)
        if not readable:
            for act in ("edit", "similar"):
                assert self.page(f"/{kind}s/{number}/{act}")[0] in (401, 404)
            for path in ("/solved", "/desk/flag", "/people/me/topics"):
                assert self.page(path, item=key, note="x")[0] in (401, 404), (path, self.who, key, thing)
        if thing.document:
            self.looks("edit", self.page(f"/documents/{number}/edit")[1], own=key)
            return
        self.looks("similar", self.call(f"/requests/{number}/similar?top_k=50").text, own=key)
        self.looks("draft", self.page(f"/documents/new?from={number}")[1], own=key)
        if whole.status_code == 200:
            named = f"p{thing.person}" if thing.person and self.world.knows_asker(self.who, thing) else None
            assert whole.json["asked_by"] == named, ("asker", self.who, key, thing)
            if thing.person and thing.person != thing.author:
                assert whole.json["replies"][1]["author"] == named, ("asker's reply", self.who, key, thing)


@pytest.fixture
def meet(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[[list[Someone], list[Thing]], int]:
    """Makes a world, lets every reader visit it, and returns the number of cases."""
    recommender = make_recommender(settings, analyzer, encoder, None)
    app = create_app(
        replace(settings, api_rate="1000000 per second", embed_origins="https://a.example"), recommender=recommender
    )

    def meet(people: list[Someone], things: list[Thing]) -> int:
        with sessions.begin() as session:
            world = World(people, things, session)
        reindex(settings, sessions, encoder, analyzer, full=True)
        recommender.refresh(wait=True)
        cases = 0
        for who in (None, *world.people):
            client = sign_in(app.test_client(), f"p{who}") if who else app.test_client()
            visitor = Visitor(world, who, client)
            visitor.visit()
            cases += visitor.cases
            with sessions() as session:
                reader = reader_of(session.get_one(Person, who)) if who else ANYONE
                visitor.looks("command line", as_text(recommender.recommend(WORDS, reader, session, 50)))
        return cases

    return meet


def test_nobody_meets_what_they_may_not_read_and_nothing_else_is_missing(
    meet: Callable[[list[Someone], list[Thing]], int],
) -> None:
    tried = worlds = 0

    @hypothesis_settings(
        max_examples=max(20, CASES // 500),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(world=WORLDS)
    def nothing_leaks(world: tuple[list[Someone], list[Thing]]) -> None:
        nonlocal tried, worlds
        if tried < CASES:
            tried += meet(*world)
            worlds += 1

    nothing_leaks()
    print(f"{tried} cases in {worlds} worlds, 0 leaks")
    assert tried >= CASES
