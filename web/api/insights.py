"""What hangs on few people, what is missing, and the plan, as JSON: for those who lead a team."""

from datetime import date
from typing import Any

from flask import abort
from pydantic import BaseModel, Field

from recommender.insights.risk.risk import topic_risks
from recommender.insights.values import insights_of
from recommender.render import Key
from web.api import answers, blueprint, schemas, sent_query, spec
from web.current import session
from web.reading import led_by
from web.sign_in.session import current_reader, signed_in


class InsightsWanted(schemas.Sent):
    """The handle of the team whose topics are wanted; those of all teams that the person leads without it."""

    team: str = Field("", max_length=64)


class KnowerShown(BaseModel):
    """A person who knows a topic: their share of what is known, and the share of the topic's questions that would find
    an answer without them."""

    handle: str
    share: float
    answerable_without: float


class GapShown(BaseModel):
    """What is missing in a topic, for members of the team that handles it: its `kind` (contradiction, changed,
    not_found, repeated, one_language, unseen), the requests and guides in which it was found, its numbers by name, and
    what these say."""

    kind: str
    items: list[Key]
    counts: dict[str, int]
    said: dict[str, str]


class TopicShown(BaseModel):
    """A topic: how many questions a year are asked about it (`demand`), how many past ones were asked again (`asked`),
    the share of these that find an answer (`answerable`), the fewest people whose leaving loses more than half of what
    is known (`bus_factor`; 0 when nobody who is here knows it, null when guides alone would do), and how many questions
    of the coming year are expected to find no answer. People are in the order of their handles."""

    id: int
    audience: str
    names: dict[str, str]
    items: list[Key]
    made_on: date
    team: str | None
    demand: float
    asked: int
    answerable: float
    bus_factor: int | None
    expected_loss: float
    people: list[KnowerShown]
    gaps: list[GapShown]


class ActShown(BaseModel):
    """Something worth doing: its `kind` (write, pair, verify, translate) and `state` (proposed, started, done), who
    knows and who learns or reads (`person`, `colleague`), the requests and the guide it is about, how many minutes it
    takes, the expected loss of its topic before and after it in questions a year, and the share of questions that find
    an answer without `person`, measured before it was started and after it was done."""

    id: int
    topic: int
    kind: str
    state: str
    person: str | None
    colleague: str | None
    items: list[Key]
    document: Key | None
    language: str | None
    minutes: int
    loss_before: float
    loss_after: float
    answered_before: float | None
    answered_after: float | None


class InsightsShown(BaseModel):
    """The topics, those first from which most is expected to be lost, and the plan, the best act first."""

    topics: list[TopicShown]
    plan: list[ActShown]


@blueprint.get("/insights")
@spec.validate(query=InsightsWanted, resp=answers(HTTP_200=InsightsShown), tags=("insights",))
def insights_json() -> Any:
    """What is asked, who knows it, what hangs on few people, what is missing and what would help, in the teams that the
    person leads."""
    handle = sent_query().team
    led = led_by(signed_in())
    if not led:
        abort(403, "Only those who lead a team, and admins, may read this.")
    team = next((team for team in led if team.handle == handle), None)
    if handle and team is None:
        abort(404)
    reader = current_reader()
    return insights_of(session(), reader, topic_risks(session(), reader, team))
