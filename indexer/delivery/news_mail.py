"""The mail that tells a person what has happened: plain text and HTML, in their language.

It has the text of an item only when the person may read that at the moment when the mail is written, and neither title
nor text of an item that only a restricted team and its asker may read: mail passes through other hands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr

from jinja2 import Environment, PackageLoader, select_autoescape
from sqlalchemy.orm import Session

from indexer.delivery.mail_texts import begin_mail
from recommender.access import reader_of
from recommender.database.account_tables import OutgoingMail
from recommender.notifications import inbox
from recommender.notifications.inbox import Entry
from recommender.notifications.kinds import KINDS
from recommender.notifications.mail_settings import load_mail_preferences
from recommender.notifications.unsubscribing import make_token
from recommender.settings import Settings

_LONGEST_TEXT = 600  # characters of what was written: a judgement
_TEMPLATES = Environment(
    loader=PackageLoader("indexer.delivery"), autoescape=select_autoescape(),
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip
_WORDS = {
    "en": {
        "private": "There is something new in a private matter",
        "subject": "{count} notifications from Kollega",
        "hello": "Hello,",
        "open": "Open in Kollega",
        "sign_in": "You need to sign in to open the link.",
        "stop": "Stop e-mail of this kind",
        "settings": "E-mail settings",
        "no_reply": "Nobody reads replies to this e-mail. Reply in Kollega.",
    },
    "fi": {
        "private": "Yksityisessä asiassa on uutta",
        "subject": "{count} ilmoitusta Kollegasta",
        "hello": "Hei,",
        "open": "Avaa Kollegassa",
        "sign_in": "Linkin avaaminen vaatii kirjautumisen.",
        "stop": "Lopeta tällaiset viestit",
        "settings": "Sähköpostiasetukset",
        "no_reply": "Kukaan ei lue vastauksia tähän viestiin. Vastaa Kollegassa.",
    },
    "sv": {
        "private": "Det finns något nytt i ett privat ärende",
        "subject": "{count} notiser från Kollega",
        "hello": "Hej,",
        "open": "Öppna i Kollega",
        "sign_in": "Du behöver logga in för att öppna länken.",
        "stop": "Sluta få e-post av det här slaget",
        "settings": "Inställningar för e-post",
        "no_reply": "Ingen läser svar på det här meddelandet. Svara i Kollega.",
    },
}  # fmt: skip


@dataclass(frozen=True)
class News:
    """One piece of news as a mail shows it."""

    sentence: str
    title: str
    text: str
    next_step: str
    link: str


def compose_news(session: Session, settings: Settings, row: OutgoingMail, email: str, key: str) -> EmailMessage | None:
    """The mail of a row with what is still new to its person; None when nothing is. `key` signs the links that turn
    mail off."""
    if row.person is None:
        return None
    unwanted = load_mail_preferences(session, row.person.id).unwanted()
    found = inbox.entries_of_mail(session, reader_of(row.person), row.id, unwanted)
    if not found:
        return None
    address, words = settings.public_url.rstrip("/"), _WORDS.get(row.language, _WORDS["en"])
    news = [_news(entry, row.language, address, words) for entry in found]
    kinds = list(dict.fromkeys(entry.kind for entry in found))
    stop = {kind: f"{address}/inbox/unsubscribe/{make_token(key, row.person.id, [kind])}" for kind in kinds}
    subject = f"{news[0].sentence}: {news[0].title}".removesuffix(": ")
    message = begin_mail(settings, row, email, words["subject"].format(count=len(news)) if news[1:] else subject)
    message["List-Unsubscribe"] = f"<{address}/inbox/unsubscribe/{make_token(key, row.person.id, kinds)}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    _add_thread(message, settings, found)
    shown = {
        "news": news, "words": words, "language": row.language, "settings": f"{address}/people/me/settings#mail",
        "stop": [(KINDS[kind].texts(row.language).label, link) for kind, link in stop.items()],
    }  # fmt: skip
    message.set_content(_TEMPLATES.get_template("news.txt").render(shown))
    message.add_alternative(_TEMPLATES.get_template("news.html").render(shown), subtype="html")
    return message


def reply_address(settings: Settings, key: str) -> str:
    """The address to which a reply by mail about an item would go: that of KOLLEGA_MAIL_FROM with the item's key, such
    as kollega+request-12@example.org. Nothing reads what arrives there yet: a source for mail finds the item by it."""
    name, at, domain = parseaddr(settings.mail_from)[1].rpartition("@")
    return f"{name}+{key.replace(':', '-')}{at}{domain}"


def _add_thread(message: EmailMessage, settings: Settings, found: Sequence[Entry]) -> None:
    """When all is about one item: headers made from its key, by which mail programs show what belongs together, and by
    which a reply could be recognised."""
    keys = {entry.key for entry in found}
    if len(keys) == 1:
        key = keys.pop()
        address = reply_address(settings, key)
        thread = f"<{key.replace(':', '-')}@{address.rpartition('@')[2]}>"
        message["Reply-To"], message["In-Reply-To"], message["References"] = address, thread, thread


def _news(entry: Entry, language: str, address: str, words: dict[str, str]) -> News:
    kind, _, number = entry.key.partition(":")
    anchor = f"#reply-{entry.reply.id}" if entry.reply else ""
    link = f"{address}/{kind}s/{number}{anchor}"
    if entry.private:
        return News(words["private"], "", "", "", link)
    sentence = KINDS[entry.kind].sentence(language, entry.actor.name if entry.actor else None)
    text = entry.text.strip()
    shortened = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT].rstrip()} …"
    next_step = KINDS[entry.kind].texts(language).next_step
    return News(" ".join(sentence.split()), " ".join(entry.item.title.split()), shortened, next_step, link)
