"""Topics, what hangs on people in them, what is missing, and the plan as JSON values, for the command and the API
alike."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.database.tables import Person, Team
from recommender.insights.gaps.gap import Gap, gaps_of
from recommender.insights.risk.acts import Act, plan_of
from recommender.insights.risk.risk import TopicRisk


def insights_of(session: Session, reader: Reader, risks: Collection[TopicRisk]) -> dict[str, Any]:
    """{"topics": [...], "plan": [...]} of topics that the reader may see: people and teams by their handles, items by
    their keys, shares from 0 to 1, `demand` and losses in questions a year. People stand in the order of their handles.
    `gaps` has only what members of the team that handles a topic may see."""
    topics = [risk.topic for risk in risks]
    acts = plan_of(session, topics)
    missing = defaultdict[int, list[Gap]](list)
    for gap in gaps_of(session, reader, topics):
        missing[gap.topic.id].append(gap)
    named = {knower.person_id for risk in risks for knower in risk.knowers}
    named |= {number for act in acts for number in act.people}
    people = {
        number: name for number, name in session.execute(select(Person.id, Person.handle).where(Person.id.in_(named)))
    }
    teams = {number: name for number, name in session.execute(select(Team.id, Team.handle))}
    return {
        "topics": [_topic(risk, people, teams, missing[risk.topic.id]) for risk in risks],
        "plan": [_act(act, people) for act in acts],
    }


def _topic(
    risk: TopicRisk, people: Mapping[int, str], teams: Mapping[int, str], missing: Collection[Gap]
) -> dict[str, Any]:
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
        "gaps": [
            {
                "kind": gap.kind.value,
                "items": [item.key for item in gap.items],
                "counts": dict(gap.counts),
                "said": dict(gap.said),
            }
            for gap in missing
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
