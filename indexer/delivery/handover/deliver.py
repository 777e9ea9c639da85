"""Sends on what waits, beside `kollega watch`: requests, and then replies to those that the other sides have taken."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache

from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from indexer.delivery.handover.attempt import attempt
from indexer.delivery.handover.by_mail import mail_comment, mail_question
from indexer.delivery.handover.comments import SentTicket, add_comment
from indexer.delivery.handover.systems import SYSTEMS, send_to_system
from indexer.delivery.handover.text import Comment, Question, comment_of, question_of
from indexer.delivery.handover.webhook import send_comment_to_webhook, send_to_webhook
from indexer.sources.configuration import ConfiguredSource, read_sources
from recommender.database.handover_tables import Handover, HandoverReply
from recommender.errors import SourceError
from recommender.knowledge.erasure import remember_ticket
from recommender.notifications import telling
from recommender.outbox import handover
from recommender.outbox.handover import Ticket
from recommender.settings import Settings

Sources = Callable[[], dict[str, ConfiguredSource]]
"""Reads the sources of sources.toml, by their names, when one of them is needed."""

log = logging.getLogger(__name__)
_MAIL = "mailto:"


def handing_over(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look every few seconds for requests to send on, in a thread that ends with this context."""
    problem = "Requests could not be sent on; trying again"
    return repeating("handover", settings.watch_seconds, lambda _stop: hand_over(settings, sessions), problem, log)


def hand_over(settings: Settings, sessions: sessionmaker[Session]) -> int:
    """Send on what is due, one after the other; returns how many requests and replies the other sides have taken.
    Whatever goes wrong is stored with the request or reply, and stops no other one."""
    sources = cache(lambda: {each.name: each for each in read_sources(settings.sources_file)})
    with sessions() as session:
        numbers = handover.due(session)
    sent = sum(_hand_over_one(settings, sessions, sources, number) for number in numbers)
    with sessions() as session:
        replies = handover.due_replies(session)
    return sent + sum(_hand_over_reply(settings, sessions, sources, number) for number in replies)


def source_of(target: str) -> str | None:
    """The name of the source that a target means; None for a mailbox or a webhook."""
    return None if "://" in target or target.startswith(_MAIL) else target


def _hand_over_one(settings: Settings, sessions: sessionmaker[Session], sources: Sources, number: int) -> bool:
    with sessions.begin() as session:
        row = handover.claim(session, number)
        if row is None:
            return False
        if row.state == handover.FAILED:
            telling.tell_not_sent(session, row.request)
            return False
        target, attempts = row.target, row.attempts

    def send() -> Ticket:
        with sessions() as session:
            row = session.get_one(Handover, number)
            team, options = row.request.team.handle if row.request.team else "", dict(row.options)
            question = question_of(session, settings, row)
        return _send(settings, sources, target, options, team, question, attempts > 1)

    ticket, problem, for_good = attempt(send, attempts)
    with sessions.begin() as session:
        row = handover.of_request(session, number)
        if row is None:  # the request was erased meanwhile
            remember_ticket(session, source_of(target), ticket.external_id if ticket else None)
        elif ticket is None:
            log.warning("Request %d could not be sent on: %s", number, problem)
            handover.fail(row, problem, for_good)
            if row.state == handover.FAILED:
                telling.tell_not_sent(session, row.request)
        else:
            handover.succeed(row, ticket, source_of(target))
    return ticket is not None


def _send(
    settings: Settings,
    sources: Sources,
    target: str,
    options: dict[str, str],
    team: str,
    question: Question,
    again: bool,
) -> Ticket:
    if target.startswith(_MAIL):
        mail_question(settings, target.removeprefix(_MAIL), question)
        return Ticket()
    if "://" in target:
        return send_to_webhook(target, team, question)
    return send_to_system(_configured(settings, sources, target), question, options, again)


def _configured(settings: Settings, sources: Sources, target: str) -> ConfiguredSource:
    configured = sources().get(target)
    if configured is None or configured.kind not in SYSTEMS:
        raise SourceError(f"{target} is no source in {settings.sources_file} to which questions can be sent. Add it.")
    return configured


def _hand_over_reply(settings: Settings, sessions: sessionmaker[Session], sources: Sources, number: int) -> bool:
    with sessions.begin() as session:
        row = handover.claim_reply(session, number)
        if row is None:
            return False
        if row.state == handover.FAILED:
            telling.tell_not_sent(session, row.handover.request, row.reply)
            return False
        attempts = row.attempts

    def send() -> str:
        with sessions() as session:
            row = session.get_one(HandoverReply, number)
            sent_on, comment = row.handover, comment_of(settings, row)
            team = sent_on.request.team.handle if sent_on.request.team else ""
            ticket = SentTicket(sent_on.external_id or "", sent_on.number or "", dict(sent_on.options), row.created_at)
            target = sent_on.target
        return _send_comment(settings, sources, target, team, ticket, comment, attempts > 1)

    external_id, problem, for_good = attempt(send, attempts)
    with sessions.begin() as session:
        row = session.get(HandoverReply, number)
        if row is None:  # it was deleted meanwhile
            return external_id is not None
        if external_id is not None:
            handover.succeed_reply(row, external_id)
        elif row.state == handover.WAITING:  # its source has not found it there meanwhile
            log.warning("Reply %d could not be sent on: %s", number, problem)
            handover.fail(row, problem, for_good)
            if row.state == handover.FAILED:
                telling.tell_not_sent(session, row.handover.request, row.reply)
    return external_id is not None


def _send_comment(
    settings: Settings, sources: Sources, target: str, team: str, ticket: SentTicket, comment: Comment, again: bool
) -> str:
    if target.startswith(_MAIL):
        return mail_comment(settings, target.removeprefix(_MAIL), comment)
    if "://" in target:
        return send_comment_to_webhook(target, team, ticket.id, comment)
    return add_comment(_configured(settings, sources, target), ticket, comment, again)
