"""What pages say about notifications: counters in the navigation, that an item was seen, the form about mail."""

from dataclasses import dataclass, field

from flask import Flask, g
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from recommender.access import may_handle, reader_of
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.tables import Document, HelpRequest, Person
from recommender.knowledge.waiting import Waiting, waiting
from recommender.notifications import following, inbox
from recommender.notifications.kinds import KINDS, WHEN
from recommender.notifications.mail_settings import USUAL_HOUR, MailPreferences, load_mail_preferences
from recommender.setting_values import PAGE_LANGUAGES
from web import current
from web.current import session
from web.sign_in.session import current_person


@dataclass
class MailForm:
    """The form about mail: the fields as they are shown, and which of them cannot be used."""

    language: str = ""
    daily_at: str = str(USUAL_HOUR)
    quiet_from: str = ""
    quiet_until: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Follow:
    """What the buttons of a request show: whether this person follows it or has the same problem, and how many do, for
    those who handle it (else None)."""

    follows: bool
    me_too: bool
    count: int | None


def attach(app: Flask) -> None:
    """Make the functions known to the templates."""
    app.jinja_env.globals.update(
        waiting_now=waiting_now, notification_kinds=KINDS, follow_of=follow_of, mail_form_of=mail_form_of,
        mail_address_of=mail_address_of,
    )  # fmt: skip


def waiting_now() -> Waiting:
    """What waits for the person who makes this request; counted once for each page."""
    if "waiting" not in g:
        person = current_person()
        g.waiting = waiting(session(), reader_of(person), current_day()) if person is not None else Waiting()
    counted: Waiting = g.waiting
    return counted


def mark_news_read(item: HelpRequest | Document) -> None:
    """Mark what the person has been told of an item as read, since they have opened its page. Nobody waits until the
    database can be written."""
    person = current_person()
    if person is None or not inbox.has_unread_of(session(), person.id, item):
        return
    number = person.id

    def write(counts: Session) -> None:
        inbox.mark_item_read(counts, number, item)

    current.counting().count(write)


def follow_of(help_request: HelpRequest) -> Follow | None:
    """The buttons of a request; None for its asker and for people who have not signed in."""
    person = current_person()
    if person is None:
        return None
    count = None
    if may_handle(help_request, reader_of(person)):
        count = following.have_it_too(session(), [help_request.id]).get(help_request.id, 0)
    follows, me_too = following.following(session(), help_request, person)
    return Follow(follows, me_too, count)


def mail_address_of(person: Person) -> str:
    """The address to which a person gets mail; empty without one, and when no mail is sent at all."""
    account = session().get(Account, person.id)
    return (account.email or "") if account is not None and current.settings().mail_server else ""


def mail_form_of(person: Person) -> MailForm:
    """The form with what is stored."""
    stored = load_mail_preferences(session(), person.id)
    begin, end = ("" if hour is None else str(hour) for hour in (stored.quiet_from, stored.quiet_until))
    when = {kind: stored.when(kind) for kind in KINDS}
    return MailForm(stored.language or "", str(stored.daily_at), begin, end, when)


def read_mail_form(sent: MultiDict[str, str]) -> tuple[MailForm, MailPreferences | None]:
    """(the form as it was sent, the preferences that it gives); None for these when a field cannot be used. Kinds that
    were not sent are as usual."""
    language, daily_at = sent.get("language", ""), sent.get("daily_at", "")
    form = MailForm(language, daily_at, sent.get("quiet_from", ""), sent.get("quiet_until", ""))
    form.kinds = {kind: sent.get(f"when_{kind}", KINDS[kind].mail) for kind in KINDS}
    form.wrong += [name for name in ("daily_at", "quiet_from", "quiet_until") if not _is_hour(getattr(form, name))]
    form.wrong += [f"when_{kind}" for kind, when in form.kinds.items() if when not in WHEN]
    if form.language not in ("", *PAGE_LANGUAGES):
        form.wrong.append("language")
    if bool(form.quiet_from) != bool(form.quiet_until):
        form.wrong.append("quiet_until")
    if form.wrong:
        return form, None
    begin, end = (int(hour) if hour else None for hour in (form.quiet_from, form.quiet_until))
    daily = int(form.daily_at) if form.daily_at else USUAL_HOUR
    return form, MailPreferences(form.language or None, begin, end, daily, form.kinds)


def _is_hour(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) <= 2 and int(text) < 24)
