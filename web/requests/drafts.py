"""A new request as it is written: the fields of its form, what is wrong with them, and which team it may be for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from recommender.database.handles import visible
from recommender.database.tables import OPEN, HelpRequest, Person, Team
from recommender.datatypes import Recommendation, Verdict
from recommender.knowledge import requests
from recommender.people.teams import clear_or_two
from web.current import session

ATTEMPTS = 20  # suggestions that a request may list as shown before: a judgement
_TITLE_FROM_QUESTION = 200  # characters of a long question that become the title: a judgement
_FIRST = 3  # suggestions that must all be of the team for it to be sure: a judgement
EVERYONE, TEAM, UNKNOWN = "everyone", "team", "unknown"


@dataclass
class Draft:
    """The fields of the form of a new request, and what is wrong with them, by field. `attempts` says of each item that
    was suggested before whether it was opened; `offered_for` is the team for which the form proposed the audience,
    `person` the handle of a colleague for whom it is meant. `made_private` says that the audience is the team's rule,
    not what was sent."""

    title: str = ""
    body: str = ""
    team: str = ""
    audience: str = ""
    anonymous: bool = False
    offered_for: str = ""
    person: str = ""
    attempts: dict[str, bool] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    made_private: bool = False


def begun_draft(title: str, text: str, body: str, values: MultiDict[str, str]) -> Draft:
    """A draft from what was typed into the search; `text` is all of it. `values` may name the `team`, the `person` whom
    the asker wants to ask, the `audience`, and the suggestions that were opened."""
    draft = Draft(title, body)
    if "\n" in title or len(title) > requests.LONGEST_TITLE:
        draft = Draft(title.split("\n")[0][:_TITLE_FROM_QUESTION], text)
    draft.attempts = dict.fromkeys(values.getlist("opened")[:ATTEMPTS], True)
    draft.team, draft.person = values.get("team", ""), values.get("person", "")
    draft.audience = values.get("audience", "") if values.get("audience") in (EVERYONE, TEAM) else ""
    return draft


def sent_draft(form: MultiDict[str, str]) -> Draft:
    """The draft that a form sends."""
    shown, opened = form.getlist("shown")[:ATTEMPTS], form.getlist("opened")[:ATTEMPTS]
    return Draft(
        title=form.get("title", "").strip(),
        body=form.get("body", "").strip(),
        team=form.get("team", ""),
        audience=form.get("audience", ""),
        anonymous=bool(form.get("anonymous")),
        offered_for=form.get("offered_for", ""),
        person=form.get("person", ""),
        attempts=dict.fromkeys(shown, False) | dict.fromkeys(opened, True),
    )


def check(draft: Draft, teams: Mapping[str, Team]) -> None:
    """Add what is wrong with a draft to its `problems`. A request to a restricted team is private when the form had
    proposed the audience for another team: its asker has not seen that choice."""
    problems = draft.problems
    if not draft.title:
        problems["title"] = gettext("Say in one line what you need.")
    elif len(draft.title) > requests.LONGEST_TITLE:
        problems["title"] = gettext("Shorten the title to %(n)d characters.", n=requests.LONGEST_TITLE)
    if len(draft.body) > requests.LONGEST_BODY:
        problems["body"] = gettext("Shorten it to at most %(n)d characters.", n=requests.LONGEST_BODY)
    if draft.team not in teams and draft.team != UNKNOWN:
        problems["team"] = gettext("Choose the team, or “I do not know”.")
    chosen, offered = teams.get(draft.team), teams.get(draft.offered_for)
    unseen = chosen is not None and chosen.restricted and not (offered is not None and offered.restricted)
    if draft.audience not in (EVERYONE, TEAM):
        problems["audience"] = gettext("Choose who may read it.")
    elif unseen and draft.audience == EVERYONE:
        draft.audience, draft.made_private = TEAM, True


def meant_for(draft: Draft) -> Person | None:
    """The colleague whom the asker wants to ask; None when nobody is named, or somebody who has left."""
    person = session().scalar(select(Person).where(Person.handle == draft.person)) if draft.person else None
    return person if person is not None and person.left_on is None else None


def sent_before(draft: Draft, asked_by: Person) -> HelpRequest | None:
    """The open request that this person has sent with the same words, if there is one."""
    mine = (HelpRequest.asked_by_id == asked_by.id, HelpRequest.status == OPEN, HelpRequest.hidden.is_(False))
    same = (HelpRequest.title == visible(draft.title)[: requests.LONGEST_TITLE], HelpRequest.body == draft.body)
    return session().scalar(select(HelpRequest).where(*mine, *same).order_by(HelpRequest.id.desc()).limit(1))


def proposed_teams(found: Recommendation | None, teams: Mapping[str, Team]) -> list[Team]:
    """The team that handled similar requests; two when it is not clear which, none when there are no such requests."""
    if found is None:
        return []
    votes: dict[str, float] = {}
    for suggestion in found.suggestions:
        if suggestion.item.team:
            votes[suggestion.item.team] = votes.get(suggestion.item.team, 0.0) + suggestion.match
    if not votes:
        for piece in (piece for expert in found.experts for piece in expert.evidence):
            if piece.item.team:
                votes[piece.item.team] = votes.get(piece.item.team, 0.0) + piece.weight
    return [teams[handle] for handle in found.likely_teams or clear_or_two(votes) if handle in teams]


def sure_team(found: Recommendation | None, proposed: list[Team]) -> str:
    """The handle of the proposed team if it is sure enough to be chosen in the form: the question has been answered
    before, or all of the first suggestions, more than one, were handled by it. Empty otherwise: then it is only named
    first."""
    if found is None or len(proposed) != 1:
        return ""
    team = proposed[0].handle
    handled_by = [suggestion.item.team for suggestion in found.suggestions if suggestion.item.team][:_FIRST]
    agreed = len(handled_by) > 1 and set(handled_by) == {team}
    return team if found.verdict is Verdict.ANSWER or agreed else ""
