"""Who may be suggested now: who has left, is away or paused, their load this week, their topics and deputy.

What a person sets is private: it decides whether they are suggested, and is shown on their own page only. `fairness.py`
uses it to choose people.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.reading import IDS, apart, one_of, rows, together
from recommender.database.storing import inserting
from recommender.database.tables import MUTED, STATED, FirstSuggestion, Person, PersonSettings, PersonTopic
from recommender.language.analyzer import Analyzer
from recommender.language.terms import unify
from recommender.language.words import QUESTION_WORDS

WEEK = timedelta(days=7)
_QUESTION_LANGUAGES = ("fi", "en")  # `Analyzer.query_terms` reads every question in these


@dataclass(frozen=True)
class Availability:
    """Whether one person may be suggested.

    `left` is also True for people whose account is disabled. `away_until` is None for those who are not away now.
    `capacity` is how many times a week at most they want to be suggested first (None: any number), `load` how many
    times they were in the last seven days. `muted` and `stated` contain the terms of each topic that they muted or
    added, in each language of questions. `languages` are those in which they help; empty when they have not said.
    """

    person_id: int
    left: bool
    away_until: date | None
    paused: bool
    capacity: int | None
    load: float
    muted: tuple[frozenset[str], ...]
    deputy_id: int | None
    stated: tuple[frozenset[str], ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """True when they were suggested first as often this week as their capacity allows."""
        return self.capacity is not None and self.load >= self.capacity

    def mutes(self, words: Collection[str]) -> bool:
        """True when a question with these words (`Terms.words` of `Analyzer.query_terms`) is about a muted topic."""
        return any(terms.issubset(words) for terms in self.muted)

    def states(self, words: Collection[str]) -> bool:
        """True when a question with these words is about a topic they have added."""
        return any(terms.issubset(words) for terms in self.stated)


def availabilities(session: Session, ids: Collection[int], today: date, analyzer: Analyzer) -> dict[int, Availability]:
    """The availability of the people of `ids`, by id, in one query; unknown ids are left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = rows(session, _PEOPLE, ids=wanted, after=today - WEEK, today=today)
    return {
        person_id: Availability(
            person_id=person_id,
            left=bool(disabled or (left_on and left_on <= today)),
            away_until=away_until if away_until and away_until >= today else None,
            paused=bool(paused),
            capacity=capacity,
            load=float(load or 0),
            muted=_terms(topics, MUTED, analyzer),
            deputy_id=deputy_id,
            stated=_terms(topics, STATED, analyzer),
            languages=tuple(languages),
        )
        for person_id, languages, left_on, away_until, disabled, paused, capacity, deputy_id, load, topics in found
    }


def _terms(topics: str | None, kind: str, analyzer: Analyzer) -> tuple[frozenset[str], ...]:
    """The terms of the topics of a kind, of those of a person that a row has together."""
    of_kind = (topic.removeprefix(kind) for topic in apart(topics) if topic.startswith(kind))
    return tuple(dict.fromkeys(terms for topic in of_kind for terms in question_terms(topic, analyzer)))


# Built once, since building a statement takes as long as running it, and these run while people type.
_LOAD = (
    select(func.sum(FirstSuggestion.count))
    .where(
        FirstSuggestion.person_id == Person.id,
        FirstSuggestion.day > bindparam("after"),
        FirstSuggestion.day <= bindparam("today"),
    )
    .scalar_subquery()
)
_PEOPLE = (
    select(
        Person.id, Person.languages, Person.left_on, Person.away_until, Account.disabled,
        PersonSettings.paused, PersonSettings.capacity, PersonSettings.deputy_id, _LOAD,
        together(PersonTopic.kind + PersonTopic.topic, PersonTopic.person_id == Person.id),
    )
    .outerjoin(Account, Account.person_id == Person.id)
    .outerjoin(PersonSettings, PersonSettings.person_id == Person.id)
    .where(one_of(Person.id, IDS))
)  # fmt: skip


def count_first(session: Session, person_id: int, today: date) -> None:
    """Count that a person was suggested first today, and delete all counts that are older than seven days. When two
    processes count at the same moment, both count."""
    first_today = inserting(session, FirstSuggestion).values(person_id=person_id, day=today, count=1)
    session.execute(
        first_today.on_conflict_do_update(
            index_elements=[FirstSuggestion.person_id, FirstSuggestion.day],
            set_={"count": FirstSuggestion.count + 1},
        )
    )
    outdated = delete(FirstSuggestion).where(FirstSuggestion.day <= today - WEEK)
    session.execute(outdated.execution_options(synchronize_session=False))


def topic_terms(topic: str, analyzer: Analyzer, language: str) -> frozenset[str]:
    """The words of a topic as terms of a language; empty when no word can be searched for. Of a word with a hyphen
    ("VPN-yhteydet") only the parts are used, so that it matches in any inflection."""
    words = analyzer.query_terms(unify(topic).replace("-", " "), (language,)).words
    parts = frozenset(word for word in words if word.isalnum())
    return parts - QUESTION_WORDS or parts


def question_terms(topic: str, analyzer: Analyzer) -> tuple[frozenset[str], ...]:
    """The terms of a topic in each language that a question may be in. A question is about the topic when it contains
    all terms of one of these sets."""
    by_language = [topic_terms(topic, analyzer, language) for language in _QUESTION_LANGUAGES]
    return tuple(dict.fromkeys(terms for terms in by_language if terms))
