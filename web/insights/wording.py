"""How pages of insights put figures into words: names of topics, losses, and what an act asks somebody to do."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import format_percent, get_locale, gettext, ngettext

from recommender.database.risk_tables import PAIR, TRANSLATE, VERIFY, WRITE
from recommender.database.tables import Person
from recommender.datatypes import Heading, Kind, item_key
from recommender.insights.acts import Act
from recommender.insights.risk import TopicRisk
from recommender.insights.topic import Topic
from web.formatting import in_language
from web.insights.chosen import led_by
from web.sign_in.session import current_person

_HALF = 0.5  # of a question: less is not "one question"


def attach(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        topic_name=topic_name, share=share, a_year=a_year, act_sentence=act_sentence, hangs_on_words=hangs_on_words
    )
    app.jinja_env.globals.update(leads_teams=lambda: bool(led_by(current_person())))


def topic_name(topic: Topic) -> str:
    """The name of a topic in the page's language, with a capital letter."""
    name = topic.names.get(str(get_locale())) or topic.names["en"]
    return name[:1].upper() + name[1:]


def share(value: float) -> str:
    """A share of 0 to 1 as whole per cent, as the page's language writes it."""
    return str(format_percent(value, "#,##0\xa0%" if str(get_locale()) == "fi" else "#,##0%"))


def a_year(questions: float) -> str:
    """How many questions a year, in words."""
    if questions < _HALF:
        return str(gettext("less than one a year"))
    return str(ngettext("about one a year", "about %(num)d a year", round(questions)))


def hangs_on_words(risk: TopicRisk) -> str:
    """On how many people a topic hangs, in words."""
    if risk.bus_factor is None:
        return str(gettext("On nobody: guides answer most of it"))
    if risk.bus_factor == 0:
        return str(gettext("Nobody who is here knows most of it"))
    return str(ngettext("On one person", "On %(num)d people", risk.bus_factor))


def act_sentence(act: Act, people: Mapping[int, Person], titles: Mapping[str, Heading]) -> str:
    """What an act asks somebody to do, in a sentence."""
    names = {
        "topic": topic_name(act.topic),
        "person": _name(act.person_id, people),
        "colleague": _name(act.colleague_id, people),
        "title": titles[key].title if (key := item_key(Kind.DOCUMENT, act.document_id or 0)) in titles else "",
        "language": in_language(act.language) if act.language else "",
    }
    if act.kind == WRITE:
        return str(
            ngettext(
                "Write a guide about “%(topic)s” from a request that %(person)s has answered.",
                "Write a guide about “%(topic)s” from %(num)d requests that %(person)s has answered.",
                len(act.items),
                **names,
            )
        )
    sentences = {
        PAIR: gettext(
            "Let %(colleague)s watch when %(person)s answers the next two questions about “%(topic)s”.",
            **names,
        ),
        VERIFY: gettext(
            "Let %(colleague)s read the guide “%(title)s” and verify that it still holds.",
            **names,
        ),
        TRANSLATE: gettext(
            "Let %(colleague)s translate the guide “%(title)s” into %(language)s: it is asked about in both.",
            **names,
        ),
    }
    return str(sentences[act.kind])


def _name(person_id: int | None, people: Mapping[int, Person]) -> str:
    if person_id is None or person_id not in people:
        return str(gettext("somebody who is not here any more"))
    return people[person_id].name
