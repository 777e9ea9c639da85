"""Which acts could be done for a topic, each with the questions that it gives one more answer.

- WRITE: a document is written from requests about the same that answer most of the questions which hang on one person;
  that person writes it and a colleague reads and verifies it, so that two stand for it.
- PAIR: a colleague watches how that person answers two questions. It is tried as if these were the two newest ones that
  hang on that person and that such a document would not answer.
- VERIFY: a colleague verifies a document that answers questions, but does not count or hangs on one person.
- TRANSLATE: a document that counts, and that is near questions in another language without being found for them, is
  translated, and a colleague who helps in that language reads it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from recommender.database.risk_tables import PAIR, TRANSLATE, VERIFY, WRITE
from recommender.insights.risk.holders import Holders
from recommender.insights.risk.judging import Figures, TopicContent
from recommender.insights.risk.nearness import Nearness
from recommender.insights.risk.transfer import (
    BEGINNING,
    MOST_REQUESTS,
    PER_QUESTION,
    PER_REQUEST,
    READING,
    TEAM,
    TRANSLATING,
    WATCHED,
    Losses,
    Proposal,
    Question,
)


@dataclass(frozen=True)
class DocumentFacts:
    """What must be known of a document that is not hidden and no draft: its language, the team whose agents may verify
    it, and the owner, if they are still here."""

    language: str
    team_id: int | None
    owner_id: int | None


@dataclass(frozen=True)
class Colleagues:
    """Who may learn or read along: the agents of each team who are here and not away, by team, and the languages that
    people help in (none when they have not said). `load` counts how often somebody has been chosen."""

    agents: Mapping[int, Sequence[int]]
    languages: Mapping[int, frozenset[str]] = field(default_factory=dict)
    load: dict[int, int] = field(default_factory=dict)

    def choose(
        self, team: int | None, without: frozenset[int], shares: Mapping[int, float], language: str | None = None
    ) -> int | None:
        """The agent of a team who knows most of the topic already, except the people in `without`; of those who know as
        little as each other the one who was chosen least. None when there is nobody."""
        candidates = [
            person
            for person in (self.agents.get(team, ()) if team is not None else ())
            if person not in without
            if language is None or not self.languages.get(person) or language in self.languages[person]
        ]
        if not candidates:
            return None
        chosen = min(candidates, key=lambda person: (-shares.get(person, 0.0), self.load.get(person, 0), person))
        self.load[chosen] = self.load.get(chosen, 0) + 1
        return chosen


@dataclass(frozen=True)
class TopicActs:
    """A topic for which acts are looked for. `quotable` are the requests whose answer says enough for a document."""

    content: TopicContent
    figures: Figures
    holders: Holders
    documents: Mapping[str, DocumentFacts]
    quotable: Collection[str]
    answer_from: float
    nearness: Nearness = field(default_factory=Nearness)

    @property
    def shares(self) -> dict[int, float]:
        """The share of what is known that each person has."""
        return {knower.person_id: knower.share for knower in self.figures.knowers}

    def answers(self) -> dict[Question, set[frozenset[int]]]:
        """Who stands for the answers of each question, as in `Losses`."""
        return {
            (self.content.topic, asked.question): {
                TEAM if item in self.holders.of_team else self.holders.people(item)
                for item in asked.answers(self.answer_from)
                if self.holders.counts(item)
            }
            for asked in self.content.asked
        }

    def answered_by(self, items: Collection[str]) -> frozenset[Question]:
        """The questions that one of the items answers."""
        wanted = frozenset(items)
        return frozenset(
            (self.content.topic, asked.question)
            for asked in self.content.asked
            if not wanted.isdisjoint(asked.answers(self.answer_from))
        )


def proposals(topic: TopicActs, losses: Losses, colleagues: Colleagues) -> Iterator[Proposal]:
    """The acts for a topic that may take something away of `losses`."""
    yield from _to_verify(topic, colleagues)
    yield from _to_translate(topic, colleagues)
    alone = defaultdict[int, list[Question]](list)
    for question, answers in topic.answers().items():
        if len(answers) == 1 and answers != {TEAM}:
            (people,) = answers
            if len(people) == 1:
                alone[min(people)].append(question)
    for person, questions in sorted(alone.items()):
        if any(losses.of(question) > 0 for question in questions):
            yield from _from_one_person(topic, person, questions, colleagues)


def _from_one_person(
    topic: TopicActs, person: int, questions: Sequence[Question], colleagues: Colleagues
) -> Iterator[Proposal]:
    """A document and a pairing for the questions that hang on one person."""
    colleague = colleagues.choose(topic.content.team_id, frozenset({person}), topic.shares)
    if colleague is None:
        return
    people = frozenset({person, colleague})
    items = _most_telling(topic, person, questions)
    if items:
        minutes = BEGINNING + PER_REQUEST * len(items) + READING
        helps = topic.answered_by(items)
        yield Proposal(topic.content.topic, WRITE, minutes, helps, people, person, colleague, items)
    others = [key for _topic, key in questions if (topic.content.topic, key) not in topic.answered_by(items)]
    newest = sorted(others or [key for _topic, key in questions], key=_number, reverse=True)[:WATCHED]
    minutes = PER_QUESTION * WATCHED
    helps = topic.answered_by(newest)
    yield Proposal(topic.content.topic, PAIR, minutes, helps, people, person, colleague)


def _most_telling(topic: TopicActs, person: int, questions: Sequence[Question]) -> tuple[str, ...]:
    """At most MOST_REQUESTS requests that only this person answered, that are about the same, and that together answer
    most of the questions: of the groups around each request the one that answers most; the newest of equal ones."""
    wanted = {key for _topic, key in questions}
    answers: dict[str, set[str]] = defaultdict(set)
    for asked in topic.content.asked:
        for item in asked.answers(topic.answer_from):
            if asked.question in wanted and item in topic.quotable and topic.holders.people(item) == {person}:
                answers[item].add(asked.question)
    groups = [_around(topic, item, answers) for item in sorted(answers, key=_number, reverse=True)]
    covered = [len(set[str]().union(*(answers[item] for item in group))) for group in groups]
    return groups[covered.index(max(covered))] if groups else ()


def _around(topic: TopicActs, first: str, answers: Mapping[str, set[str]]) -> tuple[str, ...]:
    """A request and the ones nearest to it that answer something more."""
    chosen, covered = [first], set(answers[first])
    others = topic.nearness.near(first, answers.keys() - {first})
    for item in others if topic.nearness.rows else sorted(others, key=_number, reverse=True):
        if len(chosen) < MOST_REQUESTS and answers[item] - covered:
            chosen.append(item)
            covered |= answers[item]
    return tuple(chosen)


def _number(key: str) -> int:
    return int(key.partition(":")[2])


def _to_verify(topic: TopicActs, colleagues: Colleagues) -> Iterator[Proposal]:
    for key, document in sorted(topic.documents.items()):
        people = topic.holders.people(key)
        if key in topic.holders.of_team or len(people) > 1:
            continue
        helps = topic.answered_by([key])
        owner = frozenset({document.owner_id}) if document.owner_id is not None else frozenset[int]()
        colleague = colleagues.choose(document.team_id, owner | people, topic.shares) if helps else None
        if colleague is None:
            continue
        stand = owner | people | {colleague}
        yield Proposal(
            topic.content.topic, VERIFY, READING, helps, stand, document.owner_id, colleague, document=key
        )  # fmt: skip


def _to_translate(topic: TopicActs, colleagues: Colleagues) -> Iterator[Proposal]:
    for key, document in sorted(topic.documents.items()):
        if not topic.holders.counts(key):
            continue
        missed = defaultdict[str, set[Question]](set)
        for asked in topic.content.asked:
            language = topic.content.languages.get(asked.question, document.language)
            match = asked.found.get(key, 0.0)
            if language != document.language and 0.0 < match < topic.answer_from:
                missed[language].add((topic.content.topic, asked.question))
        for language, questions in sorted(missed.items()):
            people = topic.holders.people(key)
            colleague = colleagues.choose(document.team_id, people, topic.shares, language)
            if colleague is not None:
                yield Proposal(
                    topic.content.topic, TRANSLATE, TRANSLATING, frozenset(questions), people | {colleague},
                    document.owner_id, colleague, document=key, language=language,
                )  # fmt: skip
