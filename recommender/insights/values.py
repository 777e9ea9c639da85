"""Topics, what hangs on people in them, and the plan as JSON values, for the command and the API alike."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.tables import Person, Team
from recommender.insights.risk.acts import Act
from recommender.insights.risk.risk import TopicRisk


def as_values(session: Session, risks: Collection[TopicRisk], acts: Collection[Act]) -> dict[str, Any]:
    """{"topics": [...], "plan": [...]}: people and teams by their handles, items by their keys, shares from 0 to 1,
    `demand` and losses in questions a year. People stand in the order of their handles."""
    named = {knower.person_id for risk in risks for knower in risk.knowers}
    named |= {number for act in acts for number in act.people}
    people = {
        number: name for number, name in session.execute(select(Person.id, Person.handle).where(Person.id.in_(named)))
    }
    teams = {number: name for number, name in session.execute(select(Team.id, Team.handle))}
    return {
        "topics": [_topic(risk, people, teams) for risk in risks],
        "plan": [_act(act, people) for act in acts],
    }


def _topic(risk: TopicRisk, people: Mapping[int, str], teams: Mapping[int, str]) -> dict[str, Any]:
    known = [knower for knower in risk.knowers if knower.person_id in people]
    return {
        "id": risk.topic.id,
        "audience": risk.topic.audience,
        "names": dict(risk.topic.names),
        "items": list(risk.topic.items),
        "made_on": risk.topic.made_on.isoformat(),
        "team": teams.get(risk.team_id) if risk.team_id is not None else None,
        "demand": round(risk.demand, 2),
        "asked": risk.asked,
        "answerable": round(risk.answerable, 4),
        "bus_factor": risk.bus_factor,
        "expected_loss": round(risk.expected_loss, 4),
        "people": [
            {
                "handle": people[knower.person_id],
                "share": round(knower.share, 4),
                "answerable_without": round(knower.answerable_without, 4),
            }
            for knower in sorted(known, key=lambda knower: people[knower.person_id])
        ],
    }


def _act(act: Act, people: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": act.id,
        "topic": act.topic.id,
        "kind": act.kind,
        "state": act.state,
        "person": people.get(act.person_id or 0),
        "colleague": people.get(act.colleague_id or 0),
        "items": list(act.items),
        "document": act.document,
        "language": act.language,
        "minutes": act.minutes,
        "loss_before": round(act.loss_before, 4),
        "loss_after": round(act.loss_after, 4),
        "answered_before": act.answered_before,
        "answered_after": act.answered_after,
    }
