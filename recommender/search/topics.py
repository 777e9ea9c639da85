"""What the items that a reader may read are about: topics that many of them have, topics of late, and questions that
have an answer, for a page on which nothing has been asked yet.

All of it is counted anew for each reader, from the titles that they may read, so that nothing tells of other items. A
topic is shown only when several items have it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader
from recommender.corpus import newest_headings, readable_items
from recommender.datatypes import Heading, Kind
from recommender.language.analyzer import Analyzer
from recommender.language.terms import tokens
from recommender.language.words import FUNCTION_WORDS, is_telling
from recommender.search.replies import says_nothing

LEAST_ITEMS = 5
"""Items that a topic has at least."""
_READ, _LATE = 600, 60
"""Items whose titles are read, the newest ones, and how many of these count as of late; judgements, as all numbers
here."""
_MOST, _EXAMPLES = 6, 3
"""Topics of each kind, and examples."""
_COMMON = 0.3
"""The share of the items from which a word tells nothing."""
_OF_ONE_TEAM = 0.6
"""The share of a topic's items that are of one team: what all teams write of alike ("new", "day") is no topic."""
_LEAST_LATE = 3
"""Items of late that a topic of late has at least."""
_TOGETHER = 0.5
"""A word is shown with the one beside it when they stand side by side in more than this share of its items, and in at
least LEAST_ITEMS."""
_SHORTEST_WORD, _TITLE, _ANSWER = 3, range(15, 70), 80
"""Characters of a topic word, of the title of an example, and at least of its answer."""


@dataclass(frozen=True)
class Topics:
    """Words, or two words that stand together, that the titles of many items share (`popular`), those among the newest
    (`recent`), and titles of answered requests that everybody may read (`examples`)."""

    popular: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def topics(session: Session, reader: Reader, analyzer: Analyzer, language: str) -> Topics:
    """The topics and examples in a language; the topics of all languages when this one has none."""
    newest = newest_headings(session, reader, _READ)
    in_language = [heading for heading in newest if heading.language == language]
    popular, recent = _words(in_language, analyzer)
    if not popular:
        popular, recent = _words(newest, analyzer)
    return Topics(popular, recent, _examples(session, reader, in_language))


@dataclass(frozen=True)
class _Title:
    """What a title is about: its terms with the base forms of the words (`words`), and which two of them stand side by
    side, as they are written there (`pairs`)."""

    words: dict[str, str]
    pairs: dict[tuple[str, str], str]


def _words(headings: Sequence[Heading], analyzer: Analyzer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    titles = [_read(heading, analyzer) for heading in headings]
    counts = Counter(term for title in titles for term in title.words)
    most = max(LEAST_ITEMS, _COMMON * len(titles))
    teams = Counter((term, of.team) for of, title in zip(headings, titles, strict=True) for term in title.words)
    mostly = Counter[str]()
    for (term, _team), count in teams.items():
        mostly[term] = max(mostly[term], count)
    shared = [
        term for term, count in counts.items() if LEAST_ITEMS <= count <= most and mostly[term] >= _OF_ONE_TEAM * count
    ]
    written = _written(shared, counts, titles)
    popular = _first(written[term] for term in sorted(shared, key=lambda term: (-counts[term], term)))
    late = Counter(term for title in titles[:_LATE] for term in title.words)
    of_late = [term for term in shared if late[term] >= _LEAST_LATE and written[term] not in popular]
    recent = _first(written[term] for term in sorted(of_late, key=lambda term: (-late[term] / counts[term], term)))
    return popular, recent


def _first(topics_in_order: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(dict.fromkeys(topics_in_order), _MOST))


def _read(heading: Heading, analyzer: Analyzer) -> _Title:
    """The words of a title that say what it is about."""
    title, before = _Title({}, {}), ("", "")
    for token in dict.fromkeys(tokens(heading.title)):
        term = (
            "" if len(token) < _SHORTEST_WORD or any(map(str.isdigit, token)) else _topic_term(token, heading, analyzer)
        )
        if term:
            title.words.setdefault(term, analyzer.base_form(token, heading.language))
        if term and before[0]:
            title.pairs.setdefault((before[0], term), f"{before[1]} {token}")
        before = term, token
    return title


def _topic_term(token: str, heading: Heading, analyzer: Analyzer) -> str:
    """The term of a word that can be a topic; else empty."""
    terms = analyzer.query_terms(token, (heading.language,)).words
    is_topic = terms and FUNCTION_WORDS.isdisjoint((terms[0], token)) and is_telling(terms[0])
    return terms[0] if is_topic else ""


def _written(shared: Collection[str], counts: Counter[str], titles: Sequence[_Title]) -> dict[str, str]:
    """How each topic is written: with the word that it mostly stands beside, if there is one, else alone."""
    forms = {term: Counter(title.words[term] for title in titles if term in title.words) for term in shared}
    written = {term: _usual(forms[term]) for term in shared}
    pairs = Counter(pair for title in titles for pair in title.pairs if set(pair) <= set(shared))
    for pair, count in sorted(
        pairs.items(), key=lambda each: (each[1], each[0])
    ):  # the most frequent has the last word
        usual = _usual(Counter(title.pairs[pair] for title in titles if pair in title.pairs))
        written |= {term: usual for term in pair if count >= LEAST_ITEMS and count > _TOGETHER * counts[term]}
    return written


def _usual(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], len(form), form))


def _examples(session: Session, reader: Reader, headings: Sequence[Heading]) -> tuple[str, ...]:
    """Titles of answered requests that everybody may read, each of another team as far as possible, the newest
    first."""
    suitable = [heading for heading in headings if heading.kind is Kind.REQUEST and len(heading.title) in _TITLE]
    items = readable_items(session, [heading.key for heading in suitable[:_LATE]], reader)
    answered = [
        items[heading.key]
        for heading in suitable[:_LATE]
        if heading.key in items
        and EVERYONE in items[heading.key].audience
        and len(items[heading.key].answer) >= _ANSWER
        and not says_nothing(items[heading.key].answer)
        and not items[heading.key].replaced_by
    ]
    seen: Counter[str | None] = Counter()
    turns = []
    for place, item in enumerate(answered):
        turns.append((seen[item.team], place, item.title))
        seen[item.team] += 1
    return tuple(title for _turn, _place, title in sorted(turns)[:_EXAMPLES])
