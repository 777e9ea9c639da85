"""Sends requests, and replies to them, to a team's mailbox."""

from email.message import EmailMessage
from email.utils import formataddr, formatdate
from urllib.parse import urlsplit

from indexer.delivery.handover.attempt import CannotBeTaken
from indexer.delivery.handover.text import Comment, Question
from indexer.delivery.mail_server import MailServer
from recommender.errors import SourceError
from recommender.settings import Settings


def mail_question(settings: Settings, address: str, question: Question) -> None:
    """Mail a request. Replies go to the team's mailbox, and to who asks where that is known. Raises SourceError when it
    was not taken."""
    message = _message(settings, address, question.title, question.key, question.text)
    if question.email:
        message.replace_header("Reply-To", f"{formataddr((question.asker, question.email))}, {address}")
    _send(settings, message)


def mail_comment(settings: Settings, address: str, comment: Comment) -> str:
    """Mail a reply as an answer to the mail of its request; its Message-ID. Raises SourceError when it was not
    taken."""
    message = _message(settings, address, f"Re: {comment.title}", comment.key, comment.text)
    message["In-Reply-To"] = message["References"] = _message_id(settings, comment.request_key)
    _send(settings, message)
    return str(message["Message-ID"]).strip("<>")


def _message(settings: Settings, address: str, subject: str, key: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Reply-To"] = settings.mail_from, address, address
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = _message_id(settings, key)
    message.set_content(text)
    return message


def _message_id(settings: Settings, key: str) -> str:
    return f"<{key}@{urlsplit(settings.public_url).hostname or 'kollega.invalid'}>"


def _send(settings: Settings, message: EmailMessage) -> None:
    if not settings.mail_server:
        raise SourceError("There is no mail server. Set KOLLEGA_MAIL_SERVER.")
    problem, for_good = MailServer(settings.mail_server).send(message)
    if problem:
        raise CannotBeTaken(problem) if for_good else SourceError(problem)
