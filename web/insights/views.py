"""The pages of a lead: what is worth doing this week, which topics hang on few people, who knows what, and one topic.

They are for leads and about topics. People stand in the order of their names, and nothing is added up for a person.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.database.risk_tables import DONE, PROPOSED, STARTED, WRITE, TransferAct
from recommender.database.tables import utc_now
from recommender.insights.risk import acts, drafting
from recommender.insights.risk.risk import topic_risks, topics_without_figures
from recommender.insights.topics import editing
from web import current
from web.current import session
from web.insights.chosen import chosen_teams
from web.insights.csv_file import csv_file
from web.insights.topic_page import knows_a_part, led_topic, named_people, titles_of, topic_page
from web.insights.wording import topic_name
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("insights", __name__, url_prefix="/insights")
WORTH_DOING = 3
"""How many acts a lead's home page shows; what else is worth doing is one click away."""


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
        ended=editing.may_show_again(session(), chosen.reader, chosen.team),
        new_topics=topics_without_figures(session(), chosen.reader, chosen.team),
        under_way=[act for act in planned if act.state == STARTED],
        worth_doing=[act for act in planned if act.state == PROPOSED],
        first=WORTH_DOING,
        done=[act for act in planned if act.state == DONE],
        people=named_people(risks, planned),
        titles=titles_of(planned, chosen.reader),
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
        if knows_a_part(risk, knower)
    }
    shown = {person_id for _topic, person_id in shares}
    people = [person for number, person in named_people(risks, ()).items() if number in shown]
    people.sort(key=lambda person: (person.name.lower(), person.handle))
    new_topics = topics_without_figures(session(), chosen.reader, chosen.team)
    return render_template(
        "insights/grid.html", chosen=chosen, risks=risks, people=people, shares=shares, new_topics=new_topics
    )


@blueprint.get("/topics/<int(max=2147483647):topic_id>")
def topic(topic_id: int) -> ResponseReturnValue:
    """One topic. 404 for people who do not lead the team that handles it."""
    return topic_page(led_topic(topic_id))


@blueprint.post("/acts/<int(max=2147483647):act_id>")
def decide(act_id: int) -> ResponseReturnValue:
    """Start something that is worth doing, or take it off the list. A guide that is to be written opens as a draft."""
    signed_in()
    reader, now = current_reader(), utc_now()
    row = session().get(TransferAct, act_id)  # whether they may see it is decided by what is done with it
    if request.form.get("what") == "drop":
        acts.drop(session(), reader, act_id, now)
    elif row is not None and row.kind == WRITE:
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
    people = named_people(risks, ())
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
