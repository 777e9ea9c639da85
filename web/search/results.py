"""What pages say about the results of a search: the heading for the verdict, a hint below it, notes on a suggestion and
why it is shown. The search page, the panel, the form of a new request and the embedded box say the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from flask_babel import format_date, gettext, ngettext

from recommender.database.tables import utc_now
from recommender.datatypes import (
    DATABASE_EMPTY,
    INDEX_AWAY,
    INDEX_MISSING,
    KEYWORDS_MISSING,
    LEARNED_MISSING,
    Heading,
    Kind,
    Recommendation,
    Suggestion,
    Verdict,
)  # fmt: skip
from recommender.knowledge.age import is_old
from web import current
from web.formatting import language_name

_CLOSE = 0.35  # nearness from which a suggestion is close in meaning: a judgement


@dataclass(frozen=True)
class Note:
    """A line on a suggestion. A link to `item` follows the text; `warns` says that the reader should check first."""

    text: str
    item: Heading | None = None
    warns: bool = False


def attach(app: Flask) -> None:
    """Make the functions known to the templates."""
    app.jinja_env.globals.update(
        verdict_heading=heading, verdict_hint=hint, missing_codes=missing, suggestion_notes=notes, asked_fact=asked,
        search_notice=notice, suggestion_reason=reason, unsearchable=unsearchable,
    )  # fmt: skip


def notice(found: Recommendation) -> str:
    """What the search cannot do at the moment; empty when it can do everything. That nothing can be searched
    is said elsewhere (`unsearchable`)."""
    if DATABASE_EMPTY in found.notices:
        return str(gettext("All data is missing from the database. Tell an admin: a backup has to be restored."))
    if KEYWORDS_MISSING in found.notices:
        return str(gettext("Search works by meaning only right now, so exact words and codes may be missed."))
    if found.notices == (LEARNED_MISSING,):
        return str(
            gettext(
                "Results are less precise right now, because what was learned from your own requests cannot be used."
            )
        )
    if found.notices:
        return str(gettext("Search works by words only right now, so answers in other words may be missed."))
    return ""


def unsearchable(found: Recommendation) -> str:
    """Why nothing can be searched at the moment; empty when something can be."""
    if INDEX_AWAY in found.notices:
        return str(gettext("Search does not work right now. It comes back by itself: try again in a moment."))
    if INDEX_MISSING in found.notices:
        text = gettext(
            "There is nothing to search yet. An admin can make the index with the command %(command)s.",
            command="kollega reindex",
        )
        return str(text)
    return ""


def said(found: Recommendation) -> tuple[str, str]:
    """(what is said first, what the person can do) outside of the pages, in the box of other sites and in chats: what
    cannot be searched and the verdict; then which codes no answer mentions, or what to do when nothing is shown."""
    if text := unsearchable(found):
        return text, ""
    return f"{notice(found)} {heading(found)}".strip(), missing(found) or hint(found)


def refused() -> tuple[str, str]:
    """The same about a question that raised IndexRefused."""
    return str(gettext("This question could not be searched")), str(gettext("Write it in other words."))


def heading(found: Recommendation) -> str:
    """What is said first: whether the question has been answered before. A question that says too little is answered
    with a request to say more."""
    if found.vague:
        return str(gettext("Tell a little more"))
    if found.verdict is Verdict.ANSWER:
        return str(gettext("Found"))
    return str(gettext("Possibly related") if found.verdict is Verdict.MAYBE else gettext("Nothing found yet"))


def hint(found: Recommendation) -> str:
    """What the person can do when no suggestion is shown; empty when there are suggestions."""
    if found.vague:
        return str(
            gettext("Which program, device or matter is it about? What does it say or do? A few words are enough.")
        )
    if found.suggestions:
        return ""
    if found.experts:
        return str(gettext("These colleagues have answered the closest questions."))
    return str(gettext("Try other words, or tell a little more."))


def missing(found: Recommendation) -> str:
    """Which codes of the question none of the suggestions mentions; empty when they mention all."""
    if not found.missing or not found.suggestions:
        return ""
    count = len(found.suggestions)
    codes = _either(found.missing)
    return str(ngettext("This does not mention %(codes)s", "None of these mentions %(codes)s", count, codes=codes))


def asked(suggestion: Suggestion) -> str:
    """How often the same was asked, and when last; empty when it was asked once."""
    if suggestion.asked < 2:
        return ""
    last = suggestion.last_at or suggestion.item.at
    return str(
        ngettext(
            "Asked %(num)d time, last in %(month)s %(year)s",
            "Asked %(num)d times, last in %(month)s %(year)s",
            suggestion.asked,
            month=format_date(last, "LLLL"),  # the form without a case ending, to which Finnish adds one
            year=last.year,
        )
    )


def notes(suggestion: Suggestion) -> list[Note]:
    """The notes on a suggestion: what replaces it, or a newer answer, or else its age; and its version in another
    language."""
    found = []
    if suggestion.replaced_by:
        found.append(Note(str(gettext("Replaced by:")), suggestion.replaced_by, warns=True))
    elif suggestion.newer:
        found.append(Note(str(gettext("There is a newer answer:")), suggestion.newer, warns=True))
    elif age := _age(suggestion):
        found.append(Note(age, warns=True))
    if suggestion.other_language:
        found.append(Note(_also_in(suggestion.other_language.language), suggestion.other_language))
    return found


def reason(suggestion: Suggestion) -> str:
    """Why a suggestion is shown: its words that match, with the word of the question that another word stands for, or
    how near it is in meaning."""
    why = suggestion.why
    if why.words:
        return str(gettext("Matches: %(words)s", words=", ".join(_matching_words(suggestion))))
    if suggestion.pinned_until is not None:
        return ""  # the card says who has chosen it
    if why.nearness is None:
        return str(gettext("Only common words match"))
    return str(gettext("Close in meaning") if why.nearness >= _CLOSE else gettext("Somewhat close in meaning"))


def _matching_words(suggestion: Suggestion) -> list[str]:
    """`vpn`, or `pääse ("access" in Finnish)` for a word that stands for another one of the question."""
    translated = dict(suggestion.why.translated)
    return [
        _standing_for(word, translated[word], suggestion) if translated.get(word, word) != word else word
        for word in suggestion.why.words
    ]


def _standing_for(word: str, of: str, suggestion: Suggestion) -> str:
    """A word that stands for another one, `of`."""
    language = suggestion.item.language
    if suggestion.why.language == language:
        language = ""
    values = {"word": word, "of": of}
    if language == "en":
        return str(gettext('%(word)s ("%(of)s" in English)', **values))
    if language == "fi":
        return str(gettext('%(word)s ("%(of)s" in Finnish)', **values))
    if language == "sv":
        return str(gettext('%(word)s ("%(of)s" in Swedish)', **values))
    return str(gettext('%(word)s (for "%(of)s")', **values))


def _age(suggestion: Suggestion) -> str:
    """That an answer is old; empty when it is not."""
    months = current.settings().old_after_months
    if not is_old(suggestion.said_at or suggestion.item.at, months, utc_now()):
        return ""
    if suggestion.item.kind is Kind.DOCUMENT:
        return str(
            ngettext(
                "Not verified for over %(num)d month: check that it is still right",
                "Not verified for over %(num)d months: check that it is still right",
                months,
            )
        )
    return str(
        ngettext(
            "Answered over %(num)d month ago: check that it is still right",
            "Answered over %(num)d months ago: check that it is still right",
            months,
        )
    )


def _also_in(code: str) -> str:
    texts = {
        "en": gettext("Also in English:"),
        "fi": gettext("Also in Finnish:"),
        "sv": gettext("Also in Swedish:"),
    }
    return str(texts.get(code) or gettext("Also in another language (%(language)s):", language=language_name(code)))


def _either(codes: Sequence[str]) -> str:
    """`807`, `807 or E-52`, `807, E-52 or X1`."""
    if len(codes) == 1:
        return codes[0]
    return str(gettext("%(some)s or %(last)s", some=", ".join(codes[:-1]), last=codes[-1]))
