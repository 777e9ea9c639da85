"""Finds the gaps of one topic, from its past questions and what was found for each when it was asked again.

Every rule is plain enough to be said in one sentence, and its items are linked beside it, so that a reader can check it
in a minute. Where a rule could be wrong, it finds less.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

from recommender.datatypes import Item, Kind
from recommender.insights.gaps.differences import Difference, difference, translated_difference
from recommender.insights.gaps.gap import GapKind
from recommender.insights.gaps.half_life import Ageing
from recommender.insights.risk.answerability import AskedAgain

LEAST_REPEATED = 3
"""Requests about the same that make a repeated question; a judgement."""
LEAST_IN_LANGUAGE = 2
"""Questions in a language in which no document answers; a judgement."""
LEAST_ASKED = 5
"""Questions of a topic that are asked again before it is said that they do not find a document; a judgement."""
_LATELY = timedelta(days=365)
"""A question is repeated while it was last asked in this time; a judgement."""
_NEW = timedelta(days=60)
"""A document is new for this time, and nobody has had to find it yet; a judgement."""
_MOST = 50
"""Contradictions of a topic that are told; a judgement."""
_COMPARED = 6
"""Answers to one question that are compared with each other, the best; a judgement."""
_ALIKE, _ANSWERS, _PERHAPS = 0.6, 0.5, 0.3
"""Probabilities that an item answers a question, from which two requests are about the same, a document answers, and a
document may answer, so that nothing is said to be missing; judgements. The answers that `_PERHAPS` answer the same are
compared, since the rules of `differences.py` are strict."""


@dataclass(frozen=True)
class FoundGap:
    """A gap before it is stored: the keys of the items to name, those that only count, and its numbers and words as in
    `Gap`."""

    kind: GapKind
    items: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    counted: tuple[str, ...] = ()


@dataclass(frozen=True)
class TopicMaterial:
    """A topic as the rules need it.

    `items` are the keys of its items, `asked` its questions that were asked again, `pieces` the items that the rules
    may name, as everybody who sees the topic may read them, `created` when each request was asked, `languages` the
    languages in which each document exists, `seen` the documents that somebody has opened, used or been shown, or that
    any question of any topic finds, and `changes` (key, when) what was replaced, marked as outdated or edited.
    """

    items: frozenset[str]
    asked: Sequence[AskedAgain]
    pieces: Mapping[str, Item]
    created: Mapping[str, datetime]
    languages: Mapping[str, frozenset[str]]
    seen: frozenset[str]
    changes: Sequence[tuple[str, datetime]]
    now: datetime

    def answers(self, asked: AskedAgain, least: float) -> list[str]:
        """The items that answer a question with at least this probability, the best first, after its own request."""
        found = [
            key
            for key, match in sorted(asked.found.items(), key=lambda each: (-each[1], each[0]))
            if match >= least and key in self.pieces and key != asked.question
        ]
        return [asked.question, *found] if asked.question in self.pieces else found

    def documents(self, keys: Sequence[str]) -> list[str]:
        """The documents among these items."""
        return [key for key in keys if self.pieces[key].kind is Kind.DOCUMENT]


@dataclass(frozen=True)
class Contradiction:
    """Two items of which the newer one says something else."""

    newer: Item
    older: Item
    said: Difference


def contradictions(topic: TopicMaterial) -> list[Contradiction]:
    """The pairs of answers to the same question that differ, each once."""
    found: dict[tuple[str, str], Contradiction] = {}
    for asked in topic.asked:
        for pair in combinations(topic.answers(asked, _PERHAPS)[:_COMPARED], 2):
            older, newer = sorted((topic.pieces[key] for key in pair), key=lambda item: (item.at, item.key))
            if (newer.key, older.key) in found or _settled(older, newer):
                continue
            said = _said_differently(newer, older, topic.languages)
            if said is not None and len(found) < _MOST:
                found[newer.key, older.key] = Contradiction(newer, older, said)
    return list(found.values())


def find(topic: TopicMaterial, differing: Sequence[Contradiction], ageing: Ageing) -> Iterator[FoundGap]:
    """All gaps of a topic but those that come from requests and searches."""
    for each in differing:
        said = {
            "unit": each.said.unit,
            "newer": each.said.first,
            "older": each.said.second,
            "newer_sentence": each.said.first_sentence,
            "older_sentence": each.said.second_sentence,
        }
        yield FoundGap(GapKind.CONTRADICTION, (each.newer.key, each.older.key), said=said)
    yield from _changed(topic, ageing)
    yield from _repeated(topic)
    yield from _one_language(topic)
    yield from _unseen(topic)


def _settled(older: Item, newer: Item) -> bool:
    """True when somebody has already said which of the two counts, or one of them has no answer of its own."""
    return (
        older.replaced_by is not None or newer.replaced_by is not None or bool(older.merged_into or newer.merged_into)
    )


def _said_differently(newer: Item, older: Item, languages: Mapping[str, frozenset[str]]) -> Difference | None:
    texts = newer.answer or newer.body, older.answer or older.body
    if newer.language == older.language:
        return difference(*texts)
    versions = newer.kind is older.kind is Kind.DOCUMENT and older.language in languages.get(newer.key, ())
    return translated_difference(*texts) if versions else None


def _changed(topic: TopicMaterial, ageing: Ageing) -> Iterator[FoundGap]:
    """Documents beside which answers have changed since they were last written or verified, or that are older than
    half of the topic's answers get."""
    beside = defaultdict[str, set[str]](set)
    for asked in topic.asked:
        answers = topic.answers(asked, _ANSWERS)
        for answer in topic.documents(answers):
            beside[answer].update(answers)
    for key in sorted(topic.items):
        document = topic.pieces.get(key)
        if document is None or document.kind is not Kind.DOCUMENT or document.replaced_by:
            continue
        later = {other for other, at in topic.changes if at > document.at and other in beside[key] and other != key}
        if later:
            yield FoundGap(GapKind.CHANGED, (key, *sorted(later)), {"changes": len(later)})
            continue
        days = (topic.now - document.at).days
        if ageing.half_life_days is not None and days > ageing.half_life_days:
            counts = {"days": days, "half_life_days": round(ageing.half_life_days)}
            yield FoundGap(GapKind.CHANGED, (key,), counts)


