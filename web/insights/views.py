"""The pages of a lead: what is worth doing this week, which topics hang on few people, who knows what, and one topic.

They are for leads and about topics. People stand in the order of their names, and nothing is added up for a person.
"""

from collections.abc import Collection, Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from recommender.access import Reader
from recommender.corpus import headings
from recommender.database.risk_tables import DONE, PROPOSED, STARTED, WRITE
from recommender.database.tables import Person, utc_now
from recommender.datatypes import Heading, Kind
from recommender.insights.risk import acts, drafting
from recommender.insights.risk.acts import Act
from recommender.insights.risk.risk import Knower, TopicRisk, topic_risks
from web import current
from web.current import session
from web.insights.chosen import chosen_teams
from web.insights.csv_file import csv_file
from web.insights.wording import topic_name
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("insights", __name__, url_prefix="/insights")
WORTH_DOING = 3
"""How many acts a lead's home page shows; what else is worth doing is one click away."""
LEAST_SHARE = 0.05
"""The share of what is known from which somebody has a cell in the table and a row on the page of a topic, unless
questions would find no answer without them: in a large team many have answered once. A judgement."""
_SHOWN_ITEMS = 20  # newest requests of a topic: a judgement


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What is worth doing this week in the teams that somebody leads, and what hangs on few people; 403 for others."""
    chosen = chosen_teams()
    risks = topic_risks(session(), chosen.reader, chosen.team)
    planned = acts.plan_of(session(), [risk.topic for risk in risks])
    return render_template(
        "insights/home.html",
        chosen=chosen,
        risks=risks,
        under_way=[act for act in planned if act.state == STARTED],
        worth_doing=[act for act in planned if act.state == PROPOSED],
        first=WORTH_DOING,
        done=[act for act in planned if act.state == DONE],
        people=_people(risks, planned),
        titles=_titles(planned, chosen.reader),
    )


@blueprint.get("/people")
def grid() -> ResponseReturnValue:
    """Who knows which topic, as a table of topics and people; 403 for people who lead no team."""
    chosen = chosen_teams()
    risks = sorted(topic_risks(session(), chosen.reader, chosen.team), key=lambda risk: topic_name(risk.topic).lower())
    shares = {
        (risk.topic.id, knower.person_id): knower.share
        for risk in risks
        for knower in risk.knowers
        if _knows_a_part(risk, knower)
    }
    shown = {person_id for _topic, person_id in shares}
    people = [person for number, person in _people(risks, ()).items() if number in shown]
    people.sort(key=lambda person: (person.name.lower(), person.handle))
    return render_template("insights/grid.html", chosen=chosen, risks=risks, people=people, shares=shares)


@blueprint.get("/topics/<int(max=2147483647):topic_id>")
def topic(topic_id: int) -> ResponseReturnValue:
    """One topic: how often it is asked, who knows it, its guides and requests, and what would help. 404 for people who
    do not lead the team that handles it."""
    chosen = chosen_teams()
    risk = _risk(topic_id, chosen.reader)
    planned = acts.plan_of(session(), [risk.topic])
    found = headings(session(), risk.topic.items, chosen.reader)
    people = _people([risk], planned)
    by_name = _by_name(risk, people)
    newest = sorted(found.values(), key=lambda heading: heading.id, reverse=True)
    return render_template(
        "insights/topic.html",
        risk=risk,
        guides=[heading for heading in newest if heading.kind is Kind.DOCUMENT],
        requests=[heading for heading in newest if heading.kind is Kind.REQUEST],
        most=_SHOWN_ITEMS,
        knowers=[knower for knower in by_name if _knows_a_part(risk, knower)],
        know_little=[knower for knower in by_name if not _knows_a_part(risk, knower)],
        planned=planned,
        people=people,
        titles=_titles(planned, chosen.reader),
    )


@blueprint.post("/acts/<int(max=2147483647):act_id>")
def decide(act_id: int) -> ResponseReturnValue:
    """Start something that is worth doing, or take it off the list. A guide that is to be written opens as a draft."""
    signed_in()
    reader, now = current_reader(), utc_now()
    row, _risk_of_topic = acts.get_act(session(), reader, act_id)
    if request.form.get("what") == "drop":
        acts.drop(session(), reader, act_id, now)
    elif row.kind == WRITE:
        draft = drafting.start_document(session(), reader, act_id, current.settings().review_days or None, now)
        session().commit()
        return redirect(url_for("documents.edit", document_id=draft.id))
    else:
        acts.begin(session(), reader, act_id, now)
    session().commit()
    return redirect(url_for("insights.home", _anchor="plan"))


@blueprint.get("/topics.csv")
def as_csv() -> ResponseReturnValue:
    """The table of topics as CSV: what the home page shows, and who knows each topic."""
    chosen = chosen_teams()
    risks = topic_risks(session(), chosen.reader, chosen.team)
    people = _people(risks, ())
    head = [
        gettext("Topic"), gettext("Questions a year"), gettext("Find an answer now"),
        gettext("People whose leaving would lose most of it"), gettext("Questions expected to be lost a year"),
        gettext("Who knows it"),
    ]  # fmt: skip
    rows = [
        [
            topic_name(risk.topic), round(risk.demand, 1), round(risk.answerable, 3),
            "" if risk.bus_factor is None else risk.bus_factor, round(risk.expected_loss, 2),
            "; ".join(sorted(people[each.person_id].name for each in risk.knowers if each.person_id in people)),
        ]
        for risk in risks
    ]  # fmt: skip
    return csv_file([head, *rows], "topics.csv")


def _risk(topic_id: int, reader: Reader) -> TopicRisk:
    """The figures of a topic that this reader leads; 404 when there is none."""
    risk = next((each for each in topic_risks(session(), reader) if each.topic.id == topic_id), None)
    if risk is None:
        abort(404)
    return risk


def _knows_a_part(risk: TopicRisk, knower: Knower) -> bool:
    return knower.share >= LEAST_SHARE or knower.answerable_without < risk.answerable


def _by_name(risk: TopicRisk, people: Mapping[int, Person]) -> list[Knower]:
    """Those who know a topic in the order of their names, so that nobody is ranked."""
    known = [knower for knower in risk.knowers if knower.person_id in people]
    return sorted(known, key=lambda knower: (people[knower.person_id].name.lower(), knower.person_id))


def _people(risks: Collection[TopicRisk], planned: Collection[Act]) -> dict[int, Person]:
    """The people who are named, by id."""
    named = {knower.person_id for risk in risks for knower in risk.knowers}
    named |= {number for act in planned for number in act.people}
    return {person.id: person for person in session().scalars(select(Person).where(Person.id.in_(named)))}


def _titles(planned: Collection[Act], reader: Reader) -> dict[str, Heading]:
    """The headings of what acts are about that this reader may read, by key."""
    keys = {item for act in planned for item in (*act.items, act.document) if item}
    return headings(session(), keys, reader)
