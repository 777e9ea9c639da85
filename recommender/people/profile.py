"""What a person is suggested for and why: the items that speak for them, and the topic words these share.

For that person's own page alone, from what they may read themselves. The same contributions as `corpus.py` makes for
everybody's suggestions; how a question weighs them is `experts.py`'s.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import readable_items
from recommender.database.tables import RESOLVED, STATED, Document, HelpRequest, Person, PersonTopic, Reply
from recommender.datatypes import Item, Kind, Part, item_key
from recommender.index import SearchIndex
from recommender.language.analyzer import Analyzer
from recommender.language.terms import tokens
from recommender.language.words import QUESTION_WORDS
from recommender.people.availability import topic_terms
from recommender.people.fairness import AGREE

PIECES = 200
_WORDS = 8
_CONSIDERED = 250
_READ = 5_000
_TELLING = 0.3
_SHORTEST = 3


@dataclass(frozen=True)
class Piece:
    """One item that speaks for a person, with their part in it; `declined` when they said it is not their topic."""

    item: Item
    at: datetime
    part: Part
    declined: bool


@dataclass(frozen=True)
class Topic:
    """A word that tells what some of the items are about, as they write it, and these items, newest first."""

    word: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Stated:
    """A topic that a person has added, since when, and how many of their items hold its words."""

    topic: str
    since: date
    items: int

    @property
    def confirmed(self) -> bool:
        """True once evidence agrees; until then the topic is pending."""
        return self.items >= AGREE


def pieces(
    session: Session, person: Person, reader: Reader, declined: Collection[str], most: int | None = PIECES
) -> tuple[Piece, ...]:
    """What speaks for a person, as far as `reader` may read it, newest first, at most `most` of requests and of
    documents. `declined` are the keys of items that they said are not their topic."""
    requests = (
        select(HelpRequest.id)
        .where(
            HelpRequest.status == RESOLVED,
            HelpRequest.hidden.is_(False),
            HelpRequest.replies.any(Reply.author_id == person.id),
            HelpRequest.asked_by_id.is_distinct_from(person.id),
            readable_requests(reader),
        )
        .order_by(HelpRequest.resolved_at.desc(), HelpRequest.id.desc())
        .limit(most)
    )
    documents = (
        select(Document.id)
        .where(
            (Document.owner_id == person.id) | (Document.verified_by_id == person.id),
            Document.hidden.is_(False),
            Document.draft.is_(False),
            readable_documents(reader),
        )
        .order_by(Document.written_at.desc(), Document.id.desc())
        .limit(most)
    )
    keys = [item_key(Kind.REQUEST, number) for number in session.scalars(requests)]
    keys += [item_key(Kind.DOCUMENT, number) for number in session.scalars(documents)]
    found = [
        Piece(item, part.at, part.part, item.key in declined)
        for item in readable_items(session, keys, reader).values()
        for part in item.contributions
        if part.person_id == person.id
    ]
    return tuple(sorted(found, key=lambda piece: (piece.at, piece.item.key), reverse=True))


def topics(
    found: Sequence[Piece], person: Person, reader: Reader, analyzer: Analyzer, index: SearchIndex | None
) -> tuple[Topic, ...]:
    """The words that tell what the pieces are about, most telling first: in many of them and rare among all that
    `reader` may read (the product of both: Spärck Jones 1972, "A statistical interpretation of term specificity").
    They stand in at least one title, where people say what it is about, and in more than one piece. Without an index
    it is not known what is rare, and nobody is suggested."""
    if index is None:
        return ()
    speaking = [piece for piece in found if not piece.declined]
    words = [_words(_question(piece.item), piece.item.language, analyzer) for piece in speaking]
    names = {term for part in tokens(person.name) for term in analyzer.word_keys(part)}
    titled = {term for piece in speaking for term in _words(piece.item.title, piece.item.language, analyzer)} - names
    held = Counter(term for each in words for term in each if term in titled)
    shared = [term for term, n in held.most_common(_CONSIDERED) if n >= AGREE]
    rarity = index.rarity(shared, reader.tokens)
    least = _TELLING * math.log(1 + 2 * max(1, index.size(reader.tokens)))
    telling = [term for term in shared if rarity[term] >= least]
    telling.sort(key=lambda term: (-held[term] * rarity[term], term))
    return tuple(
        Topic(
            _as_written(term, words),
            tuple(piece for piece, own in zip(speaking, words, strict=True) if term in own),
        )
        for term in telling[:_WORDS]
    )


def stated(found: Sequence[Piece], rows: Sequence[PersonTopic], analyzer: Analyzer) -> tuple[Stated, ...]:
    """The topics that a person has added, and how many of the pieces agree: those that hold all words of the topic."""
    added = [row for row in rows if row.kind == STATED]
    if not added:
        return ()
    speaking = [piece.item for piece in found if not piece.declined]
    held = [(item.language, set(analyzer.index_terms(_whole(item), item.language).words)) for item in speaking]
    return tuple(Stated(row.topic, row.created_on, _agreeing(row.topic, held, analyzer)) for row in added)


def _agreeing(topic: str, held: Sequence[tuple[str, set[str]]], analyzer: Analyzer) -> int:
    terms = {language: topic_terms(topic, analyzer, language) for language, _words in held}
    return sum(bool(terms[language]) and terms[language] <= words for language, words in held)


def _words(text: str, language: str, analyzer: Analyzer) -> dict[str, str]:
    """The terms of a text, each as it is written there; without what people say to be kind, or only to ask."""
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        if len(token) < _SHORTEST or token.isdecimal() or "'" in token or "’" in token:
            continue
        terms = analyzer.query_terms(token, (language,)).words
        if terms and terms[0] not in QUESTION_WORDS and len(token) <= len(found.get(terms[0], token)):
            found[terms[0]] = token
    return found


def _as_written(term: str, words: Sequence[dict[str, str]]) -> str:
    """How most items write a word; of two ways the shorter, which is nearer to its base form."""
    written = Counter(own[term] for own in words if term in own)
    return min(written, key=lambda word: (-written[word], len(word), word))


def _question(item: Item) -> str:
    """What an item is about: not the answer, which also holds greetings and much else."""
    return f"{item.title}\n{item.body}"[:_READ]


def _whole(item: Item) -> str:
    return f"{item.title}\n{item.body}\n{item.answer}"
