"""Who may read what: the rule that every page, API call and command uses.

A person has reader tokens, and an item has an audience, which is a set of tokens. The person may read the item when the
two sets have a token in common. Besides the audience stored with it, a request may be read by the person who asked and
by the team that handles it, a document by its owner and its team. A draft may only be read by its owner and its team.
Who an anonymous asker is, and what follows from it, is known only to the asker and to the agents of the teams that the
asker has told (`knows_asker`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, String, and_, exists, or_

from recommender.database.reading import one_of_these
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience

EVERYONE = "everyone"
ANY_AGENT = "agents"
AGENTS = ("agent", "lead", "admin")
LEADS = ("lead", "admin")
_ADMIN = "admin"
_OPEN = "open:"  # prefix of the tokens of open requests in the index


@dataclass(frozen=True)
class Reader:
    """The person who reads, as tokens. `person_id` is None for a person who is not signed in, `team_ids` are the ids of
    their teams, and `agent` is True for a person who handles requests."""

    person_id: int | None
    team_ids: frozenset[int]
    tokens: frozenset[str]
    agent: bool = False

    @property
    def serves_teams(self) -> frozenset[int]:
        """Ids of the teams whose requests this person handles; empty for a person who is not an agent."""
        return self.team_ids if self.agent else frozenset()

    @property
    def for_open_requests(self) -> frozenset[str]:
        """The tokens for searching open requests, which the index keeps apart from everything that is answered."""
        return frozenset(_OPEN + token for token in self.tokens)


ANYONE = Reader(None, frozenset(), frozenset({EVERYONE}))


def reader_of(person: Person) -> Reader:
    """The reader of a person. Its tokens are `everyone`, one for each of their teams, one for the person, and for
    agents `agents`, with which they may read requests that no team has taken yet."""
    teams = {f"team:{team.handle}" for team in person.teams}
    agent = person.role in AGENTS
    tokens = frozenset({EVERYONE, f"person:{person.id}"} | teams | ({ANY_AGENT} if agent else set()))
    return Reader(person.id, frozenset(team.id for team in person.teams), tokens, agent)


def led_teams(person: Person) -> frozenset[int]:
    """Ids of the teams that a person leads: all teams of a lead or an admin, none of anybody else."""
    return frozenset(team.id for team in person.teams) if person.role in LEADS else frozenset()


def leads(person: Person, team_id: int | None) -> bool:
    """True when what a lead of this team may see and do is for this person: for those who lead it, and for admins, who
    all the same see only what they may read."""
    return is_admin(person) or team_id in led_teams(person)


def is_admin(person: Person) -> bool:
    """True for people who may use the pages for admins. What they may read there is decided as everywhere."""
    return person.role == _ADMIN


def request_audience(request: HelpRequest) -> frozenset[str]:
    """The tokens that may read a request."""
    team = request.team.handle if request.team else None
    return audience_of([row.token for row in request.audience], request.asked_by_id, team)


def open_audience(audience: frozenset[str]) -> frozenset[str]:
    """The audience of an open request as the index stores it: it has tokens in common with `Reader.for_open_requests`,
    never with `Reader.tokens`."""
    return frozenset(_OPEN + token for token in audience)


def without_open_prefix(audience: frozenset[str]) -> frozenset[str]:
    """The audience without the prefix that `open_audience` adds; unchanged when it has none."""
    return frozenset(token.removeprefix(_OPEN) for token in audience)


def document_audience(document: Document) -> frozenset[str]:
    """The tokens that may read a document."""
    stored = [] if document.draft else [row.token for row in document.audience]
    return audience_of(stored, document.owner_id, document.team.handle if document.team else None)


def audience_of(stored: Collection[str], person_id: int | None, team: str | None) -> frozenset[str]:
    """The audience of a row by its values: the tokens stored with it, the id of its asker or owner, its team's
    handle."""
    if EVERYONE in stored:
        return frozenset({EVERYONE})
    person = () if person_id is None else (f"person:{person_id}",)
    return frozenset((*stored, *person, *(() if team is None else (f"team:{team}",))))


def covers(audience: frozenset[str], request: HelpRequest, people: Mapping[int, Person], reader: Reader) -> bool:
    """True when everybody who may read the request may also read an item with this audience, so that the item can be
    quoted in the request. `people` are the persons named in the request's audience (`named_people`), by id.

    A reader who may not know who asked gets True for items for everyone only: what the asker may read would tell who
    they are."""
    if EVERYONE in audience:
        return True
    if not knows_asker(request, reader):
        return False
    for token in request_audience(request):
        kind, _, name = token.partition(":")
        person = people.get(int(name)) if kind == "person" else None
        tokens = reader_of(person).tokens if person else frozenset({token})
        if audience.isdisjoint(tokens):
            return False
    return True


def named_people(request: HelpRequest) -> set[int]:
    """Ids of the people named in a request's audience, including the asker."""
    return {int(token.partition(":")[2]) for token in request_audience(request) if token.startswith("person:")}


