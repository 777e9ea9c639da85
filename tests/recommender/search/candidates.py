"""Candidates and questions made by hand, for the tests of the second look."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.index import Near
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from recommender.search import rerank
from recommender.search.features import NAMES, CandidateText
from recommender.search.fusion import Candidate
from recommender.search.highlight import Matcher
from recommender.search.passage_match import PassageMatch
from recommender.search.question import Question
from recommender.search.results import JudgedItem, Pool, Results
from tests.conftest import MODELS

DAY = datetime(2026, 6, 1)


def make_question(text: str, rarity: Mapping[str, float] | None = None, language: str = "en") -> Question:
    """A question whose terms are its words in lower case, each with rarity 1 if none is given. A word that the index
    does not know has rarity 4."""
    words = text.lower().split()
    return Question(
        text, language, True, Terms(tuple(words), ()), [[word] for word in words],
        dict(rarity if rarity is not None else dict.fromkeys(words, 1.0)), 4.0, 3.0,
    )  # fmt: skip


def direction(*numbers: float) -> np.ndarray:
    """A unit vector."""
    vector = np.array(numbers, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def make_text(
    number: int = 1,
    title: str = "Printer jam",
    body: str = "",
    answer: str = "Open the tray",
    *,
    kind: Kind = Kind.REQUEST,
    language: str = "en",
    team: str | None = "it",
    at: datetime = DAY,
    score: float = 1.0,
    lexical: float = 1.0,
    near: Near | None = None,
    whole: np.ndarray | None = None,
    says: np.ndarray | None = None,
) -> CandidateText:
    """A candidate. `whole` and `says` are the directions of the whole item and of its answer; with either, the
    candidate has a Near (0.5 at every place unless `near` gives another)."""
    key = f"{kind}:{number}"
    if near is None and (whole is not None or says is not None):
        near = Near(number, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    if near is not None:
        near = near._replace(
            direction=near.direction if whole is None else lambda: whole,
            answer_direction=near.answer_direction if says is None else lambda: says,
        )
    item = Item(key, kind, title, body, answer, language, team, frozenset({"everyone"}), at)
    passage = Passage(key, Role.ANSWER, 0, title, answer or body, language)
    return CandidateText(item, Candidate(key, score, lexical, near), [passage])


def make_results(
    question: Question,
    texts: Sequence[CandidateText],
    matches: Sequence[float] = (),
    exists: float = 0.5,
    replaced: Mapping[str, str] | None = None,
) -> Results:
    """The results of a search that found these candidates, in this order, with these matches (0.5 if none is given)."""
    given = list(matches) or [0.5] * len(texts)
    matcher = Matcher(question.rarity, Analyzer(MODELS / "dictionaries"))
    judged = [
        JudgedItem(PassageMatch(question, text, matcher, 0.0), match) for text, match in zip(texts, given, strict=True)
    ]
    ranked = [(text.item, text.candidate) for text in texts]
    pool = Pool(question, [text.candidate for text in texts], ())
    return Results(pool, ranked, judged, exists, exists, replaced=replaced or {})


def row_of(**values: float) -> np.ndarray:
    """One row of a feature matrix with these features; the others are 0."""
    assert values.keys() <= set(NAMES)
    return np.array([[values.get(name, 0.0) for name in NAMES]])


def list_column(rows: np.ndarray, name: str) -> list[float]:
    """A column of what the trees read."""
    return [float(value) for value in rows[:, rerank.LIST_NAMES.index(name)]]
