"""What a reader is shown is the same, whatever is written, changed or removed among items that they may not read.

Worlds of random items are made. In each of them, items that only one team may read are added, removed, changed and
given to other audiences, and every reader who may not read them asks the same questions and visits the same places
before and after. A case is one reader in one place after one change: the whole recommendation, the similar open
requests, a page or an answer of the API must be equal. Numbers may differ by `ROUNDING`, since keyword search adds
float32 numbers whose last digits depend on the statistics of the whole index.

What cannot be kept apart is held fixed here, and measured on its own (docs/access.md): the mean length of texts (every
item has as many terms of each kind as another of its kind). `KOLLEGA_LEAK_CASES` is the number of cases: 1,000 by
default, and 10,000 in `make test-all`.
"""

import dataclasses
import os
import random
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import changes
from indexer.indexing.reindex import reindex
from recommender import accounts
from recommender.access import ANYONE, Reader, reader_of
from recommender.database.item_tables import Replacement
from recommender.database.request_tables import SeenRequest
from recommender.database.tables import (
    Base,
    Document,
    DocumentAudience,
    FirstSuggestion,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
    Team,
)
from recommender.index import lexical, local, question_terms
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.search import people_beside, question, search
from recommender.settings import Settings
from tests.apps import close_app
from tests.benchmarks.record import write_cases
from tests.conftest import FakeEncoder, make_recommender, sign_in, unlimited
from web.app import create_app

CASES = int(os.environ.get("KOLLEGA_LEAK_CASES", "1000"))
ROUNDING = 1e-6
TEAMS = ("t0", "t1", "secret")
PEOPLE = {1: ("staff", ""), 2: ("agent", "t0"), 3: ("lead", "t1"), 4: ("admin", "t0"), 5: ("staff", "secret")}
READERS = (None, 1, 2, 3, 4)
REAL_WORDS = ("printer", "monitor", "network", "invoice", "kitchen", "account", "puhelin", "battery", "receipt")
TITLE, TEXT = 3, 6  # words of a title, of a question, and of an answer
_CHANGING = re.compile(r'name="(?:csrf_token|sent_as)" value="[^"]*"')  # on pages, at every visit
PAGES = 5  # that each reader visits after each change
PUBLIC = 12  # items at least that everyone may read
CHANGES = 4  # in each world, one after the other
NOW = datetime(2026, 11, 1)  # the weight of evidence depends on the time
SITE = "https://intranet.example"  # on whose pages the box is
SMALL_LIMITS = (
    (search, "POOL", 8),
    (people_beside, "POOL", 8),
    (search, "LOADED", 4),
    (local, "LEAST_SHARE", 2),
    (local, "MOST_WORDS", 2),
    (question_terms, "_MAX_WORDS", 3),
    (question_terms, "_MAX_GRAMS", 4),
    (lexical, "_SPARE", 1),
    (question, "MAX_TERMS", 5),
)
"""Limits that a large index reaches, and a small one only when they are small."""


@cache
def _is_usual(word: str, analyzer: Analyzer) -> bool:
    """True for a word that is one term and three n-grams, or none in English: texts of as many words then have the same
    length."""
    terms = {language: analyzer.index_terms(word, language) for language in ("en", "fi", "sv")}
    return (
        all(each.words == (word,) and not each.written for each in terms.values())
        and len(terms["fi"].grams) == len(terms["sv"].grams) == 3
        and not terms["en"].grams
    )


def _new_word(rng: random.Random, analyzer: Analyzer) -> str:
    while True:
        word = "".join(rng.choice("bdfgklmnprstv" if place % 2 == 0 else "aeiou") for place in range(7))
        if _is_usual(word, analyzer):
            return word


def _near(word: str, rng: random.Random, analyzer: Analyzer) -> str:
    """A word that differs from another by one letter, not the first one."""
    while True:
        place = rng.randrange(1, len(word))
        near = word[:place] + rng.choice(string.ascii_lowercase) + word[place + 1 :]
        if near != word and _is_usual(near, analyzer):
            return near


