"""Whether a row of `people` is a person or a service: a program, a shared mailbox or a desk that writes under one name.

A service is never suggested as a colleague. What was stated counts; otherwise the kind is guessed from the handle and
the name.
"""

import re
from typing import Any

from sqlalchemy import String, event
from sqlalchemy.orm import Mapped, mapped_column

PERSON, SERVICE = "person", "service"

_PROGRAMS = frozenset({
    "bot", "chatbot", "robot", "robotti", "botti", "automation", "automaatio", "automaatti", "automated", "autoreply",
    "autoresponder", "noreply", "donotreply", "eivastata", "helpdesk", "servicedesk", "mailer", "daemon",
    "mailerdaemon", "postmaster", "webmaster", "hostmaster", "webhook", "integration", "integraatio", "notifications",
    "notifier", "ilmoitukset", "mailbox", "postilaatikko",
})  # fmt: skip
"""Words that people do not have in their names: one of them is enough."""
_DESKS = frozenset({
    "support", "tuki", "service", "services", "palvelu", "palvelut", "palvelupiste", "desk", "help", "helpline", "info",
    "information", "admin", "administrator", "administration", "system", "systems", "järjestelmä", "team", "tiimi",
    "group", "ryhmä", "office", "toimisto", "kirjaamo", "contact", "yhteys", "feedback", "palaute", "alerts",
    "hälytykset", "monitoring", "valvonta", "reception", "vastaanotto", "sales", "myynti", "billing", "laskutus",
    "payroll", "palkat", "finance", "talous", "maintenance", "huolto", "security", "jira", "github", "gitlab", "slack",
    "teams", "zendesk", "servicenow", "zapier",
})  # fmt: skip
"""Words that a desk or a shared mailbox is called by. Some people have one of them as a name, so all words must be of
this kind."""
_ABBREVIATIONS = frozenset({
    "it", "ict", "hr", "hse", "qa", "crm", "erp", "av", "ci", "cd", "the", "for", "of", "and", "ja",
})  # fmt: skip
"""Words that say which desk it is; alone they may be somebody's initials."""
_DESK_ENDINGS = ("tuki", "palvelu", "palvelut", "desk", "support")
"""Ends of longer words that are desks: lähituki, asiakaspalvelu, helpdesk."""
_PROGRAM_ENDINGS = ("robotti", "robot", "automaatti", "chatbot")
"""Ends of longer words that are programs: varausrobotti."""
_WORDS = re.compile(r"[A-ZÅÄÖ]?[a-zåäö]+|[A-ZÅÄÖ]+(?![a-zåäö])")
_PAIRS = (("no", "reply"), ("do", "not", "reply"), ("service", "desk"), ("help", "desk"), ("ei", "vastata"))
"""Words that are written apart or together."""


def guess_kind(handle: str, name: str) -> str:
    """PERSON or SERVICE, from the handle, which may be a mail address, and the name."""
    address, at, _domain = handle.partition("@")
    named = name if name != handle else address
    is_service = _is_service(named) or (_is_service(address) if at else _has_program(address))
    return SERVICE if is_service else PERSON


class HasKind:
    """The columns of a row with a kind: `stated_kind` is None while it is guessed, and `kind` is what counts. `kind` is
    set whenever the row is written."""

    kind: Mapped[str] = mapped_column(String(8), default=PERSON, server_default=PERSON, index=True)
    stated_kind: Mapped[str | None] = mapped_column(String(8))


@event.listens_for(HasKind, "before_insert", propagate=True)
@event.listens_for(HasKind, "before_update", propagate=True)
def _set_kind(_mapper: Any, _connection: Any, row: Any) -> None:
    row.kind = row.stated_kind or guess_kind(row.handle, row.name)


def _words(text: str) -> list[str]:
    """The words of a name in lower case; "GitHubBot" has three."""
    words = [word.lower() for word in _WORDS.findall(text)]
    return words + ["".join(pair) for pair in _PAIRS if " ".join(pair) in " ".join(words)]


def _has_program(text: str) -> bool:
    """True for a text of several words of which one names a program ("jira-bot"); a short handle may be a nickname."""
    words = _words(text)
    return len(words) > 1 and not _PROGRAMS.isdisjoint(words)


def _is_service(text: str) -> bool:
    """True when the text names a program, or has nothing but words for a desk."""
    words = _words(text)
    if not _PROGRAMS.isdisjoint(words) or any(word.endswith(_PROGRAM_ENDINGS) for word in words):
        return True
    desks = [word in _DESKS or word.endswith(_DESK_ENDINGS) for word in words]
    return any(desks) and all(desk or word in _ABBREVIATIONS for desk, word in zip(desks, words, strict=True))
