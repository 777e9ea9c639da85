"""The one recipe: a question in, a Recommendation out. Readable top to bottom in `recommend`."""

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.answer_model_file import AnswerModelFile
from recommender.corpus import readable_items
from recommender.database.tables import utc_now
from recommender.datatypes import (
    DENSE_MISSING,
    INDEX_MISMATCH,
    INDEX_MISSING,
    Expert,
    Item,
    Passage,
    Recommendation,
    Role,
    Suggestion,
    Verdict,
    Why,
)
from recommender.encoder import Encoder
from recommender.encoder.load import load_encoder
from recommender.errors import IndexDamaged, IndexMismatch, IndexNotFound, ModelError
from recommender.index import Hit, SearchIndex, generations
from recommender.index.digest import item_digest
from recommender.index.local import LocalIndex
from recommender.knowledge import outcomes
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.synonyms import SynonymsFile
from recommender.people import experts, fairness
from recommender.people.availability import availabilities
from recommender.people.evidence import Trace, traces
from recommender.people.ranker import Ranker
from recommender.ranker_file import RankerFile
from recommender.search import calibration
from recommender.search.calibration import AnswerModel, Features
from recommender.search.fusion import Candidate, fuse, reorder
from recommender.search.highlight import Match, Matcher, excerpt
from recommender.search.question import Question, QuestionAnalyzer, as_text, with_known_rarity
from recommender.settings import Settings

log = logging.getLogger(__name__)

POOL = 200
SHOWN = 10
LOADED = 20
EXPERTS, EXPERTS_WEIGHED = 4, 100
_MARKED = 10_000
_WORTH_SHOWING = 0.3
_CONVINCING = 0.5
_SAME, _SOMETHING = 0.6, 0.15
"""The match from which two requests are about the same, and that from which somebody may know something."""
_TOPIC_WORDS = 3


@dataclass(frozen=True)
class _Judged:
    """An item with its best passage, the words of `context, line break, text` that match, and how well they do."""

    item: Item
    passage: Passage
    match: float
    features: Features
    words: list[Match]


@dataclass(frozen=True)
class _Found:
    """What a question met: readable items, best first, and how well the first of them match."""

    asked: Question
    ranked: list[tuple[Item, Candidate]]
    judged: list[_Judged]
    notices: tuple[str, ...]
    exists: float = 0.0
    """How probable it is that the question has an answer."""
    pool: Sequence[Candidate] = ()
    """All that is near, before the database is asked which of it is still there."""
    background: float = 0.0

    @property
    def best(self) -> float:
        """The match of the suggestion that matches best."""
        return max((one.match for one in self.judged), default=0.0)

    @property
    def worth_showing(self) -> list[_Judged]:
        """Suggestions without those far below the best."""
        return [one for one in self.judged if one.match >= _WORTH_SHOWING * self.best]

    def with_convincing(self, traces: Sequence[Trace]) -> list[Trace]:
        """The traces, those marked that colleagues may be named for: of items worth showing, or at least half as near
        as the nearest of them."""
        by_words = all(candidate.dense is None for candidate in self.pool)
        near = {each.item: each.score if by_words else (each.dense or 0.0) - self.background for each in self.pool}
        least = _CONVINCING * max((near[trace.key] for trace in traces), default=0.0)
        worth = {one.item.key for one in self.worth_showing}
        return [
            trace._replace(convincing=True) if trace.key in worth or near[trace.key] >= least > 0 else trace
            for trace in traces
        ]


@dataclass(frozen=True)
class Nearby:
    """What people did near a question, nearest first, and the question's language."""

    traces: list[Trace]
    language: str


@dataclass(frozen=True)
class Ranking:
    """Item keys, best first, and the probability that there is an answer: what `kollega evaluate` measures. `features`
    are those of the first suggestions, which it was made of."""

    keys: tuple[str, ...]
    exists: float
    features: tuple[Features, ...]

    @property
    def matches(self) -> tuple[float, ...]:
        """How probable it is of each of the first suggestions that it answers."""
        return tuple(calibration.probability(each) for each in self.features)


