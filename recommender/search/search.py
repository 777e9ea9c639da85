"""The search for one question: candidates from the index, the items that may be read now, and how well each matches.

A search uses the same index and models from beginning to end (`live.Snapshot`). What is shown of an item is made in
`snippet.py`.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import readable_items
from recommender.datatypes import DENSE_MISSING, Item, Passage, Role
from recommender.encoder import Encoder
from recommender.index import Hit, SearchIndex
from recommender.index.digest import item_digest
from recommender.search import calibration
from recommender.search.calibration import AnswerModel, Features
from recommender.search.fusion import Candidate, fuse, reorder
from recommender.search.highlight import Match, Matcher
from recommender.search.question import Question, QuestionAnalyzer, with_known_rarity
from recommender.settings import Settings

log = logging.getLogger(__name__)

POOL = 200
"""Passages of the vector index, and items of the keyword index, that are candidates; a judgement."""
SHOWN = 10
"""Suggestions that are shown unless another number is asked for; a judgement."""
LOADED = 20
"""Items that are read from the database at once; a judgement."""
_MATCHED_CHARACTERS = 10_000
"""Characters of a passage in which words of the question are looked for; a judgement."""
_WORTH_SHOWING = 0.3
"""An item is shown if its match is at least this share of the best match; a judgement."""

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class JudgedItem:
    """An item with its best passage, the probability that it answers (`match`), the features from which that was
    computed, and the matching words of the passage (positions in its context, a line break, and its text)."""

    item: Item
    passage: Passage
    match: float
    features: Features
    words: list[Match]


@dataclass(frozen=True)
class Pool:
    """The analysed question and its candidates, best first, before the database is asked which of them still exist.
    `notices` say what could not run."""

    question: Question
    candidates: list[Candidate]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """The result of a search: readable items, best first (`ranked`), and how well the first of them match (`judged`).

    `exists` is the probability that the question has an answer, `background` the mean cosine of unrelated texts.
    """

    pool: Pool
    ranked: Sequence[tuple[Item, Candidate]] = ()
    judged: Sequence[JudgedItem] = ()
    exists: float = 0.0
    background: float = 0.0

    @property
    def question(self) -> Question:
        """The analysed question."""
        return self.pool.question

    @property
    def best_match(self) -> float:
        """The match of the item that matches best; 0 when there is none."""
        return max((judged.match for judged in self.judged), default=0.0)

    @property
    def worth_showing(self) -> list[JudgedItem]:
        """The judged items, without those that match far worse than the best one."""
        return [judged for judged in self.judged if judged.match >= _WORTH_SHOWING * self.best_match]

    @property
    def nearness(self) -> dict[str, float]:
        """How near each candidate is to the question, by item key: the cosine above that of unrelated texts; the fused
        score when the search was by words alone."""
        candidates = self.pool.candidates
        if all(candidate.dense is None for candidate in candidates):
            return {candidate.item: candidate.score for candidate in candidates}
        return {candidate.item: (candidate.dense or 0.0) - self.background for candidate in candidates}


@dataclass(frozen=True)
class Search:
    """One question, and all that the search for it needs. `text` is the part of the question that is read
    (`question.part_to_read`); `notices` say what cannot run.

    It can be run for several readers; the question is encoded once.
    """

    text: str
    index: SearchIndex | None
    encoder: Encoder | None
    answer_model: AnswerModel
    notices: tuple[str, ...]
    questions: QuestionAnalyzer
    settings: Settings

    def find(
        self,
        reader: Reader,
        session: Session,
        top_k: int,
        leave_out: Collection[str] = (),
        among: frozenset[str] | None = None,
    ) -> Results:
        """The items that `reader` may read now, without those in `leave_out`, ranked and judged. `among` are the only
        items to search. Both contain item keys."""
        pool, index = self.candidates(reader, leave_out, among), self.index
        if index is None or not pool.candidates:
            return Results(pool)
        ranked = _readable_items(pool.candidates, reader, session, top_k)
        judged = self._judge(index, pool.question, ranked[: max(top_k, SHOWN)])
        return Results(pool, ranked, judged, self._answer_probability(judged), index.background)

    def candidates(self, reader: Reader, leave_out: Collection[str] = (), among: frozenset[str] | None = None) -> Pool:
        """The analysed question and all its candidates for this reader; `leave_out` and `among` as in `find`."""
        index = self.index
        question = self.questions.analyse(self.text, index, reader)
        if index is None or not question.terms.words:
            return Pool(question, [], self.notices)
        vector, notices = self._encoded
        question, hits = self._hits(index, vector, question, reader, among)
        fused = fuse(hits, index.background, self.settings.dense_weight)
        return Pool(question, [candidate for candidate in fused if candidate.item not in leave_out], notices)

    @cached_property
    def _encoded(self) -> tuple[Vector | None, tuple[str, ...]]:
        """(the question's vector, the notices); without a vector, keyword search alone answers, with a notice."""
        if self.encoder is None:
            return None, self.notices
        try:
            return self.encoder.encode_queries([self.text])[0], self.notices
        except Exception:
            log.exception("The question could not be encoded; keyword search alone answers it")
            return None, tuple(dict.fromkeys([*self.notices, DENSE_MISSING]))

    def _hits(
        self,
        index: SearchIndex,
        vector: Vector | None,
        question: Question,
        reader: Reader,
        among: frozenset[str] | None,
    ) -> tuple[Question, list[Hit]]:
        """(the question with its translations, the hits). When its language is not known, the language of the index is
        taken in which a passage is nearest to the question."""
        language, placed, only_language = question.language, None, True
        if vector is not None:
            others = set() if question.language_known else index.vector_space.questions.keys() - {language}
            languages = (language, *sorted(others))
            only_language = len(languages) == 1
            places = {name: index.vector_space.place_question(vector, name, question.length) for name in languages}
            if not only_language:
                language = max(languages, key=lambda name: index.nearest(places[name], reader.tokens, POOL, among))
            placed = places[language]
        question = self.questions.with_translations(question, language, index, reader, only_language)
        hits = index.search(placed, question.terms, reader.tokens, POOL, among)
        return with_known_rarity(question, index, reader), hits

    def _judge(
        self, index: SearchIndex, question: Question, ranked: Sequence[tuple[Item, Candidate]]
    ) -> list[JudgedItem]:
        """Find the best passage of each item, and compute how well it matches the question."""
        ids = {
            item.key: [candidate.passage_id] if candidate.passage_id is not None else index.passage_ids(item.key)
            for item, candidate in ranked
        }
        passages = index.passages([passage_id for item_ids in ids.values() for passage_id in item_ids])
        digests = index.digests([item.key for item, _candidate in ranked])
        matcher = Matcher(question.rarity, self.questions.analyzer, question.translated)
        judged = []
        for item, candidate in ranked:
            item_passages = [passages[passage_id] for passage_id in ids[item.key] if passage_id in passages]
            if not item_passages:
                continue
            if digests.get(item.key) != item_digest(item, self.settings.passage_tokens):
                item_passages = [_with_present_text(passage, item) for passage in item_passages]
            covered = (_coverage(question, passage, matcher) for passage in item_passages)
            passage, words, coverage = max(covered, key=lambda entry: entry[2])
            near = None if candidate.dense is None else calibration.nearness(candidate.dense, index.background)
            passage_words = len(f"{passage.context} {passage.text}".split())
            across = item.language != question.language
            features = Features(near, coverage, question.length, passage_words, across)
            judged.append(JudgedItem(item, passage, calibration.probability(features), features, words))
        return judged

    def _answer_probability(self, judged: Sequence[JudgedItem]) -> float:
        """The probability that one of the items, or another like them, answers the question."""
        by_meaning = any(item.features.near is not None for item in judged)
        model = self.answer_model if by_meaning else calibration.BEST_ALONE
        return model.probability([item.match for item in judged])


def _readable_items(
    candidates: Sequence[Candidate], reader: Reader, session: Session, top_k: int
) -> list[tuple[Item, Candidate]]:
    """The best items as the database has them now, in the order of `fusion.reorder`. Items that were deleted, hidden or
    restricted since they were indexed are dropped first and do not affect the order."""
    ranked: list[tuple[Item, Candidate]] = []
    for start in range(0, len(candidates), LOADED):
        chunk = candidates[start : start + LOADED]
        items = readable_items(session, [candidate.item for candidate in chunk], reader)
        ranked += [(items[candidate.item], candidate) for candidate in chunk if candidate.item in items]
        if len(ranked) >= max(LOADED, top_k):
            break
    by_key = {item.key: (item, candidate) for item, candidate in ranked[: max(LOADED, top_k)]}
    return [by_key[candidate.item] for candidate in reorder([candidate for _item, candidate in by_key.values()])]


def _coverage(question: Question, passage: Passage, matcher: Matcher) -> tuple[Passage, list[Match], float]:
    """(the passage, its matching words, the share of the question that they cover, 0 to 1). A word in the other
    language matches the word of the question that it translates."""
    words = matcher.words(f"{passage.context}\n{passage.text}"[:_MATCHED_CHARACTERS])
    matched = frozenset[str]().union(*(word.terms for word in words))
    return passage, words, calibration.coverage(question.rarity, matched, question.unknown_rarity, question.rarest)


def _with_present_text(passage: Passage, item: Item) -> Passage:
    """The passage with the present text of the whole answer or body, for an item that was edited after it was
    indexed."""
    text = item.answer if passage.role is Role.ANSWER else item.body
    return replace(passage, context=item.title, text=text or item.title)
