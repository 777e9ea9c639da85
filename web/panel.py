"""What stands beside a request for those who handle it: similar resolved and open ones, documents, people."""

import re
from dataclasses import dataclass

from sqlalchemy import Select, select

from recommender import access
from recommender.access import Reader
from recommender.corpus import is_key, load_items
from recommender.database.tables import HelpRequest, Person, Team, team_members
from recommender.datatypes import Expert, Item, Kind, Recommendation, Suggestion, item_key
from recommender.knowledge.outcomes import Usage, usage
from web import current
from web.current import session

_FOUND, _RESOLVED, _DOCUMENTS, _OPEN = 20, 6, 4, 4
_LAST_REPLIES = 3
_LINK = re.compile(r"/(request|document)s/([1-9]\d{0,8})\b")


@dataclass(frozen=True)
class Card:
    """A suggestion as an agent sees it: `quotable` when all who read the request may read it too."""

    suggestion: Suggestion
    usage: Usage
    quotable: bool

    def text(self, how: str) -> str:
        """What `how` (answer, quote, link) would put into a reply."""
        return insertion(self.suggestion.item, how)


@dataclass(frozen=True)
class Panel:
    """All that stands beside one request."""

    resolved: list[Card]
    documents: list[Card]
    open: list[Card]
    experts: tuple[Expert, ...]
    notices: tuple[str, ...]


def similar(
    request: HelpRequest, reader: Reader, answered: int, still_open: int
) -> tuple[Recommendation, tuple[Suggestion, ...]]:
    """(what is recommended, similar open requests) for a request, by its question and its last replies, from what the
    reader may read; at most so many of each."""
    recommender = current.recommender()
    last = [reply.body[:2_000] for reply in request.replies[-_LAST_REPLIES:]]
    question = "\n".join([request.title, request.body[:4_000], *last])
    own = {item_key(Kind.REQUEST, request.id)}
    asker = access.asker(request, reader)  # not named to whom they are not shown: their absence would tell
    found = recommender.recommend(
        question, reader, session(), answered, leave_out=own, asker=asker.id if asker else None
    )
    return found, recommender.similar_open(question, reader, session(), still_open, leave_out=own)


def beside(request: HelpRequest, reader: Reader) -> Panel:
    """The panel of a request, from what the reader may read."""
    found, still_open = similar(request, reader, _FOUND, _OPEN)
    counts = usage(session(), [one.item.key for one in (*found.suggestions, *still_open)])
    people = {row.id: row for row in session().scalars(_people(request))}
    cards = [Card(one, counts[one.item.key], _quotable(one.item, request, people)) for one in found.suggestions]
    return Panel(
        resolved=[card for card in cards if card.suggestion.item.kind is Kind.REQUEST][:_RESOLVED],
        documents=[card for card in cards if card.suggestion.item.kind is Kind.DOCUMENT][:_DOCUMENTS],
        open=[Card(one, counts[one.item.key], _quotable(one.item, request, people)) for one in still_open],
        experts=found.experts,
        notices=found.notices,
    )


def get_item(key: str, reader: Reader) -> Item | None:
    """The item of a key as the database has it now; None when it is unknown or not for this reader."""
    item = load_items(session(), [key]).get(key) if is_key(key) else None
    return item if item is not None and access.may_read(access.bare(item.audience), reader) else None


def insertion(item: Item, how: str) -> str:
    """The Markdown that `how` (answer, link, quote) puts into a reply; empty for an unknown way."""
    path = f"/{'requests' if item.kind is Kind.REQUEST else 'documents'}/{item.id}"
    title = item.title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    link = f"[{title}]({path})"
    text = item.answer or item.body
    if how == "answer":
        return text.strip()
    if how == "link":
        return link
    if how == "quote":
        return "\n".join(f"> {line}" for line in text.strip().splitlines()) + f"\n>\n> {link}"
    return ""


def quotable(item: Item, request: HelpRequest) -> bool:
    """True when everybody who may read the request may read the item."""
    return _quotable(item, request, {row.id: row for row in session().scalars(_people(request))})


def hidden_links(text: str, request: HelpRequest, reader: Reader) -> list[str]:
    """Titles of the items that a text links to, that its writer may read and some readers of the request may not."""
    keys = {item_key(kind, number) for kind, number in _LINK.findall(text)}
    items = [get_item(key, reader) for key in sorted(keys)[:50]]
    return [item.title for item in items if item is not None and not quotable(item, request)]


def team_people(team: Team | None) -> list[Person]:
    """The agents of a team, by name."""
    if team is None:
        return []
    query = (
        select(Person)
        .join(team_members, team_members.c.person_id == Person.id)
        .where(team_members.c.team_id == team.id, Person.role.in_(access.AGENTS), Person.left_on.is_(None))
    )
    return list(session().scalars(query.order_by(Person.name)))


def _people(request: HelpRequest) -> Select[Person]:
    return select(Person).where(Person.id.in_(sorted(access.named_people(request))))


def _quotable(item: Item, request: HelpRequest, people: dict[int, Person]) -> bool:
    return access.covers(access.bare(item.audience), request, people)
