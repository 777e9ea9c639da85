"""What a question from a chat is answered, in the words of the search page, as the person whose account it is. How each
system writes it is in its own module."""

import logging
from dataclasses import dataclass
from typing import NoReturn

from flask import Response, abort, url_for
from flask_babel import gettext

from recommender.access import reader_of
from recommender.accounts import chat_accounts
from recommender.accounts.chat_accounts import ChatUser
from recommender.datatypes import Kind, Suggestion
from recommender.errors import IndexRefused
from web import current, measuring
from web.addresses import absolute
from web.chat.link_address import link_for
from web.current import session
from web.formatting import day, item_url
from web.search import results

log = logging.getLogger(__name__)
_SHOWN = 3  # answers in a chat: a judgement
_LONGEST_TEXT = 600  # characters of an answer: a judgement
_LONGEST_QUESTION = 2_000  # characters, as in the embedded box


@dataclass(frozen=True)
class Shown:
    """One answer: its title, address, the part that answers, and facts about it in one line."""

    title: str
    url: str
    text: str
    facts: str


@dataclass(frozen=True)
class ChatAnswer:
    """The answer to a question: what Kollega says first and what one can do, the items, the names of colleagues, and
    the address at which one goes on."""

    heading: str
    hint: str = ""
    shown: tuple[Shown, ...] = ()
    people: tuple[str, ...] = ()
    more: str = ""

    def said(self) -> str:
        """The heading and the hint, in a line each."""
        return "\n".join(filter(None, (self.heading, self.hint)))

    def helpers(self) -> str:
        """Who can help, in one line; empty when nobody is known."""
        return str(gettext("People who can help: %(names)s", names=", ".join(self.people))) if self.people else ""


@dataclass(frozen=True)
class LinkFirst:
    """What somebody gets whose account is not linked: why, the words of the button, and its address."""

    text: str
    button: str
    url: str


def ask(who: ChatUser, question: str) -> ChatAnswer | LinkFirst:
    """The answer to a question of a chat account, from what the person whom it is linked to may read."""
    person, question = chat_accounts.person_of(session(), who), question.strip()[:_LONGEST_QUESTION]
    if person is None:
        text = gettext(
            "Link this account with Kollega first, so that you see what you may read. The link works for ten minutes."
        )
        return LinkFirst(str(text), str(gettext("Link the account")), link_for(who))
    more = absolute(url_for("ask.index"))
    if not question:
        return ChatAnswer(str(gettext("Write your question.")), more=more)
    try:
        found = current.recommender().recommend(question, reader_of(person), session(), _SHOWN)
    except IndexRefused as error:
        log.warning("%s", error)
        return ChatAnswer(*results.refused(), more=more)
    measuring.counts().count_answer(found, partial=False)
    shown = tuple(_shown(suggestion) for suggestion in found.suggestions)
    return ChatAnswer(*results.said(found), shown, tuple(expert.name for expert in found.experts), more)


def refuse() -> NoReturn:
    """Answer 401 to a call that the chat system has not signed, in words instead of the page for signing in."""
    abort(Response("This call is not signed by the chat system, or is too old.\n", 401, content_type="text/plain"))


def _shown(suggestion: Suggestion) -> Shown:
    item = suggestion.item
    kind = gettext("Solved request") if item.kind is Kind.REQUEST else gettext("Guide")
    facts = [kind, day(item.at), results.asked(suggestion), *(note.text for note in results.notes(suggestion))]
    text = suggestion.answer.text if suggestion.answer else suggestion.excerpt
    text = text[:_LONGEST_TEXT].rstrip() + "…" if len(text) > _LONGEST_TEXT else text
    return Shown(item.title, absolute(item_url(item)), text, " · ".join(fact for fact in facts if fact))
