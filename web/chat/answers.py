"""What a question from a chat is answered, in the words of the search page."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext

from recommender.access import Reader
from recommender.datatypes import Kind, Recommendation, Suggestion
from web import current, measuring
from web.addresses import absolute
from web.current import session
from web.formatting import day, item_url
from web.search import results

_SHOWN = 3  # answers in a chat: a judgement
LONGEST_QUESTION = 2_000  # characters, as in the embedded box


@dataclass(frozen=True)
class Shown:
    """One answer: its title, address, the part that answers, and facts about it in one line."""

    title: str
    url: str
    text: str
    facts: str


@dataclass(frozen=True)
class ChatAnswer:
    """The answer to a question: what Kollega says first, the items, the names of colleagues, and the address at which
    one goes on."""

    heading: str
    shown: tuple[Shown, ...]
    people: tuple[str, ...]
    more: str


def answer(question: str, reader: Reader) -> ChatAnswer:
    """The answer to a question, from what the reader may read."""
    question = question.strip()[:LONGEST_QUESTION]
    found = current.recommender().recommend(question, reader, session(), _SHOWN)
    measuring.counts().count_answer(found, partial=False)
    heading = f"{results.notice(found)} {results.heading(found)}".strip()
    hint = results.missing(found) or ("" if found.suggestions else results.hint(found))
    return ChatAnswer(
        f"{heading} {hint}".strip(),
        tuple(_shown(suggestion) for suggestion in found.suggestions),
        _people(found),
        absolute(url_for("ask.index")),
    )


def _shown(suggestion: Suggestion) -> Shown:
    item = suggestion.item
    kind = gettext("Solved request") if item.kind is Kind.REQUEST else gettext("Guide")
    facts = [kind, day(item.at), results.asked(suggestion), *(note.text for note in results.notes(suggestion))]
    text = suggestion.answer.text if suggestion.answer else suggestion.excerpt
    return Shown(item.title, absolute(item_url(item)), text, " · ".join(fact for fact in facts if fact))


def _people(found: Recommendation) -> tuple[str, ...]:
    return tuple(expert.name for expert in found.experts)
