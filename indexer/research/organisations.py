"""Organisations with judged everyday questions, each in a store of its own, to fit on and to measure.

A folder of an organisation has `org.jsonl` (for `kollega import jsonl`) and `questions.jsonl`
(`indexer/evaluation/everyday.py`).
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.evaluation.everyday import EverydayQuestion, Reply
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.protocol import Source
from recommender.access import ANYONE
from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.encoder import Encoder
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer
from recommender.search.rerank import RerankModel
from recommender.settings import Settings

_RANKED = 10  # depth of the deepest measure


@dataclass(frozen=True)
class Organisation:
    """An organisation's store: its settings, sessions, the external ids of its items by key (`request:it-001` by
    `request:17`), and a recommender."""

    settings: Settings
    sessions: sessionmaker[Session]
    ids: Mapping[str, str]
    questions: QuestionAnalyzer
    live: Live

    def recommender(self, model: RerankModel | None = None) -> Recommender:
        """The recommender of this store, with another model for the second look if one is given."""
        return Recommender(self.settings, self.questions, self.live, model)


@contextmanager
def open_organisation(
    source: Source, home: Path, settings: Settings, encoder: Encoder, analyzer: Analyzer
) -> Iterator[Organisation]:
    """Load and index an organisation in a new store under `home`, which is emptied first."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    own = replace(settings, home=home, database="")
    sessions = open_database(own)
    load(source, sessions, analyzer)
    reindex(own, sessions, encoder, analyzer)
    with sessions() as session:
        requests = session.execute(select(HelpRequest.id, HelpRequest.external_id))
        ids = {item_key(Kind.REQUEST, number): f"request:{external}" for number, external in requests}
        documents = session.execute(select(Document.id, Document.external_id))
        ids |= {item_key(Kind.DOCUMENT, number): f"document:{external}" for number, external in documents}
    try:
        live = Live.load(own.index_dir, encoder)
        yield Organisation(own, sessions, ids, QuestionAnalyzer.load(analyzer, own), live)
    finally:
        sessions.kw["bind"].dispose()


def ask(organisation: Organisation, questions: list[EverydayQuestion], model: RerankModel | None = None) -> list[Reply]:
    """What the recommender says to each question, asked by somebody who has not signed in."""
    recommender = organisation.recommender(model)
    replies = []
    with organisation.sessions() as session:
        for question in questions:
            recommendation = recommender.recommend(question.text, ANYONE, session, _RANKED)
            ranked = recommender.rank(question.text, ANYONE, session, _RANKED)
            replies.append(Reply.of(recommendation, ranked.keys, organisation.ids))
            session.expunge_all()
    return replies