@dataclass
class World:
    """Words and questions of one world, and its rows. `hidden` are the numbers of the triples that only the group may
    read. A triple is an English request, a Finnish or Swedish one and a document, so that texts keep their mean length
    whatever is added. In a world that is `equal` a visible triple has one word of its own and nothing else, so that
    many items are equally good but for rounding."""

    number: int
    analyzer: Analyzer
    sessions: sessionmaker[Session]
    group: str = "secret"
    hidden: list[int] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.rng = random.Random(self.number)  # noqa: S311
        words = [word for word in REAL_WORDS if _is_usual(word, self.analyzer)]
        self.known = [*words, *(_new_word(self.rng, self.analyzer) for _ in range(14))]
        self.secret = [_new_word(self.rng, self.analyzer) for _ in range(6)]
        self.misspelt = [_near(self.rng.choice(self.known[-14:]), self.rng, self.analyzer) for _ in range(3)]
        self.fillers = [_near(word, self.rng, self.analyzer) for word in self.misspelt for _ in range(5)]
        self.group = self.rng.choice(("secret", "secret", "t1"))
        self.equal = self.number % 4 == 1
        with self.sessions.begin() as session:
            self._add_people(session)
            self.visible = [self._add(session, False) for _ in range(self.rng.choice((6, 9, 14)))]
            self.hidden = [self._add(session, True) for _ in range(2)]
            self._link(session)

    @property
    def readers(self) -> list[int | None]:
        """Those who may read no hidden item."""
        return [who for who in READERS if who is None or PEOPLE[who][1] != self.group]

    def questions(self) -> list[str]:
        """Questions about known and hidden words, misspelt ones, compounds, and more words than are searched for."""
        known = self.rng.sample([self._own(n) for n in self.visible] if self.equal else self.known, 4)
        mixed = [*self.rng.sample(self.known, 8), *self.rng.sample(self.secret, 4), *self.misspelt]
        return [
            " ".join(known[:3]),
            *self.rng.sample(
                [
                    f"{known[0]} {self.rng.choice(self.secret)}",
                    f"{self.rng.choice(self.misspelt)} {known[1]}",
                    self.rng.choice(self.misspelt),
                    f"{known[2]}{known[3]} on rikki",
                    " ".join(self.rng.sample(mixed, len(mixed))),
                    " ".join(
                        ("the", self.rng.choice(self.secret), "of", self.rng.choice(self.fillers), known[3], "KX-807")
                    ),
                ],
                3,
            ),
        ]

    def _own(self, number: int) -> str:
        """The word of a visible triple in a world that is `equal`."""
        return self.known[number % len(self.known)]

    def change(self) -> str:
        """Change what the readers may not read; returns how."""
        kind = self.rng.choice(("add", "add fillers", "remove", "change", "give away"))
        with self.sessions.begin() as session:
            if kind.startswith("add"):
                for _ in range(self.rng.choice((1, 3, 6))):
                    self.hidden.append(self._add(session, True, fillers=kind == "add fillers"))
            elif self.hidden:
                number = self.rng.choice(self.hidden)
                self._remove(session, number)
                if kind == "remove":
                    self.hidden.remove(number)
                else:
                    session.flush()
                    self._write(session, number, True)
            self._link(session)
        return kind

    def _add_people(self, session: Session) -> None:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))
        teams = {name: Team(id=number, handle=name, name=name.upper()) for number, name in enumerate(TEAMS, 1)}
        session.add_all(teams.values())
        for number, (role, team) in PEOPLE.items():
            person = Person(id=number, handle=f"p{number}", name=f"Name{number}", role=role)
            person.teams = [teams[team]] if team else []
            session.add(person)
        session.flush()
        self.tokens = {
            number: accounts.make_token(session, session.get_one(Person, number), "t", ("read", "write"))
            for number in PEOPLE
        }

    def _add(self, session: Session, hidden: bool, fillers: bool = False) -> int:
        number = next(self.numbers)
        self._write(session, number, hidden, fillers)
        return number

    def _write(self, session: Session, number: int, hidden: bool, fillers: bool = False) -> None:
        """Add the three items of a triple, with random words, people and audience."""
        rng = self.rng
        words = [*self.known, *self.secret, *(self.fillers if fillers else ())] if hidden else self.known
        words = [self._own(number)] if self.equal and not hidden else words
        team = TEAMS.index(self.group) + 1 if hidden else rng.choice((None, None, 1, 2))
        tokens = [f"team:{self.group}"] if hidden else rng.choice((["everyone"], ["everyone"], ["team:t0"], []))
        tokens = ["everyone"] if number <= PUBLIC / 2 else tokens
        third_language = "sv" if hidden and rng.random() < 0.3 else "fi"
        for place, language in enumerate(("en", third_language)):
            identifier, at = 2 * number + place, self._day()
            resolved = place == 0 or rng.random() < 0.5
            row = HelpRequest(
                id=identifier, title=self._text(words, TITLE, fillers), body=self._text(words, TEXT, fillers),
                language=language, team_id=team, status="resolved" if resolved else "open",
                asked_by_id=None if hidden else rng.choice((None, 1, 2, 3)), created_at=at,
                resolved_at=at if resolved else None,
                audience=[RequestAudience(token=token) for token in tokens],
            )  # fmt: skip
            author = rng.choice((1, 2, 3, 4))
            answer = self._text(words, TEXT, fillers)
            row.replies.append(Reply(author_id=author, body=answer, created_at=at, accepted=resolved))
            session.add(row)
        body = f"{self._text(words, TEXT, fillers)}\n{self._text(words, TEXT, fillers)}"
        owner = None if hidden else rng.choice((None, 1, 4))
        audience = [DocumentAudience(token=token) for token in tokens]
        title = self._text(words, TITLE, fillers)
        written = {"title": title, "body": body, "language": "en", "written_at": self._day()}
        session.add(Document(id=number, team_id=team, owner_id=owner, draft=False, audience=audience, **written))

    def _text(self, words: Sequence[str], length: int, fillers: bool) -> str:
        chosen = self.rng.choices(self.fillers if fillers and self.rng.random() < 0.8 else words, k=length)
        return " ".join(chosen)

    def _day(self) -> datetime:
        return datetime(2026, 1, 1) + timedelta(days=self.rng.randrange(300))

    @staticmethod
    def _remove(session: Session, number: int) -> None:
        for identifier in (2 * number, 2 * number + 1):
            session.delete(session.get_one(HelpRequest, identifier))
        session.delete(session.get_one(Document, number))

    def _link(self, session: Session) -> None:
        """Hidden items replace visible ones, and the reverse. Everybody sees that a visible item is marked as replaced,
        so the mark stays, also when what replaces it is removed."""
        session.execute(delete(Replacement))
        hidden = self.hidden or [1000]
        session.add(Replacement(item=f"request:{2 * self.visible[0]}", by=f"request:{2 * hidden[-1]}"))
        session.add(Replacement(item=f"request:{2 * hidden[0]}", by=f"request:{2 * self.visible[1]}"))


