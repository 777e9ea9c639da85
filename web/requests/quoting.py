"""Inserting items into replies: the Markdown, and whether everybody who may read the reply may read the item."""

import re
from collections.abc import Mapping

from flask_babel import force_locale, get_locale, gettext
from sqlalchemy import select

from recommender import access
from recommender.access import Reader
from recommender.database.tables import HelpRequest, Person
from recommender.datatypes import Item, Kind, item_key
from recommender.setting_values import PAGE_LANGUAGES
from web.current import session
from web.reading import find_item

_LINK = re.compile(r"/(request|document)s/([1-9]\d{0,8})\b")
_LINKS_CHECKED = 50  # a judgement: far more than a usual reply has


def insertion(item: Item, how: str, thread: str = "") -> str:
    """The Markdown that `how` (answer, link, quote) inserts into a reply; empty for any other `how`. `thread` is the
    language of the request: a text in another language says which it is, and keeps the link to where it stands."""
    path = f"/{'requests' if item.kind is Kind.REQUEST else 'documents'}/{item.id}"
    title = item.title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    link = f"[{title}]({path})"
    text = (item.answer or item.body).strip()
    mark = _language_mark(item.language, thread) if thread and item.language != thread else ""
    if how == "answer":
        return f"{mark}\n\n{text}\n\n{link}" if mark else text
    if how == "link":
        return f"{link} {mark}".rstrip()
    if how == "quote":
        quoted = "\n".join(f"> {line}" for line in text.splitlines()) + f"\n>\n> {link}"
        return f"{mark}\n\n{quoted}" if mark else quoted
    return ""


def _language_mark(language: str, thread: str) -> str:
    """In which language a text is, said in the language of the thread when the pages have it."""
    with force_locale(thread if thread in PAGE_LANGUAGES else str(get_locale())):
        marks = {"en": gettext("(in English)"), "fi": gettext("(in Finnish)"), "sv": gettext("(in Swedish)")}
        return str(marks.get(language, ""))


def quotable(item: Item, request: HelpRequest, people: Mapping[int, Person], reader: Reader) -> bool:
    """True when everybody who may read the request may read the item, as far as `reader` may know that
    (`access.covers`). `people` are `readers_of(request)`."""
    return access.covers(access.without_open_prefix(item.audience), request, people, reader)


def readers_of(request: HelpRequest) -> dict[int, Person]:
    """The people whom the request's audience names, by id; loaded once for all items of a page."""
    query = select(Person).where(Person.id.in_(sorted(access.named_people(request))))
    return {person.id: person for person in session().scalars(query)}


def hidden_links(text: str, request: HelpRequest, reader: Reader) -> list[str]:
    """Titles of the items that a text links to, that its writer may read and some readers of the request may not."""
    keys = {item_key(kind, number) for kind, number in _LINK.findall(text)}
    if not keys:
        return []
    items = [find_item(key, reader) for key in sorted(keys)[:_LINKS_CHECKED]]
    people = readers_of(request)
    return [item.title for item in items if item is not None and not quotable(item, request, people, reader)]
