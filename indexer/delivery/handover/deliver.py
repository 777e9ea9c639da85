"""Sends on what waits, beside `kollega watch`."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from email.message import EmailMessage
from email.utils import formatdate
from functools import cache
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from indexer.delivery.handover.systems import SYSTEMS, send_to_system
from indexer.delivery.handover.text import Question, question_of
from indexer.delivery.handover.webhook import send_to_webhook
from indexer.delivery.mail_server import MailServer
from indexer.sources.configuration import ConfiguredSource, read_sources
from indexer.sources.rest.client import Refused
from recommender.database.handover_tables import Handover
from recommender.errors import KollegaError, SourceError
from recommender.knowledge.erasure import remember_ticket
from recommender.notifications import telling
from recommender.outbox import handover
from recommender.outbox.handover import Ticket
from recommender.outbox.mail import MOST_ATTEMPTS
from recommender.settings import Settings

Sources = Callable[[], dict[str, ConfiguredSource]]
"""Reads the sources of sources.toml, by their names, when one of them is needed."""

log = logging.getLogger(__name__)
_FOR_GOOD = frozenset({400, 413, 422})
"""Statuses with which a system says that it will never take this ticket."""


class CannotBeTaken(SourceError):
    """The other side will never take this question."""


def handing_over(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look every few seconds for requests to send on, in a thread that ends with this context."""
    problem = "Requests could not be sent on; trying again"
    return repeating("handover", settings.watch_seconds, lambda _stop: hand_over(settings, sessions), problem, log)


def hand_over(settings: Settings, sessions: sessionmaker[Session]) -> int:
    """Send on what is due, one after the other; returns how many the other sides have taken. Whatever goes wrong is
    stored with this request and stops no other one."""
    with sessions() as session:
        numbers = handover.due(session)
    sources = cache(lambda: {each.name: each for each in read_sources(settings.sources_file)})
    return sum(_hand_over_one(settings, sessions, sources, number) for number in numbers)


def source_of(target: str) -> str | None:
    """The name of the source that a target means; None for a mailbox or a webhook."""
    return None if "://" in target or target.startswith("mailto:") else target


def _hand_over_one(settings: Settings, sessions: sessionmaker[Session], sources: Sources, number: int) -> bool:
    with sessions.begin() as session:
        row = handover.claim(session, number)
        if row is None:
            return False
        if row.state == handover.FAILED:
            telling.tell_not_sent(session, row.request)
            return False
        target, attempts = row.target, row.attempts
    ticket, problem, for_good = _attempt(settings, sessions, sources, number, attempts)
    with sessions.begin() as session:
        row = handover.of_request(session, number)
        if row is None:  # the request was erased meanwhile
            remember_ticket(session, source_of(target), ticket.external_id)
        elif problem:
            log.warning("Request %d could not be sent on: %s", number, problem)
            handover.fail(row, problem, for_good)
            if row.state == handover.FAILED:
                telling.tell_not_sent(session, row.request)
        else:
            handover.succeed(row, ticket, source_of(target))
    return not problem


def _attempt(
    settings: Settings, sessions: sessionmaker[Session], sources: Sources, number: int, attempts: int
) -> tuple[Ticket, str, bool]:
    """(the ticket, what went wrong, whether another attempt is of no use)."""
    try:
        with sessions() as session:
            row = session.get_one(Handover, number)
            team = row.request.team.handle if row.request.team else ""
            question, target, options = question_of(session, settings, row), row.target, dict(row.options)
        return _send(settings, sources, target, options, team, question, attempts > 1), "", False
    except (Refused, CannotBeTaken) as error:
        return Ticket(), str(error), isinstance(error, CannotBeTaken) or error.status in _FOR_GOOD
    except KollegaError as error:
        return Ticket(), str(error), False
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("Request %d could not be sent on", number)
        return Ticket(), f"It could not be sent on: {type(error).__name__}.", attempts >= MOST_ATTEMPTS


def _send(
    settings: Settings,
    sources: Sources,
    target: str,
    options: dict[str, str],
    team: str,
    question: Question,
    again: bool,
) -> Ticket:
    if target.startswith("mailto:"):
        return _send_mail(settings, target.removeprefix("mailto:"), question)
    if "://" in target:
        return send_to_webhook(target, team, question)
    configured = sources().get(target)
    if configured is None or configured.kind not in SYSTEMS:
        raise SourceError(f"{target} is no source in {settings.sources_file} to which questions can be sent. Add it.")
    return send_to_system(configured, question, options, again)


def _send_mail(settings: Settings, address: str, question: Question) -> Ticket:
    if not settings.mail_server:
        raise SourceError("There is no mail server. Set KOLLEGA_MAIL_SERVER.")
    message = EmailMessage()
    message["From"], message["To"] = settings.mail_from, address
    message["Subject"] = " ".join(question.title.split())
    if question.email:
        message["Reply-To"] = question.email
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{question.key}@{urlsplit(settings.public_url).hostname or 'kollega.invalid'}>"
    message.set_content(question.text)
    problem, for_good = MailServer(settings.mail_server).send(message)
    if problem:
        raise CannotBeTaken(problem) if for_good else SourceError(problem)
    return Ticket()