class Recommender:
    """Holds an open index and an encoder; safe to call from many threads."""

    def __init__(
        self,
        settings: Settings,
        analyzer: Analyzer,
        encoder: Encoder | None,
        index: SearchIndex | None,
        notices: tuple[str, ...] = (),
    ) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._encoder = encoder
        self._state: tuple[SearchIndex | None, tuple[str, ...]] = (index, notices)
        alignment = Alignment.load(encoder.card if encoder else None)
        synonyms = SynonymsFile(settings.synonyms_path, analyzer)
        self._questions = QuestionAnalyzer(analyzer, synonyms, alignment, Dictionary.load(), settings.language)
        self._ranker = RankerFile(settings.index_dir)
        self._belief = AnswerModelFile(settings.index_dir)
        self._generation: str | None = None
        self._reloading = threading.Lock()
        self._encoded = threading.local()

    @classmethod
    def open(cls, settings: Settings) -> "Recommender":
        """Load the model and the live generation. What is missing or damaged becomes a notice, not an error: words
        alone answer without a model, and an empty recommendation says that there is no index."""
        try:
            encoder: Encoder | None = load_encoder(settings)
        except ModelError as error:
            log.error("%s", error)
            encoder = None
        recommender = cls(settings, Analyzer(settings.models_dir / "dictionaries"), encoder, None, (INDEX_MISSING,))
        recommender._load(generations.live_name(settings.index_dir))
        return recommender

    @property
    def analyzer(self) -> Analyzer:
        """What turns questions and texts into terms."""
        return self._analyzer

    @property
    def index(self) -> SearchIndex | None:
        """The index that answers now."""
        return self._state[0]

    @property
    def notices(self) -> tuple[str, ...]:
        """What cannot run now."""
        return self._state[1]

    @property
    def ranker(self) -> Ranker:
        """The weights that colleagues are ranked by now: learned from this organisation's own history, or shipped."""
        return self._ranker.of(self._generation)

    @property
    def answer_model(self) -> AnswerModel:
        """What tells now whether a question has an answer: fitted to this organisation's own history, or shipped."""
        return self._belief.of(self._generation)

    def refresh(self, wait: bool = False) -> None:
        """Take over a new live generation. Questions go on in the old one meanwhile; with `wait` this returns when the
        new one is in."""
        name = generations.live_name(self._settings.index_dir)
        if name == self._generation:
            return
        if wait:
            with self._reloading:
                self._load(name)
        elif self._reloading.acquire(blocking=False):
            threading.Thread(target=self._load_and_release, args=(name,), daemon=True).start()

    def language_of(self, text: str) -> str:
        """The language a text is written in, as a two-letter code."""
        return self._analyzer.detect(as_text(text))

    def warm_up(self) -> None:
        """Load dictionaries and run the model once, so that the first question is as quick as the next."""
        self._analyzer.query_terms("valmiina ready 1")
        self._analyzer.detect("valmiina ready")
        if self._encoder:
            self._encoder.encode_queries(["valmiina"])

    def recommend(
        self,
        question: str,
        reader: Reader,
        session: Session,
        top_k: int = SHOWN,
        leave_out: Collection[str] = (),
        asker: int | None = None,
    ) -> Recommendation:
        """Suggestions and experts for a question, from what `reader` may read and `session` still holds, without the
        items whose keys are in `leave_out`. Neither who looks nor the `asker` (a person's id) is suggested."""
        found = self._find(question, reader, session, top_k, leave_out)
        language, notices = found.asked.language, found.notices
        verdict = calibration.verdict(found.exists, self._settings.answer_from, self._settings.maybe_from)
        known, teams = self._experts(found, reader, session, asker)
        if verdict is Verdict.UNKNOWN:
            return Recommendation(question, language, verdict, (), known, notices=notices, teams=teams)
        worth = found.worth_showing
        shown = tuple(_suggestion(one, found.asked) for one in worth[:top_k])
        return Recommendation(question, language, verdict, shown, known, max(0, len(worth) - top_k), notices, teams)

    def rank(
        self, question: str, reader: Reader, session: Session, top_k: int, among: frozenset[str] | None = None
    ) -> Ranking:
        """The order that `recommend` begins with, whatever the verdict; `among` are the only items to search."""
        found = self._find(question, reader, session, top_k, among=among)
        keys = tuple(item.key for item, _candidate in found.ranked[:top_k])
        return Ranking(keys, found.exists, tuple(one.features for one in found.judged))

    def candidates(self, question: str, reader: Reader, among: frozenset[str] | None = None) -> list[Candidate]:
        """All that the index holds near a question, best first, before the database is asked which of it is still
        there: what weights are fitted on. `among` are the only items to search."""
        _asked, _index, pool, _notices = self._candidates(question, reader, (), among)
        return pool

    def similar_open(
        self, question: str, reader: Reader, session: Session, top_k: int = SHOWN, leave_out: Collection[str] = ()
    ) -> tuple[Suggestion, ...]:
        """Open requests that are about the same, best first: the sign of something that troubles many at once."""
        reader = replace(reader, tokens=reader.for_open_requests)
        found = self._find(question, reader, session, top_k, leave_out)
        near = [one for one in found.judged[:top_k] if one.match >= _SAME]
        return tuple(_suggestion(one, found.asked) for one in near)

    def _find(
        self,
        question: str,
        reader: Reader,
        session: Session,
        top_k: int,
        leave_out: Collection[str] = (),
        among: frozenset[str] | None = None,
    ) -> _Found:
        """Search both legs, fuse, drop what is not readable any more, and judge what may be shown."""
        asked, index, pool, notices = self._candidates(question, reader, leave_out, among)
        if index is None or not pool:
            return _Found(asked, [], [], notices)
        ranked = self._readable_items(pool, reader, session, top_k)
        judged = self._judge(index, asked, ranked[: max(top_k, SHOWN)])
        return _Found(asked, ranked, judged, notices, self._exists(judged), pool, index.background)

    def _candidates(
        self, question: str, reader: Reader, leave_out: Collection[str], among: frozenset[str] | None
    ) -> tuple[Question, SearchIndex | None, list[Candidate], tuple[str, ...]]:
        """The question as it was understood, and the items of the index that are near it, best first."""
        index, notices = self._state
        asked = self._questions.analyse(question, index, reader)
        if index is None or not asked.terms.words:
            return asked, index, [], notices
        vector, notices = self._encode(asked, notices)
        asked, hits = self._search(index, vector, asked, reader, among)
        fused = fuse(hits, index.background, self._settings.dense_weight)
        wanted = [candidate for candidate in fused if candidate.item not in leave_out]
        return asked, index, wanted, notices

    def _search(
        self,
        index: SearchIndex,
        vector: NDArray[np.float32] | None,
        asked: Question,
        reader: Reader,
        among: frozenset[str] | None,
    ) -> tuple[Question, list[Hit]]:
        """The hits, and the question in the language that they were found in: one too short to tell its language goes
        with that of which something is nearest, of those that the index knows."""
        language, placed, only = asked.language, None, True
        if vector is not None:
            known = set() if asked.told else index.vector_space.questions.keys()
            languages = (language, *sorted(known - {language}))
            only = len(languages) == 1
            places = {each: index.vector_space.place_question(vector, each, asked.length) for each in languages}
            if not only:
                language = max(languages, key=lambda each: index.nearest(places[each], reader.tokens, POOL, among))
            placed = places[language]
        understood = self._questions.across(asked, language, index, reader, only)
        hits = index.search(placed, understood.terms, reader.tokens, POOL, among)
        return with_known_rarity(understood, index, reader), hits

    def _encode(self, asked: Question, notices: tuple[str, ...]) -> tuple[NDArray[np.float32] | None, tuple[str, ...]]:
        """(the question's vector, the notices); without a vector words alone answer, and a notice says so."""
        if self._encoder is None:
            return None, notices
        try:
            if getattr(self._encoded, "text", None) != asked.text:  # an agent's panel asks the same twice in a row
                self._encoded.vector = self._encoder.encode_queries([asked.text])[0]
                self._encoded.text = asked.text
            return self._encoded.vector, notices
        except Exception:
            log.exception("The question could not be encoded; words alone answer it")
            return None, tuple(dict.fromkeys([*notices, DENSE_MISSING]))

    def _readable_items(
        self, candidates: Sequence[Candidate], reader: Reader, session: Session, top_k: int
    ) -> list[tuple[Item, Candidate]]:
        """The best items as the database has them now, in the order that they themselves give: deleted, hidden and no
        longer readable ones vanish here, and have no say in it."""
        ranked: list[tuple[Item, Candidate]] = []
        for start in range(0, len(candidates), LOADED):
            chunk = candidates[start : start + LOADED]
            items = readable_items(session, [candidate.item for candidate in chunk], reader)
            ranked += [(items[candidate.item], candidate) for candidate in chunk if candidate.item in items]
            if len(ranked) >= max(LOADED, top_k):
                break
        found = {item.key: (item, candidate) for item, candidate in ranked[: max(LOADED, top_k)]}
        return [found[candidate.item] for candidate in reorder([candidate for _item, candidate in found.values()])]

    def _judge(self, index: SearchIndex, asked: Question, ranked: Sequence[tuple[Item, Candidate]]) -> list["_Judged"]:
        """How well each item's best passage matches the question."""
        ids = {
            item.key: [candidate.passage_id] if candidate.passage_id is not None else index.passage_ids(item.key)
            for item, candidate in ranked
        }
        passages = index.passages([identifier for own in ids.values() for identifier in own])
        digests = index.digests([item.key for item, _candidate in ranked])
        matcher = Matcher(asked.rarity, self._analyzer, asked.translated)
        judged = []
        for item, candidate in ranked:
            own = [passages[identifier] for identifier in ids[item.key] if identifier in passages]
            if not own:
                continue
            if digests.get(item.key) != item_digest(item, self._settings.passage_tokens):
                own = [_as_it_is_now(passage, item) for passage in own]
            passage, words, covered = max((_covered(asked, each, matcher) for each in own), key=lambda found: found[2])
            near = None if candidate.dense is None else calibration.nearness(candidate.dense, index.background)
            long = len(f"{passage.context} {passage.text}".split())
            features = Features(near, covered, asked.length, long, item.language != asked.language)
            judged.append(_Judged(item, passage, calibration.probability(features), features, words))
        return judged

    def _exists(self, judged: Sequence["_Judged"]) -> float:
        """How probable it is that one of the items, or another like them, answers the question."""
        by_meaning = any(one.features.near is not None for one in judged)
        answer_model = self.answer_model if by_meaning else calibration.BEST_ALONE
        return answer_model.probability([one.match for one in judged])

    def evidence(
        self,
        question: str,
        reader: Reader,
        session: Session,
        before: datetime | None = None,
        among: frozenset[str] | None = None,
    ) -> Nearby:
        """What people did near a question that `reader` may read, as of `before`: what `kollega evaluate` and `kollega
        train-experts` go by. `among` are the only items to search."""
        asked, _index, pool, _notices = self._candidates(question, reader, (), among)
        return Nearby(self._traces(pool, reader, session, before), asked.language)

    def _experts(
        self, found: _Found, reader: Reader, session: Session, asker: int | None
    ) -> tuple[tuple[Expert, ...], tuple[str, ...]]:
        """(colleagues, the teams instead when none of them convinces); none when even the nearest item is far away."""
        if found.best < _SOMETHING:
            return (), ()
        now, half_life = utc_now(), self._settings.half_life_days
        near = found.with_convincing(self._traces(found.pool, reader, session))
        excluded = {person for person in (reader.person_id, asker) if person is not None}
        ranked = experts.rank(near, self.ranker, now, half_life, found.asked.language, excluded)
        ranked = experts.with_evidence(ranked, near)[:EXPERTS_WEIGHED]
        available = availabilities(session, [each.person_id for each in ranked], now.date(), self._analyzer)
        language = found.asked.language if found.asked.told else ""
        chosen = fairness.choose(ranked, available, found.asked.terms.words, language)[:EXPERTS]
        known = experts.describe(session, reader, chosen, near, now, half_life, self.ranker)
        matcher = Matcher(found.asked.telling, self._analyzer, found.asked.translated)
        known = tuple(replace(expert, words=_shared_words(found.asked, expert, matcher)) for expert in known)
        convinces = any(expert.answered or expert.keeps or expert.verified for expert in known)
        return known, () if convinces else experts.teams(near)

    def _traces(
        self, pool: Sequence[Candidate], reader: Reader, session: Session, before: datetime | None = None
    ) -> list[Trace]:
        scores = {candidate.item: candidate.score for candidate in pool[:POOL]}
        return traces(session, scores, reader, outcomes.who_declined(session, scores.keys()), before)

    def _load_and_release(self, name: str | None) -> None:
        try:
            self._load(name)
        finally:
            self._reloading.release()

    def _load(self, name: str | None) -> None:
        card = self._encoder.card if self._encoder else None
        notices = () if self._encoder else (DENSE_MISSING,)
        try:
            self._state = (LocalIndex.open(self._settings.index_dir, card), notices)
        except IndexNotFound:
            self._state = (None, (INDEX_MISSING,))
        except (IndexMismatch, IndexDamaged) as error:
            log.error("%s", error, exc_info=error.__cause__)
            self._state = self._words_alone(INDEX_MISMATCH if isinstance(error, IndexMismatch) else DENSE_MISSING)
        self._generation = name

    def _words_alone(self, notice: str) -> tuple[SearchIndex | None, tuple[str, ...]]:
        try:
            return LocalIndex.open(self._settings.index_dir, None), (notice,)
        except (IndexDamaged, IndexNotFound) as error:
            log.error("%s", error)
            return None, (INDEX_MISSING,)


