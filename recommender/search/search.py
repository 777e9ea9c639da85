"""The search for one question: candidates from the index, the items that may be read now, and how well each matches.

A search uses the same index and models from beginning to end (`live.Snapshot`). What is shown of an item is made in
`snippet.py`.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import is_empty, readable_items
from recommender.datatypes import DATABASE_EMPTY, DENSE_MISSING, Item, Passage, Role
from recommender.encoder import CrossEncoder, Encoder
from recommender.index import Hit, SearchIndex
from recommender.index.digest import item_digest
from recommender.index.narrowing import Among
from recommender.search.calibration import AnswerModel
from recommender.search.copies import copied_from, with_original_age
from recommender.search.features import RERANKED, CandidateText, feature_matrix
from recommender.search.fusion import Candidate, fuse, reorder
from recommender.search.highlight import Matcher
from recommender.search.newer import Pair
from recommender.search.passage_match import PassageMatch
from recommender.search.question import Question, QuestionAnalyzer, with_known_rarity
from recommender.search.redirect import lead_on
from recommender.search.rerank import Judgement, RerankModel, judge, with_scores
from recommender.search.results import JudgedItem, Pool, Results, SecondLook
from recommender.settings import Settings

log = logging.getLogger(__name__)

POOL = 200
"""Passages of the vector index, and items of the keyword index, that are candidates; a judgement."""
SHOWN = 10
"""Suggestions that are shown unless another number is asked for; a judgement."""
LOADED = 20
"""Items that are read from the database at once; a judgement."""
_SURELY_REPLACED = 0.5
"""The probability from which an older item is marked as answered differently by a newer one; a judgement."""
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Search:
    """One question, and all that the search for it needs. `text` is the part of the question that is read
    (`question.part_to_read`); `notices` say what cannot run.

    Without a `rerank_model` the order of the fused scores stays. A `cross_encoder` also reads the first candidates.
    The search can be run for several readers; the question is encoded once.
    """

    text: str
    index: SearchIndex | None
    encoder: Encoder | None
    answer_model: AnswerModel
    rerank_model: RerankModel | None
    cross_encoder: CrossEncoder | None
    notices: tuple[str, ...]
    questions: QuestionAnalyzer
    settings: Settings

    def find(
        self,
        reader: Reader,
        session: Session,
        top_k: int,
        leave_out: Collection[str] = (),
        among: Among | None = None,
        second_look: bool = True,
    ) -> Results:
        """The items that `reader` may read now, without those in `leave_out`, ranked and judged. `among` are the only
        items to search. Both contain item keys. Without a `second_look` they are ordered and judged by the scores of
        both searches alone."""
        pool, index = self.candidates(reader, leave_out, among), self.index
        if index is None or not pool.candidates:
            return Results(pool)
        readable = _readable_items(pool.candidates, reader, session, top_k, among)
        if not readable and is_empty(session):  # its file was deleted, and an empty one made
            return Results(replace(pool, notices=(*pool.notices, DATABASE_EMPTY)))
        redirected = lead_on(readable, pool.candidates, index, reader, session, leave_out, among)
        ranked = redirected.ranked
        texts = self._texts(index, ranked[:RERANKED])
        copies = copied_from(texts)
        texts = with_original_age(texts, copies)
        question = pool.question
        matcher = Matcher(question.rarity, self.questions.analyzer, question.translated, question.spellings)
        matches = [PassageMatch(question, text, matcher, index.background) for text in texts]
        model = self.rerank_model if second_look and all(text.candidate.near for text in texts) else None
        if model is None or not matches:
            judged = [JudgedItem(match, match.similarity) for match in matches]
            similarity = max((item.match for item in judged), default=0.0)
            exists = self.answer_model.probability(similarity) if judged else 0.0
            return Results(pool, ranked, judged, similarity, exists, index.background, copies)
        judged = [JudgedItem(match, 0.0) for match in matches]
        look = SecondLook(texts, feature_matrix(question, texts, matcher))
        return self._look_again(model, index, Results(pool, ranked, judged, copies=copies), look, redirected.replaced)

    def _look_again(
        self, model: RerankModel, index: SearchIndex, results: Results, look: SecondLook, replaced: Mapping[str, str]
    ) -> Results:
        """The results in the order of the second look, with its probabilities. `replaced` has the key of the item that
        somebody has said to replace another one, by that one's key."""
        texts = look.texts
        places = {text.item.key: place for place, text in enumerate(texts)}
        stated = {
            Pair(places[newer], places[older]): 1.0
            for older, newer in replaced.items()
            if older in places and newer in places
        }
        judgement = judge(model, results.question, texts, look.features, index.background, stated)
        order = self._read_together(texts, judgement) if self.cross_encoder else judgement.order
        surely = {
            texts[pair.older].item.key: texts[pair.newer].item.key
            for pair, probability in sorted(judgement.replaced.items(), key=lambda entry: entry[1])
            if probability >= _SURELY_REPLACED
        }
        return Results(
            results.pool,
            [*(results.ranked[n] for n in order), *results.ranked[len(texts) :]],
            [replace(results.judged[n], match=float(judgement.answers[n])) for n in order],
            judgement.exists,
            self.answer_model.probability(judgement.exists),
            index.background,
            results.copies,
            look,
            surely,
        )

    def _read_together(self, texts: Sequence[CandidateText], judgement: Judgement) -> Sequence[int]:
        """The order in which the cross-encoder's scores count as much as those of the second look. When the
        cross-encoder fails, the order without it."""
        if self.cross_encoder is None:
            return judgement.order
        try:
            scores = self.cross_encoder.scores(self.text, [text.text for text in texts])
        except Exception:
            log.exception("The cross-encoder %s failed; the order without it stands", self.cross_encoder.name)
            return judgement.order
        return with_scores(judgement, scores)

    def candidates(self, reader: Reader, leave_out: Collection[str] = (), among: Among | None = None) -> Pool:
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
        among: Among | None,
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
                nearest = index.nearest(list(places.values()), reader.tokens, POOL, among)
                language = max(zip(nearest, languages, strict=True), key=lambda each: each[0])[1]
            placed = places[language]
        question = self.questions.with_translations(question, language, index, reader, only_language)
        hits = index.search(placed, question.terms, reader.tokens, POOL, among)
        return with_known_rarity(question, index, reader), hits

    def _texts(self, index: SearchIndex, ranked: Sequence[tuple[Item, Candidate]]) -> list[CandidateText]:
        """The candidates with the passages that the search found; all passages when it was by words alone. Of an item
        that was edited after it was indexed, the passage has the present text."""
        ids = {
            item.key: [candidate.near.passage_id] if candidate.near else index.passage_ids(item.key)
            for item, candidate in ranked
        }
        passages = index.passages([passage_id for item_ids in ids.values() for passage_id in item_ids])
        digests = index.digests([item.key for item, _candidate in ranked])
        texts = []
        for item, candidate in ranked:
            item_passages = [passages[passage_id] for passage_id in ids[item.key] if passage_id in passages]
            if not item_passages:
                item_passages = [Passage(item.key, Role.QUESTION, 0, item.title, item.body, item.language)]
            if digests.get(item.key) != item_digest(item, self.settings.passage_tokens):
                item_passages = [_with_present_text(passage, item) for passage in item_passages]
            texts.append(CandidateText(item, candidate, item_passages))
        return texts


