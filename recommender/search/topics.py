"""What the items that a reader may read are about: topics that many of them have, topics of late, and questions that
have an answer, for a page on which nothing has been asked yet.

All of it is counted anew for each reader, from the titles that they may read, so that nothing tells of other items. A
topic is shown only when several items have it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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
_SHORTEST_WORD, _TITLE, _ANSWER = 3, range(15, 70), 80
"""Characters of a topic word, of the title of an example, and at least of its answer."""


@dataclass(frozen=True)
class Topics:
    """Words that the titles of many items share (`popular`), those among the newest (`recent`), and titles of answered
    requests that everybody may read (`examples`)."""

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


def _words(headings: Sequence[Heading], analyzer: Analyzer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    titles = [_topic_words(heading, analyzer) for heading in headings]
    counts = Counter(term for words in titles for term in words)
    most = max(LEAST_ITEMS, _COMMON * len(titles))
    teams = Counter((term, heading.team) for heading, words in zip(headings, titles, strict=True) for term in words)
    mostly = Counter[str]()
    for (term, _team), count in teams.items():
        mostly[term] = max(mostly[term], count)
    shared = [
        term for term, count in counts.items() if LEAST_ITEMS <= count <= most and mostly[term] >= _OF_ONE_TEAM * count
    ]
    popular = sorted(shared, key=lambda term: (-counts[term], term))[:_MOST]
    late = Counter(term for words in titles[:_LATE] for term in words)
    of_late = [term for term in shared if late[term] >= _LEAST_LATE and term not in popular]
    recent = sorted(of_late, key=lambda term: (-late[term] / counts[term], term))[:_MOST]
    return tuple(_written(term, titles) for term in popular), tuple(_written(term, titles) for term in recent)


def _topic_words(heading: Heading, analyzer: Analyzer) -> dict[str, str]:
    """The terms of a title that say what it is about, each with the base form of the word."""
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(heading.title)):
        if len(token) < _SHORTEST_WORD or any(character.isdigit() for character in token):
            continue
        terms = analyzer.query_terms(token, (heading.language,)).words
        if terms and FUNCTION_WORDS.isdisjoint((terms[0], token)) and is_telling(terms[0]):
            found.setdefault(terms[0], analyzer.base_form(token, heading.language))
    return found


def _written(term: str, titles: Sequence[dict[str, str]]) -> str:
    forms = Counter(words[term] for words in titles if term in words)
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
