"""The page of one topic for the leads of the team that handles it, with the forms by which they change the topic."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from flask import abort, render_template, request
from sqlalchemy import select

from recommender.access import Reader
from recommender.corpus import headings
from recommender.database.insight_tables import TopicRow
from recommender.database.tables import Person, Team
from recommender.datatypes import Heading, Kind
from recommender.insights.gaps.gap import gaps_of
from recommender.insights.risk import acts
from recommender.insights.risk.acts import Act
from recommender.insights.risk.risk import Knower, TopicRisk, topic_risks, topics_without_figures, weeks
from recommender.insights.topics import editing
from recommender.insights.topics.topic import LANGUAGES, LEAST_ITEMS, Topic
from web.current import session
from web.insights.chosen import chosen_teams
from web.insights.topic_pictures import pictures_over_time
from web.insights.wording import topic_name

LEAST_SHARE = 0.05
"""The share of what is known from which somebody has a cell in the table and a row on the page of a topic, unless
questions would find no answer without them: in a large team many have answered once. A judgement."""
_SHOWN_ITEMS = 20  # newest requests of a topic: a judgement


@dataclass(frozen=True)
class LedTopic:
    """A topic with its figures, None until they are computed, who reads them, and the other topics of the same readers
    that they lead, by name."""

    topic: Topic
    risk: TopicRisk | None
    reader: Reader
    others: tuple[Topic, ...]


@dataclass(frozen=True)
class Typed:
    """What somebody has typed as names of a topic, by language, and what is wrong, by the id of its field."""

    names: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def led_topic(topic_id: int) -> LedTopic:
    """The topic for those who lead the team that handles it; 401 when nobody has signed in, 403 for people who lead no
    team, 404 for everybody else and when there is none."""
    reader = chosen_teams().reader
    risks = topic_risks(session(), reader)
    risk = next((each for each in risks if each.topic.id == topic_id), None)
    topics = [risk.topic] if risk else topics_without_figures(session(), reader)
    topic = next((each for each in topics if each.id == topic_id), None)
    if topic is None:
        abort(404)
    others = [each.topic for each in risks if each.topic.audience == topic.audience and each.topic.id != topic_id]
    return LedTopic(topic, risk, reader, tuple(sorted(others, key=lambda other: topic_name(other).casefold())))


def is_led(topic_id: int) -> bool:
    """True when `led_topic` gives this topic."""
    reader = chosen_teams().reader
    topics = [risk.topic for risk in topic_risks(session(), reader)] + topics_without_figures(session(), reader)
    return any(topic.id == topic_id for topic in topics)


def topic_page(led: LedTopic, typed: Typed = Typed()) -> str:
    """How often the topic is asked, who knows it, its guides and requests, what would help, what is missing for members
    of its team, and the forms that change it."""
    planned = acts.plan_of(session(), [led.topic])
    found = headings(session(), led.topic.items, led.reader)
    people = named_people([led.risk] if led.risk else [], planned)
    newest = sorted(found.values(), key=lambda heading: heading.id, reverse=True)
    row = session().get_one(TopicRow, led.topic.id)
    team = session().get(Team, led.risk.team_id) if led.risk and led.risk.team_id in led.reader.team_ids else None
    known = _by_name(led.risk, people) if led.risk else []
    return render_template(
        "insights/topic.html",
        topic=led.topic,
        risk=led.risk,
        others=led.others,
        guides=[heading for heading in newest if heading.kind is Kind.DOCUMENT],
        requests=[heading for heading in newest if heading.kind is Kind.REQUEST],
        most=_SHOWN_ITEMS,
        knowers=[knower for knower in known if knows_a_part(led.risk, knower)],
        know_little=[knower for knower in known if not knows_a_part(led.risk, knower)],
        planned=planned,
        pictures=pictures_over_time(weeks(session(), [led.topic.id])[led.topic.id]),
        team=team,
        gaps=gaps_of(session(), led.reader, [led.topic]) if team else [],
        people=people,
        titles=titles_of(planned, led.reader),
        changed="changed" in request.args,
        may_edit=editing.may_edit(session(), led.topic, led.reader),
        given={language: getattr(row, f"given_{language}") or "" for language in LANGUAGES} | dict(typed.names),
        computed={language: getattr(row, f"name_{language}") for language in LANGUAGES},
        problems=typed.problems,
        longest=editing.LONGEST_NAME,
        least=LEAST_ITEMS,
    )


def knows_a_part(risk: TopicRisk | None, knower: Knower) -> bool:
    """True when a topic hangs on somebody enough for them to be in its tables."""
    return risk is not None and (knower.share >= LEAST_SHARE or knower.answerable_without < risk.answerable)


def named_people(risks: Collection[TopicRisk], planned: Collection[Act]) -> dict[int, Person]:
    """The people who are named in figures and acts, by id."""
    named = {knower.person_id for risk in risks for knower in risk.knowers}
    named |= {number for act in planned for number in act.people}
    return {person.id: person for person in session().scalars(select(Person).where(Person.id.in_(named)))}


def titles_of(planned: Collection[Act], reader: Reader) -> dict[str, Heading]:
    """The headings of what acts are about that this reader may read, by key."""
    keys = {item for act in planned for item in (*act.items, act.document) if item}
    return headings(session(), keys, reader)


def _by_name(risk: TopicRisk, people: Mapping[int, Person]) -> Sequence[Knower]:
    """Those who know a topic in the order of their names, so that nobody is ranked."""
    known = [knower for knower in risk.knowers if knower.person_id in people]
    return sorted(known, key=lambda knower: (people[knower.person_id].name.lower(), knower.person_id))
