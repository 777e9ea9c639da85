"""Who may read what: the one rule, used by every surface.

A person holds reader tokens, an item has an audience of tokens; it is readable when the two sets meet. Besides the
audience written on it, a request is readable by the person who asked and the team that handles it, a document by its
owner and its team. A draft is for its owner and its team whatever is written on it. Who asked anonymously is shown to
themselves and the agents who handle the request only.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, or_

from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience

EVERYONE = "everyone"
ANY_AGENT = "agents"
AGENTS = ("agent", "lead", "admin")
_OPEN = "open:"


@dataclass(frozen=True)
class Reader:
    """The person who looks, as tokens. `person_id` is None for someone who is not signed in; `serves_teams` are the
    ids of the teams whose requests they handle, `agent` tells whether they handle any."""

    person_id: int | None
    team_ids: frozenset[int]
    tokens: frozenset[str]
    agent: bool = False

    @property
    def serves_teams(self) -> frozenset[int]:
        """Ids of the teams whose requests this person handles."""
        return self.team_ids if self.agent else frozenset()

    @property
    def for_open_requests(self) -> frozenset[str]:
        """The tokens under which the index keeps open requests, apart from all that is answered."""
        return frozenset(_OPEN + token for token in self.tokens)


ANYONE = Reader(None, frozenset(), frozenset({EVERYONE}))


def reader_of(person: Person) -> Reader:
    """The tokens a person holds: everyone, their teams, themselves, and for agents that of any agent, who may read
    what no team has taken yet."""
    teams = {f"team:{team.handle}" for team in person.teams}
    agent = person.role in AGENTS
    tokens = frozenset({EVERYONE, f"person:{person.id}"} | teams | ({ANY_AGENT} if agent else set()))
    return Reader(person.id, frozenset(team.id for team in person.teams), tokens, agent)


def request_audience(request: HelpRequest) -> frozenset[str]:
    """The tokens that may read a request."""
    team = request.team.handle if request.team else None
    return audience_of([row.token for row in request.audience], request.asked_by_id, team)


def open_audience(audience: frozenset[str]) -> frozenset[str]:
    """An open request's audience as the index keeps it; `Reader.for_open_requests` meets it, `Reader.tokens` never."""
    return frozenset(_OPEN + token for token in audience)


def bare(audience: frozenset[str]) -> frozenset[str]:
    """An audience as it is written, whether the request is open or not."""
    return frozenset(token.removeprefix(_OPEN) for token in audience)


def document_audience(document: Document) -> frozenset[str]:
    """The tokens that may read a document."""
    written = [] if document.draft else [row.token for row in document.audience]
    return audience_of(written, document.owner_id, document.team.handle if document.team else None)


def audience_of(written: Collection[str], person_id: int | None, team: str | None) -> frozenset[str]:
    """The audience of a row by its values: the tokens written on it, who asked or owns it, the handle of its team."""
    if EVERYONE in written:
        return frozenset({EVERYONE})
    person = () if person_id is None else (f"person:{person_id}",)
    return frozenset((*written, *person, *(() if team is None else (f"team:{team}",))))


def covers(audience: frozenset[str], request: HelpRequest, people: Mapping[int, Person]) -> bool:
    """True when everybody who may read the request may read what has this audience, so that it can be quoted there.
    `people` are those whom the request's audience names."""
    if EVERYONE in audience:
        return True
    for token in request_audience(request):
        kind, _, name = token.partition(":")
        person = people.get(int(name)) if kind == "person" else None
        tokens = reader_of(person).tokens if person else frozenset({token})
        if audience.isdisjoint(tokens):
            return False
    return True


def named_people(request: HelpRequest) -> set[int]:
    """Ids of the people whom a request's audience names, the asker among them."""
    return {int(token.partition(":")[2]) for token in request_audience(request) if token.startswith("person:")}


def may_handle(request: HelpRequest, reader: Reader) -> bool:
    """True for the agents of the team that handles a request, and for any agent while no team does."""
    return reader.agent and (request.team_id is None or request.team_id in reader.serves_teams)


def may_edit(document: Document, reader: Reader) -> bool:
    """True for a document's owner and the agents of its team."""
    owns = reader.person_id is not None and document.owner_id == reader.person_id
    return owns or document.team_id in reader.serves_teams


def asker(request: HelpRequest, reader: Reader) -> Person | None:
    """Who asked, as far as this reader may know."""
    return request.asked_by if _may_know_asker(request, reader) else None


def author(reply: Reply, reader: Reader) -> Person | None:
    """Who wrote a reply, as far as this reader may know: an anonymous asker stays so in the replies."""
    if reply.author_id is not None and reply.author_id == reply.request.asked_by_id:
        return reply.author if _may_know_asker(reply.request, reader) else None
    return reply.author


def _may_know_asker(request: HelpRequest, reader: Reader) -> bool:
    asked_it = reader.person_id is not None and request.asked_by_id == reader.person_id
    return not request.anonymous or asked_it or (reader.agent and request.team_id in reader.serves_teams)


def may_read(audience: frozenset[str], reader: Reader) -> bool:
    """True when the two sets meet."""
    return not audience.isdisjoint(reader.tokens)


def readable_requests(reader: Reader) -> ColumnElement[bool]:
    """The rule as a condition on HelpRequest, for lists and counts."""
    by_token = exists().where(
        RequestAudience.request_id == HelpRequest.id, RequestAudience.token.in_(sorted(reader.tokens))
    )
    own = HelpRequest.asked_by_id == reader.person_id if reader.person_id is not None else None
    return _any(by_token, own, HelpRequest.team_id.in_(sorted(reader.team_ids)) if reader.team_ids else None)


def readable_documents(reader: Reader) -> ColumnElement[bool]:
    """The rule as a condition on Document, for lists and counts."""
    by_token: ColumnElement[bool] = exists().where(
        DocumentAudience.document_id == Document.id, DocumentAudience.token.in_(sorted(reader.tokens))
    )
    by_token = and_(Document.draft.is_(False), by_token)
    own = Document.owner_id == reader.person_id if reader.person_id is not None else None
    return _any(by_token, own, Document.team_id.in_(sorted(reader.team_ids)) if reader.team_ids else None)


def _any(*conditions: ColumnElement[bool] | None) -> ColumnElement[bool]:
    return or_(*[condition for condition in conditions if condition is not None])