@dataclass
class Visitor:
    """Asks and visits as one reader."""

    who: int | None
    world: World
    recommender: Recommender
    client: FlaskClient

    def everything(self, questions: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
        """What this reader is shown, by place."""
        shown: dict[str, Any] = {}
        with self.world.sessions.begin() as session:
            session.execute(delete(FirstSuggestion))  # who was suggested first is counted, and takes turns
        with self.world.sessions() as session:
            reader = self._reader(session)
            for asked in questions:
                found = self.recommender.recommend(asked, reader, session, 20)
                shown[f"recommendation for {asked!r}"] = found
                shown[f"similar open requests for {asked!r}"] = self.recommender.similar_open(asked, reader, session)
            asked, left_out = questions[0], [f"request:{2 * self.world.visible[2]}"]
            shown["while typing"] = self.recommender.recommend(asked, reader, session, 5, typing=True)
            shown["answers alone"] = self.recommender.suggest(asked, reader, session, 5)
            shown["colleagues who follow"] = self.recommender.people_for(asked, reader, session)
            shown["with open requests"] = self.recommender.recommend_with_open(
                asked, reader, session, 5, 3, left_out, asker=2
            )
        box = self.client.post("/embed/suggest", data={"q": questions[0]}, headers={"Origin": SITE})
        shown["the box in another page"] = (box.status_code, box.text)
        assert box.status_code == 200
        for page in pages:
            with self.world.sessions.begin() as session:
                session.execute(delete(FirstSuggestion))
                session.execute(delete(SeenRequest))  # what one's own visits mark as seen
            shown[page] = self._visit(page)
        return shown

    def _reader(self, session: Session) -> Reader:
        return reader_of(session.get_one(Person, self.who)) if self.who else ANYONE

    def _visit(self, page: str) -> tuple[int, str]:
        if page.startswith("/api"):
            token = self.world.tokens.get(self.who or 0)
            answer = self.client.get(page, headers={"Authorization": f"Bearer {token}"} if token else {})
        else:
            answer = self.client.get(page)
        assert answer.status_code < 500, page
        return answer.status_code, _CHANGING.sub("", answer.text)


def _pages(world: World, questions: Sequence[str]) -> list[str]:
    """The pages and calls that readers may visit."""
    asked = questions[0].replace(" ", "+")
    shown = world.rng.choice(world.visible)
    return [
        "/", f"/?q={asked}", f"/requests/new?q={asked}", "/requests/", "/documents/", "/desk/?state=all",
        f"/desk/?state=all&words={asked}", f"/requests/{2 * shown}", f"/requests/{2 * shown + 1}",
        f"/documents/{shown}", f"/documents/?q={asked}", f"/documents/{shown}/history/", f"/people/?q={asked}",
        f"/requests/{2 * shown}/similar", f"/requests/{2 * world.visible[0]}",
        *(f"/insights/teams/{team}" for team in TEAMS),
        "/people/me/settings", *(f"/people/p{number}" for number in PEOPLE), f"/api/v1/recommend?q={asked}&top_k=50",
        "/api/v1/requests", f"/api/v1/requests/{2 * shown}/similar?top_k=50", f"/api/v1/people/p{shown % 5 + 1}",
        f"/api/v1/requests/{2 * shown + 1}/similar?top_k=50",
    ]  # fmt: skip


def difference(one: Any, other: Any) -> str:
    """Where two values differ, and how; empty when they are equal but for rounding."""
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = [each.name for each in dataclasses.fields(one)]
        parts = ((f".{name}", getattr(one, name), getattr(other, name)) for name in names)
        return next((name + found for name, a, b in parts if (found := difference(a, b))), "")
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((f"[{place}]{found}" for place, (a, b) in pairs if (found := difference(a, b))), "")
    if isinstance(one, float) and isinstance(other, float):
        return "" if abs(one - other) <= ROUNDING else f": {one} became {other}"
    if one == other:
        return ""
    if isinstance(one, str) and isinstance(other, str):
        return f": {set(re.split(chr(10), one)) ^ set(re.split(chr(10), other))}"
    return f": {one!r} became {other!r}"


@dataclass
class Laboratory:
    """Makes worlds one after the other, changes them, and compares. `differences` are collected as (how the world was
    changed, the place, what differs)."""

    settings: Settings
    sessions: sessionmaker[Session]
    encoder: FakeEncoder
    analyzer: Analyzer
    cases: int = 0
    worlds: int = 0
    differences: list[tuple[str, str, str]] = field(default_factory=list)

    def try_world(self, number: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            if number % 2:
                for module, name, value in SMALL_LIMITS:
                    patch.setattr(module, name, value, raising=False)
            settings = replace(self.settings, reranker="features" if number % 3 else "none")
            self._try(World(number, self.analyzer, self.sessions), settings, _full=number % 5 == 0)
        self.worlds += 1

    def _try(self, world: World, settings: Settings, _full: bool) -> None:
        reindex(settings, self.sessions, self.encoder, self.analyzer, full=True)
        asked = make_recommender(settings, self.analyzer, self.encoder)
        asked.refresh(wait=True)
        app = create_app(replace(settings, embed_origins=SITE, **unlimited()), recommender=asked)
        visitors = []
        for who in world.readers:
            client = sign_in(app.test_client(), f"p{who}") if who else app.test_client()
            visitors.append(Visitor(who, world, asked, client))
        questions = world.questions()
        pages = world.rng.sample(_pages(world, questions), PAGES)
        before = [visitor.everything(questions, pages) for visitor in visitors]
        for _ in range(CHANGES):
            how = world.change()
            reindex(settings, self.sessions, self.encoder, self.analyzer, full=_full)
            asked.refresh(wait=True)
            for visitor, shown in zip(visitors, before, strict=True):
                for place, value in visitor.everything(questions, pages).items():
                    self.cases += 1
                    if found := difference(shown[place], value):
                        where = f"world {world.number}, reader {visitor.who}: {place}"
                        self.differences.append((how, where, found))
        close_app(app)


@pytest.fixture
def laboratory(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> Laboratory:
    """A laboratory in which the items that everyone may read are enough to learn the space of the vectors from."""
    monkeypatch.setattr(changes, "_ENOUGH", PUBLIC)
    monkeypatch.setattr(people_beside, "utc_now", lambda: NOW)
    return Laboratory(settings, sessions, encoder, analyzer)


def test_what_may_not_be_read_changes_nothing_of_what_is_shown(laboratory: Laboratory) -> None:
    while laboratory.cases < CASES and not laboratory.differences:
        laboratory.try_world(laboratory.worlds)
    print(f"{laboratory.cases} cases in {laboratory.worlds} worlds, {len(laboratory.differences)} differences")
    assert not laboratory.differences, laboratory.differences[:3]
    write_cases("non-interference", laboratory.cases, laboratory.worlds, 0)


def test_items_that_are_equally_good_do_not_change_places_by_rounding(laboratory: Laboratory) -> None:
    """World 121 has two such items, whose order once followed the last digit of the scores of others."""
    laboratory.try_world(121)
    assert laboratory.cases
    assert not laboratory.differences, laboratory.differences[:3]