def may_handle(request: HelpRequest, reader: Reader) -> bool:
    """True for the agents of the team that handles a request, and for any agent while no team does."""
    return reader.agent and (request.team_id is None or request.team_id in reader.serves_teams)


def may_edit(document: Document, reader: Reader) -> bool:
    """True for a document's owner and the agents of its team."""
    owns = reader.person_id is not None and document.owner_id == reader.person_id
    return owns or document.team_id in reader.serves_teams


def asker(request: HelpRequest, reader: Reader) -> Person | None:
    """The person who asked, or None when this reader may not know who it is."""
    return request.asked_by if knows_asker(request, reader) else None


def author(reply: Reply, reader: Reader) -> Person | None:
    """The person who wrote a reply, or None when this reader may not know who it is: an anonymous asker stays anonymous
    in their replies."""
    if reply.author_id is not None and reply.author_id == reply.request.asked_by_id:
        return reply.author if knows_asker(reply.request, reader) else None
    return reply.author


def knows_asker(request: HelpRequest, reader: Reader) -> bool:
    """True when this reader may know who asked. For an anonymous request these are the asker and the agents of the
    teams in `name_known_to`, which need not be the team that handles it now."""
    is_asker = reader.person_id is not None and request.asked_by_id == reader.person_id
    return not request.anonymous or is_asker or not reader.serves_teams.isdisjoint(request.name_known_to or ())


def may_read(audience: frozenset[str], reader: Reader) -> bool:
    """True when the reader has a token of the audience."""
    return not audience.isdisjoint(reader.tokens)


def readable_requests(reader: Reader) -> ColumnElement[bool]:
    """The same rule as an SQL condition on HelpRequest, for lists and counts."""
    by_token = exists().where(
        RequestAudience.request_id == HelpRequest.id, one_of_these(RequestAudience.token, reader.tokens, String)
    )
    by_asker = HelpRequest.asked_by_id == reader.person_id if reader.person_id is not None else None
    by_team = one_of_these(HelpRequest.team_id, reader.team_ids, Integer) if reader.team_ids else None
    return _any(by_token, by_asker, by_team)


def readable_documents(reader: Reader) -> ColumnElement[bool]:
    """The same rule as an SQL condition on Document, for lists and counts."""
    by_token: ColumnElement[bool] = exists().where(
        DocumentAudience.document_id == Document.id, one_of_these(DocumentAudience.token, reader.tokens, String)
    )
    by_token = and_(Document.draft.is_(False), by_token)
    by_owner = Document.owner_id == reader.person_id if reader.person_id is not None else None
    by_team = one_of_these(Document.team_id, reader.team_ids, Integer) if reader.team_ids else None
    return _any(by_token, by_owner, by_team)


def editable_documents(reader: Reader) -> ColumnElement[bool]:
    """`may_edit` as an SQL condition on Document."""
    by_owner = Document.owner_id == reader.person_id if reader.person_id is not None else None
    return _any(Document.team_id.in_(sorted(reader.serves_teams)), by_owner)


def _any(*conditions: ColumnElement[bool] | None) -> ColumnElement[bool]:
    return or_(*[condition for condition in conditions if condition is not None])
