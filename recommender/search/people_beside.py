"""The colleagues and teams to suggest for what a search has found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.database.tables import utc_now
from recommender.datatypes import Expert, Heading, Recommendation
from recommender.knowledge import outcomes
from recommender.language.analyzer import Analyzer
from recommender.people import experts
from recommender.people.colleagues import ColleagueQuery, choose_colleagues
from recommender.people.evidence import Trace, mark_shown, traces, without_copied_answers
from recommender.people.ranker import Ranker
from recommender.people.teams import likely_teams
from recommender.search.decision import Decision
from recommender.search.fusion import Candidate
from recommender.search.highlight import Matcher
from recommender.search.question import Question
from recommender.search.results import Results
from recommender.search.search import POOL
from recommender.search.snippet import heading_of, shared_words


class People(NamedTuple):
    """The colleagues to suggest for a question, the handles of teams to name instead, and those of the teams that are
    likely to handle it."""

    experts: tuple[Expert, ...] = ()
    teams: tuple[str, ...] = ()
    likely_teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundItems:
    """What the choice of people needs of a search and of the decision on it: the scores of its candidates and the
    probabilities that the shown items answer, by item key; the older item of which each copied answer is a copy.
    `shows` is True when items are shown, `has_nearest` when at least links to the nearest ones are. `headings` are
    those of the shown items; without them they are read from the database."""

    question: Question
    scores: Mapping[str, float]
    copies: Mapping[str, str]
    matches: Mapping[str, float]
    shows: bool
    has_nearest: bool
    headings: Mapping[str, Heading] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Results, decision: Decision) -> "FoundItems":
        """The same from a search and the decision on it."""
        return cls(
            results.question,
            scores_of(results.pool.candidates),
            results.copies,
            decision.matches,
            bool(decision.cards),
            bool(decision.nearest),
            {item.key: heading_of(item) for item in decision.items},
        )


@dataclass(frozen=True)
class Chooser:
    """Chooses people with the models and settings in force. The weight of evidence is halved after each
    `half_life_days`."""

    ranker: Ranker
    analyzer: Analyzer
    half_life_days: float

    def choose(self, found: FoundItems, reader: Reader, session: Session, asker: int | None) -> People:
        """The colleagues to suggest, also teams when none of these colleagues answered, owns or verified an item, and
        the teams that are likely to handle the question. Only these when no item is shown. Neither the reader nor the
        `asker` (a person's id) is suggested."""
        if not found.shows:
            nearest = traces_of(found.scores, reader, session) if found.has_nearest else ()
            return People(likely_teams=likely_teams(nearest))
        question = found.question
        near = without_copied_answers(traces_of(found.scores, reader, session), found.copies)
        near = mark_shown(near, found.matches)
        excluded = {person for person in (reader.person_id, asker) if person is not None}
        query = ColleagueQuery(question.terms.words, question.language, question.language_known, excluded)
        chosen = choose_colleagues(
            session, reader, query, near, self.ranker, self.analyzer, utc_now(), self.half_life_days, found.headings
        )
        matcher = Matcher(question.distinctive, self.analyzer, question.translated, question.spellings)
        suggested = tuple(
            replace(expert, words=shared_words(question, [piece.item.title for piece in expert.evidence], matcher))
            for expert in chosen
        )
        somebody_knows = any(expert.answered or expert.keeps or expert.verified for expert in suggested)
        likely = experts.teams(near)
        return People(suggested, () if somebody_knows else likely, likely)


def with_people(answered: Recommendation, people: People) -> Recommendation:
    """A recommendation with the people chosen for it."""
    return replace(answered, experts=people.experts, teams=people.teams, likely_teams=people.likely_teams)


def scores_of(candidates: Sequence[Candidate]) -> dict[str, float]:
    """The fused scores of the best candidates, by item key."""
    return {candidate.item: candidate.score for candidate in candidates[:POOL]}


def traces_of(
    scores: Mapping[str, float], reader: Reader, session: Session, before: datetime | None = None
) -> list[Trace]:
    """What people did in these items, without items that they marked as not their topic."""
    return traces(session, scores, reader, outcomes.who_declined(session, scores.keys()), before)
