"""What a person is suggested for and why: their items, and the topic words that these items share.

This is for the person's own page only, from what they may read themselves. `corpus.py` makes the contributions;
`experts.py` and `ranker.py` weigh them for a question.
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
from recommender.database.person_kind import SERVICE
from recommender.database.tables import RESOLVED, STATED, Document, HelpRequest, Person, PersonTopic, Reply
from recommender.datatypes import Item, Kind, Part, item_key
from recommender.index import SearchIndex
from recommender.language.analyzer import Analyzer
from recommender.language.terms import tokens
from recommender.language.words import FUNCTION_WORDS
from recommender.people.availability import topic_terms
from recommender.people.fairness import CONFIRMING_ITEMS

PIECES = 200
"""How many requests, and how many documents, a profile is made from; a judgement, as the other numbers here."""
_MAX_TOPICS = 8
"""How many topic words are shown."""
_CONSIDERED = 250
"""How many words, the most frequent ones, are considered as topics."""
_CHARACTERS_READ = 5_000
"""Characters of each item."""
_DISTINCTIVE = 0.3
"""The least rarity of a topic word, as a share of the rarity of an unknown word."""
_SHORTEST_WORD = 3
"""Characters of a topic word."""


@dataclass(frozen=True)
class Piece:
    """One item of a person, with what they did in it and when; `declined` when they said it is not their topic."""

    item: Item
    at: datetime
    part: Part
    declined: bool


@dataclass(frozen=True)
class Topic:
    """A topic word in its base form, and the items that have it, newest first."""

    word: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Stated:
    """A topic that a person has added, since when, and how many of their items contain its words."""

    topic: str
    since: date
    items: int

    @property
    def confirmed(self) -> bool:
        """True once enough items contain it; until then the topic is pending."""
        return self.items >= CONFIRMING_ITEMS


def pieces(
    session: Session, person: Person, reader: Reader, declined: Collection[str], most: int | None = PIECES
) -> tuple[Piece, ...]:
    """The items of a person that `reader` may read, newest first: requests they replied to, and documents they own or
    verified, at most `most` of each. `declined` are the keys of items that they said are not their topic. A service has
    none, since it is suggested for nothing."""
    if person.kind == SERVICE:
        return ()
    requests = (
        select(HelpRequest.id)
        .where(
            HelpRequest.status == RESOLVED,
            HelpRequest.hidden.is_(False),
            HelpRequest.replies.any(Reply.author_id == person.id),
            HelpRequest.asked_by_id.is_distinct_from(person.id),
            readable_requests(reader),
        )
        .order_by(HelpRequest.resolved_at.desc().nulls_last(), HelpRequest.id.desc())
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
    unsorted = [
        Piece(item, part.at, part.part, item.key in declined)
        for item in readable_items(session, keys, reader).values()
        for part in item.contributions
        if part.person_id == person.id
    ]
    return tuple(sorted(unsorted, key=lambda piece: (piece.at, piece.item.key), reverse=True))


def topics(
    pieces: Sequence[Piece], person: Person, reader: Reader, analyzer: Analyzer, index: SearchIndex | None
) -> tuple[Topic, ...]:
    """The words that say what the pieces are about, best first. They are in many pieces, and rare among all items that
    `reader` may read (the product of both: Spärck Jones 1972, "A statistical interpretation of term specificity"). Each
    is in at least one title and in at least CONFIRMING_ITEMS pieces. Empty without an index, since it is then not known
    which words are rare."""
    if index is None:
        return ()
    accepted = [piece for piece in pieces if not piece.declined]
    words = [_words(_question(piece.item), piece.item.language, analyzer) for piece in accepted]
    names = {term for part in tokens(person.name) for term in analyzer.word_keys(part)}
    titled = {term for piece in accepted for term in _words(piece.item.title, piece.item.language, analyzer)} - names
    counts = Counter(term for piece_words in words for term in piece_words if term in titled)
    shared = [term for term, count in counts.most_common(_CONSIDERED) if count >= CONFIRMING_ITEMS]
    rarity = index.rarity(shared, reader.tokens)
    least = _DISTINCTIVE * math.log(1 + 2 * max(1, index.size(reader.tokens)))
    distinctive = [term for term in shared if rarity[term] >= least]
    distinctive.sort(key=lambda term: (-counts[term] * rarity[term], term))
    return tuple(
        Topic(
            _as_written(term, words),
            tuple(piece for piece, piece_words in zip(accepted, words, strict=True) if term in piece_words),
        )
        for term in distinctive[:_MAX_TOPICS]
    )


def stated(pieces: Sequence[Piece], rows: Sequence[PersonTopic], analyzer: Analyzer) -> tuple[Stated, ...]:
    """The topics that a person has added, each with the number of pieces that contain all its words."""
    added = [row for row in rows if row.kind == STATED]
    if not added:
        return ()
    accepted = [piece.item for piece in pieces if not piece.declined]
    words = [(item.language, set(analyzer.index_terms(_all_text(item), item.language).words)) for item in accepted]
    return tuple(Stated(row.topic, row.created_on, _count_items_with(row.topic, words, analyzer)) for row in added)


def _count_items_with(topic: str, words: Sequence[tuple[str, set[str]]], analyzer: Analyzer) -> int:
    """How many items contain all words of the topic. `words` has the language and the terms of each item."""
    terms = {language: topic_terms(topic, analyzer, language) for language, _item_words in words}
    return sum(bool(terms[language]) and terms[language] <= item_words for language, item_words in words)


def _words(text: str, language: str, analyzer: Analyzer) -> dict[str, str]:
    """The terms of a text, each with the base form of the word; without function words and words of greetings."""
    base_forms: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        if len(token) < _SHORTEST_WORD or token.isdecimal() or "'" in token or "’" in token:
            continue
        terms = analyzer.query_terms(token, (language,)).words
        if terms and FUNCTION_WORDS.isdisjoint((terms[0], token)):
            base_forms.setdefault(terms[0], analyzer.base_form(token, language))
    return base_forms


def _as_written(term: str, words: Sequence[dict[str, str]]) -> str:
    """The base form of a term that most items have, since an item in another language may have another one; of equally
    frequent ones the shortest."""
    base_forms = Counter(item_words[term] for item_words in words if term in item_words)
    return min(base_forms, key=lambda word: (-base_forms[word], len(word), word))


def _question(item: Item) -> str:
    """The text that says what an item is about: without the answer, which also contains greetings and other things."""
    return f"{item.title}\n{item.body}"[:_CHARACTERS_READ]


def _all_text(item: Item) -> str:
    return f"{item.title}\n{item.body}\n{item.answer}"
