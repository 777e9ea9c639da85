"""Which acts lower the expected loss most: each is tried on the stored questions, and the best are chosen greedily.

An act gives questions one more answer, for which certain people stand. A question is lost for certain when nobody
stands for any of its answers, with the chance that one person leaves when only that person does, and not at all
otherwise. What an act takes away becomes less the more acts there are already, so that the greedy choice is near the
best one (Nemhauser, Wolsey and Fisher 1978), and gains need to be computed again only for the acts at the top (Minoux
1978). The exception is somebody whose chance of leaving is more than a half.

How many minutes an act takes is a plain estimate: a quarter of an hour to read a document and verify it, to begin to
write one, and for each question that two answer together, six minutes for each request that is worked into a document,
and half an hour for a translation.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

READING, BEGINNING, PER_REQUEST, PER_QUESTION, TRANSLATING = 15, 15, 6, 15, 30
"""Minutes; judgements."""
MOST_REQUESTS = 5
"""Requests that a document is written from; a judgement."""
WATCHED = 2
"""Questions that a colleague watches; a judgement."""
LEAST_GAIN = 0.05
"""An act is proposed when it takes away at least this much of the expected loss, in questions a year; a judgement."""
MOST_OF_TOPIC = 3
"""Acts that are proposed for a topic; a judgement."""
_EQUAL_DIGITS = 9
"""Gains that are equal to this many decimal places are ties: further digits depend on the order of additions."""
TEAM = frozenset({0})
"""Who stands for a document of the team. No person has the id 0, and it does not leave."""

Question = tuple[int, str]
"""(topic, key of the question's request)."""


@dataclass(frozen=True)
class Proposal:
    """An act that may be worth doing. `person_id` is who knows, `colleague_id` who learns, reads or translates, `items`
    are keys of requests, `document` is the key of a document and `language` the one to translate it into. `helps` are
    the questions that it gives one more answer, for which `people` stand. `loss_before` and `loss_after` are the
    expected loss of the topic, in questions a year, when it is done after those that were chosen before it."""

    topic: int
    kind: str
    minutes: int
    helps: frozenset[Question]
    people: frozenset[int]
    person_id: int | None = None
    colleague_id: int | None = None
    items: tuple[str, ...] = ()
    document: str | None = None
    language: str | None = None
    loss_before: float = 0.0
    loss_after: float = 0.0


@dataclass
class Losses:
    """Who stands for the answers of each question, and what it weighs: the questions a year that it speaks for.
    `leaving` gives the chance that a person leaves."""

    answers: dict[Question, set[frozenset[int]]]
    weights: Mapping[Question, float]
    leaving: Callable[[int], float]

    def of(self, question: Question, more: frozenset[int] | None = None) -> float:
        """What is expected to be lost of one question, with `more` who stand for one more answer."""
        answers = self.answers[question] | ({more} if more else set())
        if not answers:
            return self.weights[question]
        (first, *others) = answers
        if others or len(first) > 1:
            return 0.0
        (person,) = first
        return self.weights[question] * (self.leaving(person) if person not in TEAM else 0.0)

    def gain(self, proposal: Proposal) -> float:
        """What an act would take away of the expected loss."""
        less = (self.of(question) - self.of(question, proposal.people) for question in sorted(proposal.helps))
        return round(sum(less), _EQUAL_DIGITS)

    def of_all(self, questions: Collection[Question]) -> float:
        """What is expected to be lost of several questions."""
        return sum(map(self.of, questions))

    def do(self, proposal: Proposal) -> None:
        """From now on the act counts as done."""
        for question in proposal.helps:
            self.answers[question].add(proposal.people)


def choose(proposals: Sequence[Proposal], losses: Losses, most_of_topic: int = MOST_OF_TOPIC) -> list[Proposal]:
    """The acts that take away most, each after those before it, with the loss of their topic before and after. Of two
    that take away as much the shorter one is first. `losses` is changed as if they were done."""
    heap = [(-losses.gain(proposal), proposal.minutes, place) for place, proposal in enumerate(proposals)]
    heapq.heapify(heap)
    chosen: list[Proposal] = []
    count: dict[int, int] = {}
    questions = defaultdict[int, list[Question]](list)
    for question in losses.answers:
        questions[question[0]].append(question)
    while heap:
        _gain, minutes, place = heapq.heappop(heap)
        proposal = proposals[place]
        gain = losses.gain(proposal)
        if gain < LEAST_GAIN or count.get(proposal.topic, 0) >= most_of_topic:
            continue
        if heap and (-gain, minutes, place) > heap[0]:
            heapq.heappush(heap, (-gain, minutes, place))
            continue
        before = losses.of_all(questions[proposal.topic])
        losses.do(proposal)
        count[proposal.topic] = count.get(proposal.topic, 0) + 1
        chosen.append(replace(proposal, loss_before=before, loss_after=losses.of_all(questions[proposal.topic])))
    return chosen
