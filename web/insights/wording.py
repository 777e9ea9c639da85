"""How pages of insights put figures into words."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import format_percent, get_locale, gettext, ngettext

from recommender.database.tables import Person
from recommender.datatypes import Heading
from recommender.insights.risk import wording
from recommender.insights.risk.acts import Act
from recommender.insights.risk.risk import TopicRisk
from recommender.insights.topics.topic import Topic
from web.insights.marks import share_mark
from web.reading import led_by
from web.sign_in.session import current_person


def attach(app: Flask) -> None:
    """Make the filters and functions known to the templates."""
    app.jinja_env.filters.update(
        topic_name=topic_name, share=share, a_year=a_year, before_and_after=before_and_after,
        act_sentence=act_sentence, hangs_on_words=hangs_on_words,
    )  # fmt: skip
    app.jinja_env.globals.update(share_mark=share_mark, leads_teams=lambda: bool(led_by(current_person())))


def topic_name(topic: Topic) -> str:
    """The name of a topic in the page's language, with a capital letter."""
    return wording.topic_name(topic, str(get_locale()))


def share(value: float) -> str:
    """A share of 0 to 1 as whole per cent, as the page's language writes it."""
    return str(format_percent(value))


def before_and_after(act: Act) -> tuple[str, str]:
    """How many questions a year find no answer now, and once the act is done."""
    return wording.before_and_after(act.loss_before, act.loss_after, str(get_locale()))


def a_year(questions: float) -> str:
    """How many questions a year, in words."""
    return wording.a_year(questions, str(get_locale()))


def hangs_on_words(risk: TopicRisk) -> str:
    """On how many people a topic hangs, in words."""
    if risk.bus_factor is None:
        return str(gettext("On nobody: guides answer most of it"))
    if risk.bus_factor == 0:
        return str(gettext("Nobody who is here knows most of it"))
    return str(ngettext("On one person", "On %(num)d people", risk.bus_factor))


def act_sentence(act: Act, people: Mapping[int, Person], titles: Mapping[str, Heading]) -> str:
    """What an act asks somebody to do, in a sentence."""
    names = {number: person.name for number, person in people.items()}
    return wording.act_sentence(act, str(get_locale()), names, {key: heading.title for key, heading in titles.items()})
