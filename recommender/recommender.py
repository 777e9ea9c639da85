"""From a question to a Recommendation, step by step. The steps are in `search/` and `people/`; the index and the models
that they use come from `live.py`."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from threading import Lock
from time import monotonic as _clock
from typing import TypeVar

from cachetools import TTLCache
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader
from recommender.database.index_register import IndexRegister
from recommender.datatypes import Recommendation, Suggestion, Verdict
from recommender.encoder import CrossEncoder
from recommender.filters import NO_FILTERS, Filters, let_through
from recommender.index import SearchIndex
from recommender.index.narrowing import Among
from recommender.knowledge.facts import with_facts
from recommender.knowledge.pins import matching
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms
from recommender.live import Live, Snapshot
from recommender.opening.parts import open_parts
from recommender.people.evidence import Trace
from recommender.search import rerank
from recommender.search.alike import newest_first
from recommender.search.decision import decide, may_answer
from recommender.search.fusion import Candidate
from recommender.search.open_requests import same_subject
from recommender.search.people_beside import Chooser, FoundItems, People, scores_of, traces_of, with_people
from recommender.search.pinned import pinned_first
from recommender.search.question import QuestionAnalyzer, as_text, part_to_read
from recommender.search.rerank import RerankModel
from recommender.search.results import Ranking, Results
from recommender.search.search import SHOWN, Search
from recommender.search.snippet import heading_of
from recommender.settings import Settings

Model = TypeVar("Model")
_CACHED, _CACHED_FOR = 128, 60.0
"""For how many questions, and how many seconds, what was found is cached until their colleagues are asked for: a
judgement."""


@dataclass(frozen=True)
class Nearby:
    """What people did in the items near a question, nearest first, and the question's language."""

    traces: list[Trace]
    language: str


