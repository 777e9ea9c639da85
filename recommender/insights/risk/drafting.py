"""Makes the draft of a document from the requests of an act of the transfer plan."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader, may_read
from recommender.access import reader_of as reader_of_person
from recommender.corpus import readable_items
from recommender.database.risk_tables import WRITE
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.datatypes import Item
from recommender.errors import NotAllowed
from recommender.insights.risk.acts import get_act, items_of, mark_started
from recommender.insights.topics.topic import Topic
from recommender.knowledge import documents

_WORDS = {
    "en": ("Draft made of {count} solved requests: keep what holds, and leave out this line.", "What helps", "From"),
    "fi": ("Luonnos {count} ratkaistusta pyynnöstä: jätä se, mikä pätee, ja poista tämä rivi.", "Mikä auttaa", "Lähde"),
    "sv": (
        "Utkast av {count} lösta ärenden: behåll det som stämmer och ta bort den här raden.",
        "Vad som hjälper",
        "Från",
    ),
}
"""What the draft says around the quoted texts, by language: its first line, the heading of an answer, and what stands
before the link to a request."""


def start_document(session: Session, reader: Reader, act_id: int, review_days: int | None, now: datetime) -> Document:
    """Start a WRITE act: the draft of a document by the one who knows, for the team that handles the topic, made of the
    act's requests. It is not verified; only its owner and the team's agents read and publish it.

    What everyone may read of it once it is published never goes beyond its requests. Raises NotAllowed when the reader
    does not lead that team, is no agent of it, or when the team or the owner may not read one of the requests, and
    Conflict when the act was started or dropped meanwhile.
    """
    row, risk = get_act(session, reader, act_id)
    team = session.get(Team, risk.team_id) if risk.team_id is not None else None
    owner = session.get(Person, row.person_id) if row.person_id is not None else None
    sources = list(readable_items(session, items_of(session, row), reader).values())
    if row.kind != WRITE or team is None or owner is None or not sources:
        raise NotAllowed("There is nothing left to write this document from. Take it off the plan.")
    everyone = _for_everyone(sources, team, owner)
    mark_started(session, reader, row, risk, now)
    language = _language(sources)
    content = documents.Content(
        title=_title(risk.topic, language, sources),
        body=draft_of(sources, language),
        language=language,
        team=team,
        owner=owner,
        everyone=everyone,
        review_days=review_days,
        draft=True,
    )
    document = documents.write(session, reader, content, session.get(HelpRequest, sources[0].id))
    row.document_id = document.id
    session.flush()
    return document


def _day(at: datetime, language: str) -> str:
    return f"{at:%Y-%m-%d}" if language == "en" else f"{at.day}.{at.month}.{at.year}"


def draft_of(sources: Sequence[Item], language: str) -> str:
    """The text of a draft in Markdown: each request as a heading, what was asked as a quote, what helped, and a link to
    the request with its day: of answers that contradict each other, the older one may hold no more."""
    first_line, helps, from_ = _WORDS.get(language, _WORDS["en"])
    parts = [f"*{first_line.format(count=len(sources))}*"]
    for item in sources:
        parts.append(f"## {item.title.strip()}")
        if item.body.strip():
            parts.append("\n".join(f"> {line}".rstrip() for line in item.body.strip().splitlines()))
        source = f"{from_}: [{item.title.strip()}](/requests/{item.id}), {_day(item.at, language)}"
        parts += [f"### {helps}", item.answer.strip(), source]
    return "\n\n".join(parts)


def _for_everyone(sources: Sequence[Item], team: Team, owner: Person) -> bool:
    """Whether everyone may read the document: when everyone may read all of its requests. Raises NotAllowed when the
    team or the owner may not read one of them."""
    of_team = Reader(None, frozenset({team.id}), frozenset({EVERYONE, f"team:{team.handle}"}))
    for reader, who in ((of_team, "Its team"), (reader_of_person(owner), "The colleague who knows")):
        if not all(may_read(item.audience, reader) for item in sources):
            raise NotAllowed(f"{who} may not read all of these requests, so they cannot be quoted in a document.")
    return all(EVERYONE in item.audience for item in sources)


def _language(sources: Sequence[Item]) -> str:
    """The language that most of the requests are in."""
    return Counter(item.language for item in sources).most_common(1)[0][0]


def _title(topic: Topic, language: str, sources: Sequence[Item]) -> str:
    """The name of the topic in the document's language, else the title of the first request."""
    name = topic.names.get(language, "").strip() or sources[0].title.strip()
    return name[:1].upper() + name[1:]
