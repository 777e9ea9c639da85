"""Nobody sees an item that they may not read, in any part of Kollega, and every item that they may read is there.

Worlds of random people, teams, audiences and items are generated, and every reader visits every page and call. What a
reader may read is computed here from the rules in docs/access.md, not with access.py. A case is one item that one
reader may not read in one place: neither its secret word (in its title, its text and every reply) nor its address may
be shown there. Each item is marked as replaced by the next one, and
chosen to be shown first for every search. The tests also check that no readable item is missing.
`KOLLEGA_LEAK_CASES` is the number of cases: 5,000 by default, and 10,000 in `make test-all`.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
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
from recommender.access import ANYONE, Reader, reader_of
from recommender.database.item_tables import Replacement
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
from recommender.database.words_tables import Pin
from recommender.datatypes import Recommendation
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.apps import close_app
from tests.benchmarks.record import write_cases
from tests.conftest import FakeEncoder, make_recommender, sign_in, unlimited
from web.app import create_app

CASES = int(os.environ.get("KOLLEGA_LEAK_CASES", "5000"))
WORDS = "alpha beta"  # in every item, so that every search finds all of them
PEOPLE, TEAMS = 5, 3
ROLES = ("staff", "staff", "agent", "lead", "admin")
TOKENS = ("everyone", "agents", *(f"team:t{n}" for n in range(TEAMS)), *(f"person:{n}" for n in range(1, PEOPLE + 1)))


@dataclass(frozen=True)
class RandomPerson:
    """A person with a role and teams (numbers from 0)."""

    role: str
    teams: frozenset[int]


@dataclass(frozen=True)
class RandomItem:
    """A request or a document."""

    document: bool
    written: frozenset[str]
    person: int | None
    team: int | None
    author: int
    hidden: bool
    open: bool  # for a document: it is a draft
    anonymous: bool
    first_team: int | None  # which may know who asked, also when another team handles the request now


RANDOM_PERSON = st.builds(RandomPerson, st.sampled_from(ROLES), st.frozensets(st.integers(0, TEAMS - 1), max_size=2))
RANDOM_ITEM = st.builds(
    RandomItem,
    st.booleans(),
    st.frozensets(st.sampled_from(TOKENS), max_size=2),
    st.sampled_from((None, *range(1, PEOPLE + 1))),
    st.sampled_from((None, *range(TEAMS))),
    st.integers(1, PEOPLE),
    st.sampled_from((False, False, False, True)),
    st.sampled_from((False, False, True)),
    st.booleans(),
    st.sampled_from((None, *range(TEAMS))),
)
# Hypothesis begins with the simplest example. Without `unique` that would be a world of eight equal requests, which
# would be tried twice and give half of 10,000 cases.
RANDOM_ITEMS = st.lists(RANDOM_ITEM, min_size=8, max_size=12, unique=True)
WORLDS = st.tuples(st.lists(RANDOM_PERSON, min_size=PEOPLE, max_size=PEOPLE), RANDOM_ITEMS)


class World:
    """The rows of one world, and who may read which of them by the rules in docs/access.md."""

    def __init__(self, people: list[RandomPerson], items: list[RandomItem], session: Session) -> None:
        self.people = dict(enumerate(people, 1))
        self.items: dict[str, RandomItem] = {}
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))
        teams = [Team(id=n + 1, handle=f"t{n}", name=f"Team {n}") for n in range(TEAMS)]
        session.add_all(teams)
        for number, who in self.people.items():
            person = Person(id=number, handle=f"p{number}", name=f"Name{number}", role=who.role)
            person.teams = [teams[n] for n in sorted(who.teams)]
            session.add(person)
        session.flush()
        for number, item in enumerate(items, 1):
            kind = "document" if item.document else "request"
            self.items[f"{kind}:{number}"] = item
            session.add(self._row(number, item))
        keys = list(self.items)
        session.add_all(Replacement(item=key, by=by) for key, by in pairwise(keys))
        session.add_all(Pin(phrase=WORDS, item=key, audience="everyone", until=date(2999, 1, 1)) for key in keys)
        self.tokens = {
            number: accounts.make_token(session, session.get_one(Person, number), "t", ("read", "write"))
            for number in self.people
        }

    @staticmethod
    def _row(number: int, item: RandomItem) -> HelpRequest | Document:
        word, at = f"secret{number}word", datetime(2026, 1, number)
        title = f"{WORDS} {word}"
        team = None if item.team is None else item.team + 1
        if item.document:
            return Document(
                id=number, title=title, body=f"## {word}\n\n{title}", language="en", hidden=item.hidden,
                team_id=team, owner_id=item.person, written_at=at, draft=item.open,
                audience=[DocumentAudience(token=token) for token in sorted(item.written)],
            )  # fmt: skip
        row = HelpRequest(
            id=number, title=title, body=title, language="en", hidden=item.hidden, team_id=team,
            status="open" if item.open else "resolved", asked_by_id=item.person, anonymous=item.anonymous,
            created_at=at, resolved_at=None if item.open else at,
            name_known_to=[] if item.first_team is None else [item.first_team + 1],
            audience=[RequestAudience(token=token) for token in sorted(item.written)],
        )  # fmt: skip
        row.replies.append(Reply(author_id=item.author, body=f"{WORDS} {word}", created_at=at, accepted=not item.open))
        if item.person:
            row.replies.append(Reply(author_id=item.person, body=f"{WORDS} {word} thanks", created_at=at))
        return row

    def agent(self, who: int | None) -> bool:
        return who is not None and self.people[who].role != "staff"

    def may_read(self, who: int | None, item: RandomItem) -> bool:
        """By the rules in docs/access.md."""
        teams = self.people[who].teams if who else frozenset()
        is_own = who is not None and (item.person == who or item.team in teams)
        if item.hidden:  # people who may edit a document see it, so that they can show it again
            return item.document and is_own and (item.person == who or self.agent(who))
        if is_own or (item.document and item.open):
            return is_own
        named = {f"team:t{n}" for n in teams} | ({f"person:{who}"} if who else set()) | {"everyone"}
        return bool(item.written & (named | ({"agents"} if self.agent(who) else set())))

    def sees_asker(self, who: int | None, item: RandomItem) -> bool:
        told = self.agent(who) and who is not None and item.first_team in self.people[who].teams
        return not item.anonymous or item.person == who or told

    def readable(self, who: int | None, **values: bool) -> set[str]:
        """Keys of the items that have these values and that this person may read."""
        return {
            key
            for key, item in self.items.items()
            if self.may_read(who, item) and all(getattr(item, name) is value for name, value in values.items())
        }


class Visitor:
    """One reader who visits everything; counts the cases."""

    def __init__(self, world: World, who: int | None, client: FlaskClient) -> None:
        self.world, self.who, self.client = world, who, client
        self.cases = 0
        token = world.tokens.get(who or 0)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def check(self, place: str, text: str, addressed: str = "") -> None:
        """Assert that the text shows nothing that this reader may not read. `addressed` is the item whose key is in the
        address."""
        text = re.sub(r'href="[^"]*[?](?:next|lang)=[^"]*"', "", text)
        words = {int(number) for number in re.findall(r"secret(\d+)word", text)}
        addresses = {f"{kind}:{number}" for kind, number in re.findall(r"\b(request|document)s?[:/](\d+)", text)}
        for key, item in self.world.items.items():
            if self.world.may_read(self.who, item):
                continue
            self.cases += 1
            case = (place, self.who, key, item)
            assert int(key.partition(":")[2]) not in words, case
            assert key == addressed or key not in addresses, case

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
        for key, item in self.world.items.items():
            self._item(key, item)

    def _search(self) -> None:
        for place, path, form in (
            ("page", f"/?q={WORDS}", {}),
            ("fragment", "/suggest", {"q": WORDS, "body": WORDS}),
            ("answers while typing", "/suggest", {"q": WORDS, "people": "later"}),
            ("colleagues when it rests", "/suggest/people", {"q": WORDS, "people": "later"}),
            ("new request", "/requests/new", {"q": WORDS}),
        ):
            self.check(place, self.page(path, **form)[1])
        embedded = self.client.post("/embed/suggest", data={"q": WORDS}, headers={"Origin": "https://a.example"})
        assert embedded.status_code == 200
        Visitor(self.world, None, self.client).check("embed", embedded.text)
        answer = self.call(f"/recommend?q={WORDS}&top_k=50")
        self.check("API", answer.text)
        for expert in answer.json["experts"]:
            for piece in expert["evidence"]:
                assert self.world.may_read(self.who, self.world.items[piece["item"]])
        for key in self.world.readable(self.who, open=False, hidden=False):
            title = f"{WORDS} secret{key.partition(':')[2]}word"
            suggestions = self.call(f"/recommend?q={title}&top_k=50").json["suggestions"]
            assert key in {suggestion["item"] for suggestion in suggestions}, ("missing from the search", self.who, key)
            self.cases += 1
        for key in self.world.items.keys() - self.world.readable(self.who, open=False, hidden=False):
            title = f"{WORDS} secret{key.partition(':')[2]}word"
            suggestions = self.call(f"/recommend?q={title}&top_k=50").json["suggestions"]
            assert key not in {suggestion["item"] for suggestion in suggestions}, ("found by its title", self.who, key)
            self.cases += 1

    def _lists(self) -> None:
        for path in ("/", "/requests/", "/desk/?state=all", f"/desk/?state=all&words={WORDS}", "/documents/"):
            self.check(path, self.page(path)[1])
        for path in ("/documents/?view=team", "/documents/?view=review", "/people/", f"/people/?q={WORDS}"):
            self.check(path, self.page(path)[1])
        for path in ("/documents/?view=all", f"/documents/?q={WORDS}"):
            library = self.page(path)[1]
            self.check(path, library)
            for key in self.world.readable(self.who, document=True, open=False, hidden=False):
                assert f"secret{key.partition(':')[2]}word" in library, ("missing from the library", self.who, key)
                self.cases += 1
        for path in ("/people/me/settings", "/people/me/export"):
            self.check(path, self.page(path)[1])
        for team in range(TEAMS):
            self.check("team", self.page(f"/insights/teams/t{team}")[1] + self.page(f"/insights/teams/t{team}.csv")[1])
        for number in self.world.people:
            self.check("profile", self.page(f"/people/p{number}")[1])
            self.check("profile as JSON", self.call(f"/people/p{number}").text)
        for key, item in self.world.items.items():
            if item.person and not self.world.sees_asker(self.who, item) and not item.document:
                page = self.page(f"/people/p{item.person}")[1] + self.call(f"/people/p{item.person}").text
                number = key.partition(":")[2]
                assert f"secret{number}word" not in page, ("asker in the profile", self.who, key, item)
                self.cases += 1
        numbers = re.findall(r"(\d+) (?:solved request|guide)", self.page("/")[1])
        counts = [int(number) for number in numbers] or [0, 0]
        answered = self.world.readable(self.who, document=False, open=False, hidden=False)
        written = self.world.readable(self.who, document=True, open=False, hidden=False)
        assert counts[:2] == [len(answered), len(written)], ("counts", self.who)
        rows = self.call("/requests").json
        listed = {f"request:{row['id']}" for row in rows["requests"]}
        assert listed == self.world.readable(self.who, document=False, hidden=False), ("list", self.who)
        assert rows["total"] == len(listed)
        self.check("list as JSON", self.call("/requests").text)

    def _item(self, key: str, item: RandomItem) -> None:
        kind, _, number = key.partition(":")
        readable = self.world.may_read(self.who, item)
        shown = readable and not item.hidden
        status, text = self.page(f"/{kind}s/{number}")
        self.check("item", text, addressed=key)
        assert status == (200 if readable else 404), ("item", self.who, key, item)
        assert not readable or f"secret{number}word" in text
        whole = self.call(f"/{kind}s/{number}")
        self.check("item as JSON", whole.text, addressed=key)
        assert whole.status_code == (200 if shown else 404), ("item as JSON", self.who, key, item)
        assert self.call(f"/items/{key}").status_code == (200 if shown and not item.open else 404)
        if not readable:
            for action in ("edit", "similar"):
                assert self.page(f"/{kind}s/{number}/{action}")[0] in (401, 404)
            for path in ("/solved", "/desk/flag", "/people/me/topics"):
                assert self.page(path, item=key, note="x")[0] in (401, 404), (path, self.who, key, item)
        if item.document:
            self.check("edit", self.page(f"/documents/{number}/edit")[1], addressed=key)
            return
        self.check("similar", self.call(f"/requests/{number}/similar?top_k=50").text, addressed=key)
        self.check("draft", self.page(f"/documents/new?from={number}")[1], addressed=key)
        if whole.status_code == 200:
            named = f"p{item.person}" if item.person and self.world.sees_asker(self.who, item) else None
            assert whole.json["asked_by"] == named, ("asker", self.who, key, item)
            if item.person and item.person != item.author:
                assert whole.json["replies"][1]["author"] == named, ("asker's reply", self.who, key, item)


@pytest.fixture
def visit_world(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Iterator[Callable[[list[RandomPerson], list[RandomItem]], int]]:
    """Makes a world, lets every reader visit everything, and returns the number of cases."""
    recommender = make_recommender(settings, analyzer, encoder, None)
    app = create_app(replace(settings, **unlimited(), embed_origins="https://a.example"), recommender=recommender)

    def visit(people: list[RandomPerson], items: list[RandomItem]) -> int:
        with sessions.begin() as session:
            world = World(people, items, session)
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
                found = recommender.recommend(WORDS, reader, session, 50)
                visitor.check("command line", as_text(found, settings.old_after_months))
        return cases

    yield visit
    close_app(app)


def test_nobody_sees_items_they_may_not_read_and_no_readable_item_is_missing(
    visit_world: Callable[[list[RandomPerson], list[RandomItem]], int],
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
    def nothing_leaks(world: tuple[list[RandomPerson], list[RandomItem]]) -> None:
        nonlocal tried, worlds
        if tried < CASES:
            tried += visit_world(*world)
            worlds += 1

    nothing_leaks()
    print(f"{tried} cases in {worlds} worlds, 0 leaks")
    assert tried >= CASES
    write_cases("leaks", tried, worlds, 0)


SECRET_DAY = datetime(2026, 5, 1)
QUESTIONS = (
    "printer jam on floor two",
    "printer TK-408 jam",
    "tulostin jumissa",
    "salary slip",
    "printer jam confidential vault",
)


@pytest.mark.parametrize("restricted_later", [False, True])
def test_the_second_look_tells_nothing_of_items_that_may_not_be_read(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    restricted_later: bool,
) -> None:
    """Restricted items repeat what public ones say, answer it differently later, translate it, and have the codes that
    these lack. They change no part of a recommendation for others, also when they were restricted only after they had
    been indexed: it is the same as with these items left out."""
    for number in range(6):
        add_request(f"unrelated{number} subject{number}", answer=f"other{number} reply{number}", by="zeppo")
    for place in ("upstairs", "downstairs"):
        add_request(f"printer jam {place}", answer=f"open the tray {place} and pull the paper out slowly", by="harpo")
    add_request("salary slip missing", answer="it is in the payroll portal under my documents", by="harpo")
    add_document("printer guide", "open the tray and pull the paper out slowly, then close the tray of floor 2")
    audience = ["everyone"] if restricted_later else ["team:hr"]
    secret = [
        f"request:{add_request(title, answer=answer, by='groucho', audience=audience, at=SECRET_DAY, language=lang)}"
        for title, answer, lang in (
            ("printer jam upstairs", "open the tray upstairs and pull the paper out slowly", "en"),
            ("printer jam downstairs", "never open the tray downstairs and call the vault", "en"),
            ("printer TK-408 jam", "printer TK-408 has a confidential vault", "en"),
            ("tulostin jumissa", "avaa kansi ja ota paperi ulos", "fi"),
            ("salary slip missing", "it is in the new payroll vault since May", "en"),
        )
    ]
    written = add_document("printer guide", "avaa luukku 2 ja ota paperi ulos", audience=audience, at=SECRET_DAY)
    secret.append(f"document:{written}")
    usual = replace(settings, reranker="features")
    reindex(usual, sessions, encoder, analyzer)
    recommender = make_recommender(usual, analyzer, encoder, None)
    recommender.refresh(wait=True)
    if restricted_later:
        with sessions.begin() as session:
            for key in secret:
                for rule in _row(session, key).audience:
                    rule.token = "team:hr"
    hr = Reader(99, frozenset(), frozenset({"everyone", "person:99", "team:hr"}))
    found = []
    with sessions() as session:
        for question in QUESTIONS:
            whole = recommender.recommend(question, ANYONE, session, 20)
            found.append(_without_clock(whole))
            without = recommender.recommend(question, ANYONE, session, 20, leave_out=secret)
            assert found[-1] == _without_clock(without)
            assert not _named(whole) & set(secret)
            for top_k in (1, 3):
                few = recommender.recommend(question, ANYONE, session, top_k)
                assert (few.verdict, few.exists, few.missing) == (whole.verdict, whole.exists, whole.missing)
                assert few.suggestions == whole.suggestions[:top_k]
                assert few.more == max(0, len(whole.suggestions) - top_k)
        if restricted_later:  # until the index is updated, it counts their words
            return
        seen = [_named(recommender.recommend(question, hr, session, 20)) for question in QUESTIONS]
        assert set().union(*seen) & set(secret)  # who may read them does see them
    with sessions.begin() as session:
        for row in [_row(session, key) for key in secret]:
            session.delete(row)
    reindex(usual, sessions, encoder, analyzer, full=True)
    recommender.refresh(wait=True)
    with sessions() as session:
        never_written = [recommender.recommend(question, ANYONE, session, 20) for question in QUESTIONS]
    assert [_said_of_others(recommendation) for recommendation in never_written] == [
        _said_of_others(recommendation) for recommendation in found
    ]


def _row(session: Session, key: str) -> HelpRequest | Document:
    kind, _, number = key.partition(":")
    if kind == "request":
        return session.get_one(HelpRequest, int(number))
    return session.get_one(Document, int(number))


def _named(recommendation: Recommendation) -> set[str]:
    """The keys of all items that a recommendation names."""
    headings = [
        heading.key
        for suggestion in recommendation.suggestions
        for heading in (suggestion.item, suggestion.newer, suggestion.other_language)
        if heading is not None
    ]
    return {*headings, *(piece.item.key for expert in recommendation.experts for piece in expert.evidence)}


def _said_of_others(recommendation: Recommendation) -> object:
    """What a recommendation says of other items: those that say the same, differ, or are in another language, and
    codes that none has. (The mean cosine of unrelated texts, which nearness is measured from, is that of the whole
    index.)"""
    said = {
        suggestion.item.key: (suggestion.asked, suggestion.last_at, suggestion.newer, suggestion.other_language)
        for suggestion in recommendation.suggestions
    }
    return said, recommendation.missing, recommendation.vague, recommendation.language


def _without_clock(recommendation: Recommendation) -> Recommendation:
    """The recommendation without the weights of evidence, which change with the time of day."""
    experts = tuple(
        replace(expert, evidence=tuple(replace(piece, weight=0.0) for piece in expert.evidence))
        for expert in recommendation.experts
    )
    return replace(recommendation, experts=experts)
