"""From a question to a Recommendation, step by step. The steps are in `search/` and `people/`; the index and the models
that they use come from `live.py`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, TypeVar

from sqlalchemy.orm import Session, sessionmaker

from recommender.access import Reader
from recommender.database.index_register import IndexRegister
from recommender.database.tables import utc_now
from recommender.datatypes import Expert, Recommendation, Suggestion, Verdict
from recommender.encoder import CrossEncoder
from recommender.filters import NO_FILTERS, Filters, let_through
from recommender.index import SearchIndex
from recommender.index.narrowing import Among
from recommender.knowledge import outcomes
from recommender.knowledge.facts import with_facts
from recommender.knowledge.pins import matching
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms
from recommender.live import Live, Snapshot
from recommender.opening.parts import open_parts
from recommender.people import experts
from recommender.people.colleagues import ColleagueQuery, choose_colleagues
from recommender.people.evidence import Trace, mark_shown, traces, without_copied_answers
from recommender.people.ranker import Ranker
from recommender.people.teams import likely_teams
from recommender.search import rerank
from recommender.search.alike import newest_first
from recommender.search.decision import Decision, decide, may_answer
from recommender.search.fusion import Candidate
from recommender.search.highlight import Matcher
from recommender.search.open_requests import same_subject
from recommender.search.pinned import pinned_first
from recommender.search.question import QuestionAnalyzer, as_text, part_to_read
from recommender.search.rerank import RerankModel
from recommender.search.results import Ranking, Results
from recommender.search.search import POOL, SHOWN, Search
from recommender.search.snippet import heading_of, shared_words
from recommender.settings import Settings

Model = TypeVar("Model")


@dataclass(frozen=True)
class Nearby:
    """What people did in the items near a question, nearest first, and the question's language."""

    traces: list[Trace]
    language: str


class People(NamedTuple):
    """The colleagues to suggest for a question, the handles of teams to name instead, and those of the teams that are
    likely to handle it."""

    experts: tuple[Expert, ...]
    teams: tuple[str, ...]
    likely_teams: tuple[str, ...]


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
        """Use a new index generation or new learned models, if there are any (`Live.refresh`)."""
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
            return self._answer(question, results, snapshot.ranker, reader, session, top_k, asker, filters, leave_out)

        return self._live.answer(answer)

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
            answered = self._answer(
                question, results, snapshot.ranker, reader, session, top_k, asker, NO_FILTERS, leave_out
            )
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
        return Nearby(_traces(pool.candidates, reader, session, before), pool.question.language)

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

    def _people(
        self, results: Results, decision: Decision, ranker: Ranker, reader: Reader, session: Session, asker: int | None
    ) -> People:
        """The colleagues to suggest, also teams when none of these colleagues answered, owns or verified an item, and
        the teams that are likely to handle the question. Only these when no item is shown."""
        if not decision.cards:
            nearest = _traces(results.pool.candidates, reader, session) if decision.nearest else ()
            return People((), (), likely_teams(nearest))
        question = results.question
        near = without_copied_answers(_traces(results.pool.candidates, reader, session), results.copies)
        near = mark_shown(near, decision.matches)
        excluded = {person for person in (reader.person_id, asker) if person is not None}
        query = ColleagueQuery(question.terms.words, question.language, question.language_known, excluded)
        half_life = self._settings.half_life_days
        known = {item.key: heading_of(item) for item in decision.items}
        chosen = choose_colleagues(session, reader, query, near, ranker, self.analyzer, utc_now(), half_life, known)
        matcher = Matcher(question.distinctive, self.analyzer, question.translated, question.spellings)
        suggested = tuple(
            replace(expert, words=shared_words(question, [piece.item.title for piece in expert.evidence], matcher))
            for expert in chosen
        )
        somebody_knows = any(expert.answered or expert.keeps or expert.verified for expert in suggested)
        likely = experts.teams(near)
        return People(suggested, () if somebody_knows else likely, likely)

    def _answer(
        self, question: str, results: Results, ranker: Ranker, reader: Reader, session: Session, top_k: int,
        asker: int | None, filters: Filters, leave_out: Collection[str],
    ) -> Recommendation:  # fmt: skip
        """The decision on these results, and what is shown of them and of people."""
        analysed = results.question
        decision = decide(results, self._settings, self.analyzer)
        people = self._people(results, decision, ranker, reader, session, asker)
        cards = newest_first(decision.cards) if filters.newest else decision.cards
        pins = () if filters.narrows else matching(session, analysed.terms.words, reader, self.analyzer, leave_out)
        suggestions, more = pinned_first(cards, pins, analysed, self.analyzer, top_k)
        return Recommendation(
            question,
            analysed.language,
            Verdict.MAYBE if pins and decision.verdict is Verdict.UNKNOWN else decision.verdict,
            suggestions=with_facts(session, suggestions, reader),
            experts=people.experts,
            more=more,
            notices=results.pool.notices,
            teams=people.teams,
            exists=results.exists,
            missing=decision.missing,
            vague=decision.vague,
            likely_teams=people.likely_teams,
            nearest=tuple(heading_of(card.judged.item) for card in decision.nearest),
        )


def _traces(
    candidates: Sequence[Candidate], reader: Reader, session: Session, before: datetime | None = None
) -> list[Trace]:
    """What people did in the nearest candidates, without items that they marked as not their topic."""
    scores = {candidate.item: candidate.score for candidate in candidates[:POOL]}
    return traces(session, scores, reader, outcomes.who_declined(session, scores.keys()), before)
