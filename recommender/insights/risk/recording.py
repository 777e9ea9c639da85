"""Computes the figures and the acts of the topics of one audience from what is stored, and stores them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from recommender.access import AGENTS
from recommender.corpus import ids_of, load_items
from recommender.database.days import day_of
from recommender.database.person_kind import SERVICE
from recommender.database.risk_tables import TopicFigure, TopicKnower, TopicWeek
from recommender.database.storing import in_chunks
from recommender.database.tables import Document, Person
from recommender.datatypes import Kind, item_key
from recommender.index import SearchIndex
from recommender.insights.risk.acts import measure_done, settle, store_proposals
from recommender.insights.risk.answerability import AskedAgain
from recommender.insights.risk.holders import Holders, gone, holders_of
from recommender.insights.risk.judging import Figures, Rules, TopicContent, judge
from recommender.insights.risk.nearness import Nearness
from recommender.insights.risk.proposals import Colleagues, DocumentFacts, TopicActs, proposals
from recommender.insights.risk.transfer import Losses, Proposal, choose
from recommender.insights.topics.handling import team_of_most
from recommender.insights.topics.members import Member, keys_of, requests_among
from recommender.insights.topics.questions import chunks, found_by_topic
from recommender.insights.topics.topic import reader_of
from recommender.knowledge.searched_topics import monday
from recommender.search.replies import says_nothing
from recommender.settings import Settings

_CHUNK, _TOGETHER = 500, 20
"""Topics whose figures are deleted by a statement, and whose rows are stored together: judgements."""
_FEWEST_WORDS = 8
"""An answer with fewer words is no material for a document; a judgement."""


def record_figures(
    session: Session,
    index: SearchIndex | None,
    audience: str,
    members: Mapping[int, Sequence[Member]],
    settings: Settings,
    now: datetime,
) -> int:
    """Store the figures of the topics of an audience, with their items by topic, and the acts that are worth proposing.
    Returns how many these are. The index says which requests are about the same; without one all of a topic are."""
    settle(session, list(members), now)
    contents = _contents(session, audience, members)
    known = frozenset[str]().union(*(each.items for each in contents))
    known |= {key for each in contents for asked in each.asked for key in asked.found}
    holders = holders_of(session, known, reader_of(session, audience), now)
    people = session.execute(select(Person.id, Person.left_on, Person.away_until)).all()
    rules = Rules(
        now,
        settings.answer_from,
        settings.half_life_days,
        settings.yearly_leaving,
        {person: (left_on, away_until) for person, left_on, away_until in people if left_on or away_until},
    )
    figures = {content.topic: judge(content, holders, rules) for content in contents}
    _store(session, contents, figures, now)
    measure_done(session, figures, now)
    asked = frozenset(key for each in contents for answer in each.asked for key in (answer.question, *answer.found))
    nearness = Nearness.of(index, reader_of(session, audience), asked)
    acts = _acts(session, contents, figures, holders, rules, nearness)
    store_proposals(session, list(members), acts, now)
    return len(acts)


def _contents(session: Session, audience: str, members: Mapping[int, Sequence[Member]]) -> list[TopicContent]:
    """What the figures of each topic are computed from."""
    found, items = found_by_topic(session, audience), keys_of(members)
    contents = []
    for topic, of_topic in sorted(members.items()):
        asked = found[topic]
        contents.append(
            TopicContent(
                topic,
                items[topic],
                tuple(AskedAgain(key, matches) for key, matches in sorted(asked.items())),
                tuple(request.created_at for request in requests_among(of_topic)),
                {member.key: member.language for member in of_topic if member.key in asked},
                team_of_most(member.team_id for member in of_topic),
            )
        )
    return contents


def _store(session: Session, contents: Sequence[TopicContent], figures: Mapping[int, Figures], now: datetime) -> None:
    """Replace the figures of topics, and those of the present week in their history."""
    week = monday(day_of(now))
    for topics in in_chunks([content.topic for content in contents], _CHUNK):
        for table in (TopicFigure, TopicKnower):
            session.execute(delete(table).where(table.topic_id.in_(topics)))
        session.execute(delete(TopicWeek).where(TopicWeek.topic_id.in_(topics), TopicWeek.week == week))
    session.flush()
    for some in in_chunks(contents, _TOGETHER):
        for table, values in _rows(some, figures, week, now).items():
            if values:
                session.connection().execute(insert(table.__table__), values)  # as rows, which takes half of the time


def _rows(
    contents: Sequence[TopicContent], figures: Mapping[int, Figures], week: date, now: datetime
) -> dict[Any, list[dict[str, Any]]]:
    """The rows of topics, by table."""
    rows: dict[Any, list[dict[str, Any]]] = {TopicFigure: [], TopicWeek: [], TopicKnower: []}
    for content in contents:
        of_topic = figures[content.topic]
        shown = {
            "topic_id": content.topic,
            "demand": of_topic.demand,
            "answerable": of_topic.answerable,
            "bus_factor": of_topic.bus_factor,
            "expected_loss": of_topic.expected_loss,
        }
        rows[TopicFigure].append({"team_id": content.team_id, "computed_at": now, "asked": len(content.asked), **shown})
        rows[TopicWeek].append({"week": week, **shown})
        rows[TopicKnower] += [
            {
                "topic_id": content.topic,
                "person_id": knower.person_id,
                "share": knower.share,
                "answerable_without": knower.answerable_without,
                "leaving": knower.leaving,
            }
            for knower in of_topic.knowers
        ]
    return rows


def _acts(
    session: Session,
    contents: Sequence[TopicContent],
    figures: Mapping[int, Figures],
    holders: Holders,
    rules: Rules,
    nearness: Nearness,
) -> list[Proposal]:
    """The acts that are worth doing, the one that takes away most first."""
    at_risk = [each for each in contents if figures[each.topic].expected_loss > 0 and each.asked]
    found = frozenset[str]().union(*(asked.found for each in at_risk for asked in each.asked))
    answering = (asked.answers(rules.answer_from) for each in at_risk for asked in each.asked)
    of_one = {key for keys in answering for key in keys if len(holders.people(key)) == 1}
    documents, quotable = _documents(session, found, rules.now), _quotable(session, of_one)
    topics = [
        TopicActs(
            content,
            figures[content.topic],
            holders,
            {
                key: documents[key]
                for key in frozenset[str]().union(*(asked.found for asked in content.asked))
                if key in documents
            },
            quotable,
            rules.answer_from,
            nearness,
        )
        for content in at_risk
    ]
    weights: dict[tuple[int, str], float] = {}
    losses = Losses({}, weights, rules.leaving)
    for topic in topics:
        answers = topic.answers()
        losses.answers |= answers
        weights |= {question: figures[topic.content.topic].demand / len(answers) for question in answers}
    colleagues = _colleagues(session, rules.now)
    return choose([act for topic in topics for act in proposals(topic, losses, colleagues)], losses)


def _documents(session: Session, keys: Collection[str], now: datetime) -> dict[str, DocumentFacts]:
    left = gone(session, day_of(now))
    rows = session.execute(
        select(Document.id, Document.language, Document.team_id, Document.owner_id).where(
            Document.id.in_(ids_of(keys, Kind.DOCUMENT)), Document.hidden.is_(False), Document.draft.is_(False)
        )
    )
    return {
        item_key(Kind.DOCUMENT, identifier): DocumentFacts(language, team, None if owner in left else owner)
        for identifier, language, team, owner in rows
    }


def _quotable(session: Session, keys: Collection[str]) -> frozenset[str]:
    """Those requests whose answer says enough to make a document of it."""
    return frozenset(
        key
        for chunk in chunks([key for key in keys if key.startswith(Kind.REQUEST)])
        for key, item in load_items(session, chunk).items()
        if len(item.answer.split()) >= _FEWEST_WORDS and not says_nothing(item.answer)
    )


def _colleagues(session: Session, now: datetime) -> Colleagues:
    """The agents of each team who are here and stay for now."""
    left, today = gone(session, day_of(now)), day_of(now)
    agents = defaultdict[int, list[int]](list)
    languages: dict[int, frozenset[str]] = {}
    for person in session.scalars(select(Person).where(Person.role.in_(AGENTS)).order_by(Person.id)):
        away = person.away_until is not None and person.away_until >= today
        if person.id in left or away or person.left_on is not None or person.kind == SERVICE:
            continue
        languages[person.id] = frozenset(person.languages)
        for team in person.teams:
            agents[team.id].append(person.id)
    return Colleagues(agents, languages)