class Recommender:
    """Answers questions from the live index; safe for many threads. Only `open` reads files.

    `model` is what the second look uses; None means the one that ships with Kollega. A `cross_encoder` reads the first
    candidates too, but not while somebody types."""

    def __init__(
        self, settings: Settings, questions: QuestionAnalyzer, live: Live, model: RerankModel | None = None,
        cross_encoder: CrossEncoder | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._questions = questions
        self._live = live
        self._cross_encoder = cross_encoder
        self._given_model = model
        self._cached_items: TTLCache[Hashable, FoundItems] = TTLCache(_CACHED, _CACHED_FOR, lambda: _clock())
        self._cache_lock = Lock()

    @classmethod
    def open(cls, settings: Settings, sessions: sessionmaker[Session] | None = None) -> "Recommender":
        """Load the model and the live generation. What is missing or damaged becomes a notice: without a model keyword
        search alone answers, and without an index nothing is found. `sessions` are those of the database where it is
        open."""
        parts = open_parts(settings, IndexRegister(settings, sessions), sessions)
        return cls(settings, parts.questions, parts.live, cross_encoder=parts.cross_encoder)

    def with_stored(self, synonyms: Synonyms) -> "Recommender":
        """The same with these synonyms in place of those in the database, to see what they would change."""
        questions = self._questions.with_stored(synonyms)
        return Recommender(self._settings, questions, self._live, self._given_model, self._cross_encoder)

    @cached_property
    def _rerank_model(self) -> RerankModel | None:
        """What the second look uses; None when the settings say that there is none."""
        return None if self._settings.reranker == "none" else self._given_model or rerank.shipped()

    @property
    def analyzer(self) -> Analyzer:
        """What turns questions and texts into terms."""
        return self._questions.analyzer

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that answers questions now."""
        return self._live.snapshot

    @property
    def index(self) -> SearchIndex | None:
        """The index of the snapshot; None when there is none."""
        return self.snapshot.index

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices of the snapshot: what cannot run now."""
        return self.snapshot.notices

    def refresh(self, wait: bool = False) -> None:
        """Use a new index generation or new learned models (`Live.refresh`), and forget what was cached long enough."""
        with self._cache_lock:
            self._cached_items.expire()
        self._live.refresh(wait)

    def warm_up(self) -> None:
        """Load dictionaries and run the model once, so that the first question is as quick as the next."""
        self.analyzer.warm_up()
        self._live.warm_up()
        _ = self._rerank_model

    def language_of(self, text: str) -> str:
        """The language a text is written in, as a two-letter code."""
        return self.analyzer.detect(as_text(text))

    def recommend(
        self, question: str, reader: Reader, session: Session, top_k: int = SHOWN, leave_out: Collection[str] = (),
        asker: int | None = None, typing: bool = False, filters: Filters = NO_FILTERS,
    ) -> Recommendation:  # fmt: skip
        """Suggestions and experts for a question, from what `reader` may read and the database contains now, without
        the items whose keys are in `leave_out`. Neither the reader nor the `asker` (a person's id) is suggested as an
        expert. `typing` says that the question is not finished, and that nothing that takes long should be done.
        `filters` say what is searched; colleagues and teams are then those of the items that are left."""
        among = let_through(filters, session)

        def answer(snapshot: Snapshot) -> Recommendation:
            results = self._search(question, snapshot, typing).find(reader, session, top_k, leave_out, among)
            answered, found = self._answer(question, results, reader, session, top_k, filters, leave_out)
            return with_people(answered, self._chooser(snapshot).choose(found, reader, session, asker))

        return self._live.answer(answer)

    def answers(
        self, question: str, reader: Reader, session: Session, top_k: int = SHOWN, typing: bool = False
    ) -> Recommendation:
        """What `recommend` gives, without colleagues and teams, for those who do not show them."""

        def answer(snapshot: Snapshot) -> Recommendation:
            results = self._search(question, snapshot, typing).find(reader, session, top_k)
            return self._answer(question, results, reader, session, top_k, NO_FILTERS)[0]

        return self._live.answer(answer)

    def suggest(
        self, question: str, reader: Reader, session: Session, top_k: int = SHOWN, filters: Filters = NO_FILTERS
    ) -> Recommendation:
        """What `recommend` with `typing` gives, but where items are shown, colleagues and teams are left out;
        `people_for` gives these, when the typing rests. It takes less time, which counts while somebody types."""
        among = let_through(filters, session)

        def answer(snapshot: Snapshot) -> Recommendation:
            results = self._search(question, snapshot, typing=True).find(reader, session, top_k, among=among)
            answered, found = self._answer(question, results, reader, session, top_k, filters)
            with self._cache_lock:  # without the titles: who may read them may change until they are asked for
                self._cached_items[_key(question, reader, filters, snapshot)] = replace(found, headings={})
            if found.shows:
                return answered
            return with_people(answered, self._chooser(snapshot).choose(found, reader, session, None))

        return self._live.answer(answer)

    def people_for(self, question: str, reader: Reader, session: Session, filters: Filters = NO_FILTERS) -> People:
        """The colleagues and teams that `suggest` has left out for the same question. It is searched for again when
        that was long ago, in another process or with another index. What they did is read from the database now, as
        far as `reader` may read it now."""
        with self._cache_lock:
            found = self._cached_items.get(_key(question, reader, filters, self.snapshot))

        def choose(snapshot: Snapshot) -> People:
            items = found
            if items is None:
                among = let_through(filters, session)
                results = self._search(question, snapshot, typing=True).find(reader, session, SHOWN, among=among)
                items = FoundItems.of(results, decide(results, self._settings, self.analyzer))
            return self._chooser(snapshot).choose(items, reader, session, None)

        return self._live.answer(choose)

    def similar_open(
        self, question: str, reader: Reader, session: Session, top_k: int = SHOWN, leave_out: Collection[str] = ()
    ) -> tuple[Suggestion, ...]:
        """Open requests about the same subject, best first. Several of them show that many people have the problem."""
        return self._live.answer(
            lambda snapshot: same_subject(self._search(question, snapshot), reader, session, top_k, leave_out)
        )

    def recommend_with_open(
        self,
        question: str,
        reader: Reader,
        session: Session,
        top_k: int,
        open_top_k: int,
        leave_out: Collection[str] = (),
        asker: int | None = None,
    ) -> tuple[Recommendation, tuple[Suggestion, ...]]:
        """(`recommend` with `top_k`, `similar_open` with `open_top_k`) for one question, which is encoded once."""

        def answer(snapshot: Snapshot) -> tuple[Recommendation, tuple[Suggestion, ...]]:
            search = self._search(question, snapshot)
            results = search.find(reader, session, top_k, leave_out)
            answered, found = self._answer(question, results, reader, session, top_k, NO_FILTERS, leave_out)
            answered = with_people(answered, self._chooser(snapshot).choose(found, reader, session, asker))
            return answered, same_subject(search, reader, session, open_top_k, leave_out)

        return self._live.answer(answer)

    def rank(
        self, question: str, reader: Reader, session: Session, top_k: int, among: frozenset[str] | None = None
    ) -> Ranking:
        """The items in the order in which `recommend` takes them, whatever the verdict. `among` are the only items to
        search."""
        found = self._search(question, self.snapshot).find(reader, session, top_k, among=Among.of(among))
        features = tuple(judged.passage_match.features for judged in found.judged[:SHOWN])
        first = found.judged[0] if found.judged else None
        match = first.match if first is not None and may_answer(first, found.question) else 0.0
        keys = tuple(item.key for item, _ in found.ranked[:top_k])
        return Ranking(keys, found.exists, found.uncalibrated, features, match)

    def searching(self, text: str, use: Callable[[Search], Model]) -> Model:
        """What `use` makes of the search for a text, with the parts that answer now."""
        return self._live.answer(lambda snapshot: use(self._search(text, snapshot)))

    def candidates(self, question: str, reader: Reader, among: frozenset[str] | None = None) -> list[Candidate]:
        """All candidates for a question, best first, before the database is asked which of the items still exist:
        weights are fitted on this. `among` are the only items to search."""
        return self._search(question, self.snapshot).candidates(reader, among=Among.of(among)).candidates

    def evidence(
        self, question: str, reader: Reader, session: Session, before: datetime | None = None,
        among: frozenset[str] | None = None,
    ) -> Nearby:  # fmt: skip
        """What people did near a question that `reader` may read, as it was at the time `before`; for `kollega
        evaluate` and `kollega train-experts`. `among` are the only items to search."""
        pool = self._search(question, self.snapshot).candidates(reader, among=Among.of(among))
        return Nearby(traces_of(scores_of(pool.candidates), reader, session, before), pool.question.language)

    def _search(
        self, question: str, snapshot: Snapshot, typing: bool = False, model: RerankModel | None = None
    ) -> Search:
        return Search(
            part_to_read(question), snapshot.index, snapshot.encoder, snapshot.answer_model,
            model or self._rerank_model, None if typing else self._cross_encoder, snapshot.notices, self._questions,
            self._settings,
        )  # fmt: skip

    def second_look(
        self, question: str, reader: Reader, session: Session, among: frozenset[str] | None = None
    ) -> Results:
        """The results in the order of the search, with what the second look reads, to fit its models on."""
        search = self._search(question, self.snapshot, model=RerankModel.unfitted())
        return search.find(reader, session, SHOWN, among=Among.of(among))

    def _chooser(self, snapshot: Snapshot) -> Chooser:
        return Chooser(snapshot.ranker, self.analyzer, self._settings.half_life_days)

    def _answer(
        self, question: str, results: Results, reader: Reader, session: Session, top_k: int, filters: Filters,
        leave_out: Collection[str] = (),
    ) -> tuple[Recommendation, FoundItems]:  # fmt: skip
        """(the decision on these results and what is shown of them, what the choice of people needs of them)."""
        analysed = results.question
        decision = decide(results, self._settings, self.analyzer)
        cards = newest_first(decision.cards) if filters.newest else decision.cards
        pins = () if filters.narrows else matching(session, analysed.terms.words, reader, self.analyzer, leave_out)
        suggestions, more = pinned_first(cards, pins, analysed, self.analyzer, top_k)
        answered = Recommendation(
            question,
            analysed.language,
            Verdict.MAYBE if pins and decision.verdict is Verdict.UNKNOWN else decision.verdict,
            suggestions=with_facts(session, suggestions, reader),
            experts=(),
            more=more,
            notices=results.pool.notices,
            exists=results.exists,
            missing=decision.missing,
            vague=decision.vague,
            nearest=tuple(heading_of(card.judged.item) for card in decision.nearest),
        )
        return answered, FoundItems.of(results, decision)


def _key(question: str, reader: Reader, filters: Filters, snapshot: Snapshot) -> Hashable:
    """What the colleagues for a question (a digest of it: it may be long) depend on, beside database and settings."""
    digest = blake2b(question.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return digest, reader, filters, snapshot.generation, snapshot.notices, snapshot.learned_files