def _repeated(topic: TopicMaterial) -> Iterator[FoundGap]:
    """Questions that were asked at least three times, lately too, and that no verified document answers."""
    answers = {asked.question: topic.answers(asked, _PERHAPS) for asked in topic.asked}
    alike = {
        asked.question: [key for key in topic.answers(asked, _ALIKE) if topic.pieces[key].kind is Kind.REQUEST]
        for asked in topic.asked
        if asked.question in topic.pieces
    }
    taken = set[str]()
    for question in sorted(alike, key=lambda key: (-len(alike[key]), key)):
        requests = [key for key in alike[question] if key not in taken]
        if len(requests) < LEAST_REPEATED:
            continue
        documents = list(dict.fromkeys(d for key in requests for d in topic.documents(answers.get(key, ()))))
        lately = max(topic.created.get(key, datetime.min) for key in requests) >= topic.now - _LATELY
        if not lately or any(topic.pieces[key].verified_on for key in documents):
            continue
        taken.update(requests)
        requests.sort(key=lambda key: topic.created.get(key, datetime.min), reverse=True)
        counts = {"requests": len(requests), "unverified": int(bool(documents))}
        yield FoundGap(GapKind.REPEATED, (*requests, *documents[:1]), counts)


def _one_language(topic: TopicMaterial) -> Iterator[FoundGap]:
    """Documents that answer questions in a language in which neither they nor another document that answers exist."""
    asked_in = defaultdict[tuple[str, str], list[str]](list)
    for asked in topic.asked:
        documents = topic.documents(topic.answers(asked, _ANSWERS))
        if not documents or asked.question not in topic.pieces:
            continue
        language = topic.pieces[asked.question].language
        near = topic.documents(topic.answers(asked, _PERHAPS))
        if all(language not in topic.languages.get(key, {topic.pieces[key].language}) for key in near):
            asked_in[documents[0], language].append(asked.question)
    for (document, language), requests in sorted(asked_in.items()):
        if len(requests) >= LEAST_IN_LANGUAGE:
            newest = sorted(requests, key=lambda key: topic.created.get(key, datetime.min), reverse=True)
            counts = {"requests": len(requests)}
            yield FoundGap(GapKind.ONE_LANGUAGE, (document, *newest), counts, {"language": language})


def _unseen(topic: TopicMaterial) -> Iterator[FoundGap]:
    """Documents that no past question finds and that nobody has opened, used or been shown."""
    if len(topic.asked) < LEAST_ASKED:
        return
    for key in sorted(topic.items):
        document = topic.pieces.get(key)
        if document is None or document.kind is not Kind.DOCUMENT or document.replaced_by:
            continue
        if key not in topic.seen and topic.now - document.at > _NEW:
            yield FoundGap(GapKind.UNSEEN, (key,), {"questions": len(topic.asked)})
