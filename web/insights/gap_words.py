"""How pages say what is missing: one sentence for each gap, and what may be wrong with a guide."""

from flask import Flask
from flask_babel import gettext, ngettext

from recommender.datatypes import Verdict
from recommender.insights.gaps.gap import Gap, GapKind
from recommender.insights.gaps.half_life import Ageing
from recommender.insights.gaps.health import Problem
from recommender.knowledge.searched_topics import SearchedWeek
from web.formatting import in_language

_DAYS_OF_MONTH = 30.4


def attach(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        gap_heading=gap_heading, gap_sentence=gap_sentence, gap_todo=gap_todo, problem_name=problem_name,
        searched_sentence=searched_sentence, ageing_sentence=ageing_sentence,
    )  # fmt: skip


def gap_heading(kind: GapKind) -> str:
    """The heading above the gaps of a kind."""
    headings = {
        GapKind.CONTRADICTION: gettext("Answers that say different things"),
        GapKind.CHANGED: gettext("Guides that may be out of date"),
        GapKind.NOT_FOUND: gettext("Asked, although something was shown"),
        GapKind.REPEATED: gettext("Asked again and again, without a verified guide"),
        GapKind.ONE_LANGUAGE: gettext("Asked in a language in which there is no guide"),
        GapKind.UNSEEN: gettext("Guides that nobody finds"),
    }
    return str(headings[kind])


def gap_todo(kind: GapKind) -> str:
    """What helps against the gaps of a kind."""
    todo = {
        GapKind.CONTRADICTION: gettext("Look which one is right, and mark the other one as replaced."),
        GapKind.CHANGED: gettext("Read the guide, correct it, and verify it."),
        GapKind.NOT_FOUND: gettext("Read what was shown and what was asked then: what is missing in the answer?"),
        GapKind.REPEATED: gettext("Write a guide from these requests, or verify the one there is."),
        GapKind.ONE_LANGUAGE: gettext("Translate the guide."),
        GapKind.UNSEEN: gettext("Give it a title in the words that people ask with, or hide it if nobody needs it."),
    }
    return str(todo[kind])


def gap_sentence(gap: Gap) -> str:
    """What a gap is, in a sentence; its items are linked beside it."""
    counts, said = gap.counts, gap.said
    if gap.kind is GapKind.CONTRADICTION:
        return str(
            gettext(
                "The newer one says “%(newer)s”, the older one “%(older)s”.", newer=said["newer"], older=said["older"]
            )
        )
    if gap.kind is GapKind.CHANGED:
        return _changed(gap)
    if gap.kind is GapKind.NOT_FOUND:
        return _not_found(gap)
    if gap.kind is GapKind.REPEATED:
        asked = ngettext("Asked %(num)d time.", "Asked %(num)d times.", counts["requests"])
        rest = (
            gettext("The guide that answers is not verified.") if counts["unverified"] else gettext("No guide answers.")
        )
        return f"{asked} {rest}"
    if gap.kind is GapKind.ONE_LANGUAGE:
        language = in_language(said["language"])
        return str(
            ngettext(
                "Asked %(num)d time %(language)s, but the guide is only in another language.",
                "Asked %(num)d times %(language)s, but the guide is only in another language.",
                counts["requests"],
                language=_asked_in(language),
            )
        )
    return str(
        ngettext(
            "No past question finds it, and nobody has opened it. %(num)d question of this topic was tried.",
            "No past question finds it, and nobody has opened it. %(num)d questions of this topic were tried.",
            counts["questions"],
        )
    )


def searched_sentence(week: SearchedWeek) -> str:
    """How many people searched for a topic in a week with one result."""
    sentences = {
        Verdict.ANSWER: gettext("at least %(num)d people found an answer", num=week.people),
        Verdict.MAYBE: gettext("at least %(num)d people found only something related", num=week.people),
        Verdict.UNKNOWN: gettext("at least %(num)d people found nothing", num=week.people),
    }
    return str(sentences[week.verdict])


def ageing_sentence(age: Ageing) -> str:
    """How long the answers of a topic stay right; it must be known."""
    months = max(1, round((age.half_life_days or 0) / _DAYS_OF_MONTH))
    return str(
        ngettext(
            "Half of the answers have changed after about %(num)d month (%(changes)d changes in %(answers)d answers).",
            "Half of the answers have changed after about %(num)d months (%(changes)d changes in %(answers)d answers).",
            months,
            changes=age.changes,
            answers=age.answers,
        )
    )


def problem_name(problem: Problem) -> str:
    """What may be wrong with a guide, in a few words."""
    names = {
        Problem.FLAGGED: gettext("Flagged as wrong or outdated"),
        Problem.CONTRADICTED: gettext("A newer answer says something else"),
        Problem.CHANGED: gettext("Answers have changed since"),
        Problem.DUE: gettext("Review is due"),
        Problem.NO_OWNER: gettext("No owner"),
        Problem.NOT_VERIFIED: gettext("Never verified"),
        Problem.ONE_LANGUAGE: gettext("Asked in another language"),
        Problem.UNSEEN: gettext("No past question finds it"),
    }
    return str(names[problem])


def _changed(gap: Gap) -> str:
    if "changes" in gap.counts:
        return str(
            ngettext(
                "%(num)d answer to the same questions has changed since the guide was last written or verified.",
                "%(num)d answers to the same questions have changed since the guide was last written or verified.",
                gap.counts["changes"],
            )
        )
    months, half = (max(1, round(gap.counts[name] / _DAYS_OF_MONTH)) for name in ("days", "half_life_days"))
    return str(
        gettext(
            "Last written or verified %(months)d months ago; half of the answers on this topic change within %(half)d.",
            months=months,
            half=half,
        )
    )


def _not_found(gap: Gap) -> str:
    sent = ngettext(
        "%(num)d request was sent although something was shown.",
        "%(num)d requests were sent although something was shown.",
        gap.counts["requests"],
    )
    opened = ngettext(
        "In %(num)d case it had been opened.", "In %(num)d cases it had been opened.", gap.counts["opened"]
    )
    return f"{sent} {opened}" if gap.counts["opened"] else str(sent)


def _asked_in(language: str) -> str:
    """`in English`; in Finnish the name of the language has that form already."""
    return str(gettext("in %(language)s", language=language))
