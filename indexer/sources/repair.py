"""Makes a usable record of an object in a file where that is safe, and says what was changed.

Nothing is guessed that decides who may read: an unknown field that looks as if it did is a problem, not a change.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from indexer.sources.records import (
    LONGEST_TITLE,
    Change,
    DocumentRecord,
    PersonRecord,
    ReplyRecord,
    RequestRecord,
    TeamRecord,
)
from indexer.texts.html import plain
from indexer.texts.subject import first_words, title_of
from indexer.texts.unreadable import readable
from recommender.database.handles import LONGEST_HANDLES, usable_handle, visible
from recommender.sentences.sentence import Sentence, joined

Object = dict[str, Any]
_MODELS: dict[str, type[BaseModel]] = {
    "team": TeamRecord,
    "person": PersonRecord,
    "request": RequestRecord,
    "document": DocumentRecord,
}
_KIND_WORDS = {
    "team": Sentence("team"), "person": Sentence("person"), "request": Sentence("request"),
    "document": Sentence("document"), "reply": Sentence("reply"),
}  # fmt: skip
_MADE_TITLE, _CUT_TITLE = 80, 200  # characters of a title made of the text, and of one that was too long: judgements
_MOST_IN_A_NAME = 40  # characters of a changed value that are told
_READING = ("audience", "restricted", "anonymous")
"""Fields that decide who may read."""
_PRIVATE = frozenset({"private", "internal", "confidential", "hidden", "secret", "sensitive"})
_PUBLIC = frozenset({"public", "ispublic", "jsdpublic"})
_RIGHTS = frozenset({"visibility", "acl", "permissions", "readers", "access", "securitylevel", "visibleto"})
_FINISHED = frozenset(
    {"closed", "solved", "done", "completed", "complete", "fixed", "answered", "finished", "cancelled", "canceled"}
)
_UNFINISHED = frozenset(
    {"new", "pending", "waiting", "in progress", "on hold", "hold", "reopened", "assigned", "active", "todo", "to do"}
)
_CODES = {"fin": "fi", "swe": "sv", "eng": "en", "est": "et", "deu": "de", "ger": "de", "fra": "fr", "rus": "ru"}


def repaired(value: Object) -> tuple[Object, tuple[Change, ...]]:
    """(the object as its record can be made of it, what was changed). Wrong types stay for the record to refuse.

    Raises ValueError, for the admin, when the object cannot be used safely.
    """
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _MODELS:
        if kind is None:
            raise ValueError(Sentence("type: it is missing. Write team, person, request or document"))
        shown = repr(str(kind)[:_MOST_IN_A_NAME])
        raise ValueError(Sentence("type: %(kind)s is not known. Write team, person, request or document", kind=shown))
    changes: list[Change] = []
    record = _known_fields(value, kind, {"type", *_MODELS[kind].model_fields}, changes)
    _repair_handle(record, kind, changes)
    _repair_lines(record, kind, changes)
    for name in ("name", "name_fi", "name_sv"):
        if isinstance(record.get(name), str):
            record[name] = title_of(record[name])
    _repair_languages(record, kind, changes)
    if kind == "request":
        _repair_status(record, changes)
        _repair_replies(record, changes)
    if kind in ("request", "document"):
        for name in ("body", "resolution"):
            if isinstance(record.get(name), str):
                record[name] = plain(record[name], markdown=kind == "document")
        _repair_title(record, kind, changes)
    return record, tuple(changes)


def _known_fields(value: Object, kind: str, known: set[str], changes: list[Change]) -> Object:
    """The object without the fields that its record does not have, and without nulls in place of texts and lists.
    Raises ValueError for an unknown field that may say who may read."""
    for name in (name for name in value if name not in known):
        reason = _about_reading(name, value[name])
        if reason:
            raise ValueError(joined([name, reason], ": "))
        like = get_close_matches(name, known, 1, 0.8)
        hint = f"{name} (did you mean {like[0]}?)" if like else name
        said = Sentence("unknown fields of a %(kind)s were skipped", kind=_KIND_WORDS[kind])
        changes.append((said, hint[: 2 * _MOST_IN_A_NAME]))
    empty = {"body", "tags", "replies", "score", "accepted", "languages", "role"}
    return {name: held for name, held in value.items() if name in known and not (held is None and name in empty)}


def _about_reading(name: str, value: Any) -> str:
    """Why an unknown field may not be skipped; empty when it may."""
    like = get_close_matches(name.lower(), _READING, 1, 0.75)
    if like:
        return Sentence(
            "this field is not known, and looks like %(like)s, which decides who may read. Correct or remove it",
            like=like[0],
        )
    bare = re.sub(r"[^a-z]", "", name.lower())
    private = bare.removeprefix("is") in _PRIVATE and bool(value)
    hidden = bare in _PUBLIC and value is not True
    limited = bare in _RIGHTS and value not in (None, "", "public", "everyone", [], {})
    if private or hidden or limited:
        return Sentence(
            "this field is not known, and may say who may read. Write that as audience, or leave the text out"
        )
    return ""


def _repair_handle(record: Object, kind: str, changes: list[Change]) -> None:
    handle = record.get("id")
    if kind not in LONGEST_HANDLES or not isinstance(handle, str):
        return
    usable = usable_handle(handle, kind)
    if usable != handle.strip():
        change = Sentence("ids of a %(kind)s that cannot be handles were rewritten", kind=_KIND_WORDS[kind])
        shown = ascii(handle.strip())[1:-1] if visible(handle) != handle or not handle.isprintable() else handle.strip()
        changes.append((change, f"{shown[:_MOST_IN_A_NAME]} is {usable[:_MOST_IN_A_NAME]}"))


def _repair_lines(record: Object, kind: str, changes: list[Change]) -> None:
    """Take out of titles, names and tags what cannot be seen and could make them look like others. A NUL stays for the
    record to refuse."""
    for name in ("title", "name", "name_fi", "name_sv"):
        line = record.get(name)
        if isinstance(line, str) and "\0" not in line and visible(line) != line:
            record[name] = visible(line)
            said = Sentence(
                "characters that cannot be seen were taken out of the %(field)s of a %(kind)s",
                field=name,
                kind=_KIND_WORDS[kind],
            )
            changes.append((said, ""))
    tags = record.get("tags")
    if isinstance(tags, list) and all(isinstance(tag, str) and "\0" not in tag for tag in tags):
        if tags != [visible(tag) for tag in tags]:
            said = Sentence(
                "characters that cannot be seen were taken out of the tags of a %(kind)s", kind=_KIND_WORDS[kind]
            )
            changes.append((said, ""))
        record["tags"] = [visible(tag) for tag in tags]


def _repair_languages(record: Object, kind: str, changes: list[Change]) -> None:
    """Make two-letter codes of `fi-FI` and `fin`; what is no code is left out, and found from the text."""
    found = record.get("language")
    if isinstance(found, str):
        record["language"] = _language(found, kind, changes)
    several = record.get("languages")
    if isinstance(several, list) and all(isinstance(code, str) for code in several):
        codes = [_language(code, kind, changes) for code in several]
        record["languages"] = list(dict.fromkeys(code for code in codes if code))


def _language(written: str, kind: str, changes: list[Change]) -> str | None:
    if re.fullmatch("[a-z]{2}", written):
        return written
    first = re.split(r"[-_.]", written.strip().lower())[0]
    code = _CODES.get(first, first)
    if re.fullmatch("[a-z]{2}", code):
        change = f"{written[:_MOST_IN_A_NAME]} is {code}"
        said = Sentence("languages of a %(kind)s were read as two-letter codes", kind=_KIND_WORDS[kind])
        changes.append((said, change))
        return code
    if written.strip():
        said = Sentence("languages of a %(kind)s are no codes and were skipped", kind=_KIND_WORDS[kind])
        changes.append((said, written[:_MOST_IN_A_NAME]))
    return None


def _repair_status(record: Object, changes: list[Change]) -> None:
    status = record.get("status")
    if not isinstance(status, str) or status in ("open", "resolved", "closed"):
        if status == "closed":
            changes.append((Sentence("the status of requests was read as resolved"), "closed"))
        return
    plain_status = " ".join(re.split(r"[\s_-]+", status.strip().lower()))
    if plain_status in ("open", "resolved"):
        record["status"] = plain_status
    elif plain_status in _FINISHED:
        record["status"] = "closed"
        changes.append((Sentence("the status of requests was read as resolved"), status[:_MOST_IN_A_NAME]))
    elif plain_status in _UNFINISHED:
        record["status"] = "open"
        changes.append((Sentence("the status of requests was read as open"), status[:_MOST_IN_A_NAME]))


def _repair_replies(record: Object, changes: list[Change]) -> None:
    replies = record.get("replies")
    if isinstance(replies, list):
        record["replies"] = [_reply(reply, changes) if isinstance(reply, dict) else reply for reply in replies]


def _reply(value: Object, changes: list[Change]) -> Object:
    reply = _known_fields(value, "reply", set(ReplyRecord.model_fields), changes)
    if "body" in value and value["body"] is None:
        reply["body"] = ""
    if isinstance(reply.get("body"), str):
        reply["body"] = plain(reply["body"])
    return reply


def _repair_title(record: Object, kind: str, changes: list[Change]) -> None:
    """Decode the title; make an empty one of the first words of the text; cut a long one, and keep it whole in the
    text. Raises ValueError when there is neither title nor text."""
    title = record.get("title")
    if title is not None and not isinstance(title, str):
        return
    title = title_of(title or "")
    if not title:
        title = first_words(_text_of(record), _MADE_TITLE)
        if not title:
            raise ValueError(Sentence("title: it is empty, and there is no text whose first words could be the title"))
        said = Sentence("empty titles of a %(kind)s were made of the first words of the text", kind=_KIND_WORDS[kind])
        changes.append((said, ""))
    elif len(title) > LONGEST_TITLE:
        body = record.get("body")
        if body is None or isinstance(body, str):
            record["body"] = f"{title}\n\n{body or ''}".strip()
        title = first_words(title, _CUT_TITLE)
        change = Sentence(
            "titles of a %(kind)s of more than %(num)s characters were cut, and are whole in the text",
            kind=_KIND_WORDS[kind],
            num=LONGEST_TITLE,
        )
        changes.append((change, ""))
    record["title"] = title


def _text_of(record: Mapping[str, Any]) -> str:
    """The first text of a record that has words: its body, its resolution, or a reply."""
    replies = record.get("replies")
    bodies = [reply.get("body") for reply in replies if isinstance(reply, dict)] if isinstance(replies, list) else []
    for text in (record.get("body"), record.get("resolution"), *bodies):
        if isinstance(text, str) and (words := readable(text)[0].strip().lstrip("#*->| ")):
            return words
    return ""
