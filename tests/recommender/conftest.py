"""A recommender on the items of the database, with an encoder that counts words."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender.database.tables import HelpRequest, Person
from recommender.datatypes import INDEX_MISSING, Suggestion
from recommender.encoder import Encoder
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender, open_index

Add = Callable[..., int]
Build = Callable[[], Recommender]
Reopen = Callable[[Encoder | None], Recommender]


@pytest.fixture
def build(settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer) -> Build:
    """Indexes the items in the database and opens a recommender on them."""

    def built() -> Recommender:
        reindex(settings, sessions, encoder, analyzer)
        return make_recommender(settings, analyzer, encoder, open_index(settings, encoder))

    return built


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def reopen(settings: Settings, analyzer: Analyzer) -> Reopen:
    """Opens a recommender as `Recommender.open` does, with the encoder that it is given."""

    def opened(encoder: Encoder | None) -> Recommender:
        recommender = make_recommender(settings, analyzer, encoder, None, (INDEX_MISSING,))
        recommender.refresh(wait=True)
        return recommender

    return opened


def change_request(sessions: sessionmaker[Session], request_id: int, **values: object) -> None:
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, request_id)
        for name, value in values.items():
            setattr(request, name, value)


def get_person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def add_unrelated_requests(add_request: Add, count: int = 6) -> None:
    """Add requests that share no word with the questions in these tests."""
    for number in range(count):
        add_request(f"unrelated{number} subject{number}", answer=f"other{number} reply{number}", by="zeppo")


def item_ids(suggestions: Iterable[Suggestion]) -> set[int]:
    return {suggestion.item.id for suggestion in suggestions}


def related_ids(suggestions: Iterable[Suggestion]) -> list[int]:
    """The ids of the items in their order, without those of `add_unrelated_requests`: the first three results are
    shown with an answer, whatever they are."""
    return [suggestion.item.id for suggestion in suggestions if not suggestion.item.title.startswith("unrelated")]