def _suggestion(judged: _Judged, asked: Question) -> Suggestion:
    """What is shown of an item: the part of its passage around the telling words, and why it is there."""
    passage, telling = judged.passage, asked.telling
    whole = f"{passage.context}\n{passage.text}"
    surface = {term: whole[word.start : word.end].lower() for word in reversed(judged.words) for term in word.terms}
    named = sorted(surface.keys() & telling.keys(), key=lambda term: (-asked.rarity[term], term))[:4]
    before = len(passage.context) + 1
    words = [replace(w, start=w.start - before, end=w.end - before) for w in judged.words if w.start >= before]
    shown, marks = excerpt(passage.text, words, telling)
    why = Why(tuple(dict.fromkeys(surface[term] for term in named)), judged.features.near)
    return Suggestion(judged.item, passage, judged.match, shown, marks, why)


def _shared_words(asked: Question, expert: Expert, matcher: Matcher) -> tuple[str, ...]:
    """The telling words of the question, as they are written in the titles of what the expert did."""
    told = asked.telling
    found: dict[str, str] = {}
    for title in (piece.item.title for piece in expert.evidence):
        for word in matcher.words(title):
            for term in sorted(word.terms & told.keys()):
                found.setdefault(term, title[word.start : word.end].lower())
    named = sorted(found, key=lambda term: (-told[term], term))[:_TOPIC_WORDS]
    return tuple(dict.fromkeys(found[term] for term in named))


def _covered(asked: Question, passage: Passage, matcher: Matcher) -> tuple[Passage, list[Match], float]:
    """(the passage, its words that match, how much of the question they cover). A word in the other language stands for
    the one it translates."""
    words = matcher.words(f"{passage.context}\n{passage.text}"[:_MARKED])
    matched = frozenset[str]().union(*(word.terms for word in words))
    return passage, words, calibration.coverage(asked.rarity, matched, asked.unknown_rarity, asked.rarest)


def _as_it_is_now(passage: Passage, item: Item) -> Passage:
    """The whole text of a passage's part of an item that was edited after it was indexed."""
    text = item.answer if passage.role is Role.ANSWER else item.body
    return replace(passage, context=item.title, text=text or item.title)
