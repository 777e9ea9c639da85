"""The texts of an answer card: the part of the answer that is shown, the whole of it, and the question in one line."""

import re

from flask import Flask
from markupsafe import Markup

from recommender.datatypes import AnswerPart, Item, Kind, Suggestion
from web.formatting import markdown_of_page
from web.markdown import with_marks

LONGEST_IN_PLACE = 12_000
"""Characters of an answer that is unfolded on its card; a longer one is read on its own page. A judgement."""
_ONE_LINE = 160  # characters of the question: a judgement
_SIGNS = re.compile(r"(?:[*`#>|\[\]\\]|\s)+")


def attach(app: Flask) -> None:
    """Make the functions known to the templates."""
    app.jinja_env.globals.update(card_part=part, card_brief=brief, card_whole=whole, card_question=question)


def part(suggestion: Suggestion) -> Markup:
    """The part of the answer that matters to the question, with its matching words marked."""
    shown = suggestion.answer or AnswerPart(suggestion.excerpt)
    return with_marks(markdown_of_page(shown.text), shown.marked)


def brief(suggestion: Suggestion) -> Markup | None:
    """The shorter part for narrow screens; None when the part is short enough for them."""
    shown = suggestion.answer.brief if suggestion.answer else None
    return with_marks(markdown_of_page(shown.text), shown.marked) if shown else None


def whole(suggestion: Suggestion) -> Markup | None:
    """The whole answer; None when the part is all of it on every screen, and when it is too long for a card."""
    shown, text = suggestion.answer, _answer(suggestion.item)
    if shown is None or len(text) > LONGEST_IN_PLACE or not (shown.cut_before or shown.cut_after or shown.brief):
        return None
    return with_marks(markdown_of_page(text), shown.marked)


def question(item: Item) -> str:
    """What was asked, in one line of plain text; empty for a document, and where the question has no text."""
    if item.kind is Kind.DOCUMENT or not item.answer:
        return ""
    text = _SIGNS.sub(" ", item.body[: 2 * _ONE_LINE]).strip()
    return text if len(text) <= _ONE_LINE else f"{text[:_ONE_LINE].rpartition(' ')[0] or text[:_ONE_LINE]} …"


def _answer(item: Item) -> str:
    return item.answer or item.body