def _readable_items(
    candidates: Sequence[Candidate], reader: Reader, session: Session, top_k: int, among: Among | None
) -> list[tuple[Item, Candidate]]:
    """The best items as the database has them now, in the order of `fusion.reorder`. Items that were deleted, hidden or
    restricted since they were indexed are dropped first and do not affect the order, and so are those that are not in
    `among` any more."""
    ranked: list[tuple[Item, Candidate]] = []
    for start in range(0, len(candidates), LOADED):
        chunk = candidates[start : start + LOADED]
        items = readable_items(session, [candidate.item for candidate in chunk], reader)
        if among is not None:
            items = {key: item for key, item in items.items() if among.has(item)}
        ranked += [(items[candidate.item], candidate) for candidate in chunk if candidate.item in items]
        if len(ranked) >= max(LOADED, top_k):
            break
    by_key = {item.key: (item, candidate) for item, candidate in ranked[: max(LOADED, top_k)]}
    return [by_key[candidate.item] for candidate in reorder([candidate for _item, candidate in by_key.values()])]


def _with_present_text(passage: Passage, item: Item) -> Passage:
    """The passage with the present text of the whole answer or body, for an item that was edited after it was
    indexed."""
    text = item.answer if passage.role is Role.ANSWER else item.body
    return replace(passage, context=item.title, text=text or item.title)
