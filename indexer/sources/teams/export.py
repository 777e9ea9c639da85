"""Makes requests of the threads of Teams' channels. As in Slack, only a check mark of the asker makes a reply the
answer; other replies are evidence of who knows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indexer.sources.export_files import export_files
from indexer.sources.protocol import Abilities, Options, WholeSource
from indexer.sources.records import Located, PersonRecord, ReplyRecord, RequestRecord, first_problem
from indexer.sources.teams.messages import Conversations, Json, author_of, is_written, place_of
from indexer.texts.asking import asks
from indexer.texts.html import from_html
from indexer.texts.subject import first_words
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_CHECKS = frozenset({"✅", "✔️", "✔", "checkmark", "white_check_mark", "heavy_check_mark"})
_MENTION = re.compile(r"<at\b[^<>]*>(.*?)</at>", re.IGNORECASE | re.DOTALL)
_EMBEDDED = re.compile(r"</?(?:attachment|systemEventMessage|codeblock)\b[^<>]*>", re.IGNORECASE)
_HOSTED = re.compile(r"<img\b[^<>]*hostedContents[^<>]*>", re.IGNORECASE)
_TITLE = 100  # characters of a title that is made of a text: a judgement


class TeamsExport(WholeSource):
    """Messages of channels in Graph's form."""

    abilities = Abilities(lists_all=True, audiences=True, people=True)

    def __init__(self, name: str, options: Options) -> None:
        self.name, self._options = name, options
        self._people: set[str] = set()

    def records(self) -> Iterator[Located]:
        """A request for each thread that asks, with its people before it. Raises SourceError when there are no messages
        at the place."""
        found = Conversations()
        self._people = set()
        with export_files(Path(self._options.place)) as files:
            for name in files.names:
                if name.lower().endswith(".json"):
                    try:
                        found.add(name, files.json(name))
                    except (ValueError, SourceError) as error:
                        yield Located(name, 1, None, Sentence("not JSON that can be read (%(reason)s)", reason=error))
        if not found.first and not found.replies:
            raise SourceError(
                Sentence(
                    "%(place)s has no messages of Teams. Save the answers of Microsoft Graph as .json files.",
                    place=self._options.place,
                )
            )
        asked = False
        for key in sorted(found.first):
            for located in self._request(found, key):
                asked = asked or isinstance(located.record, RequestRecord)
                yield located
        if not asked:
            problem = Sentence(
                "none of %(num)s threads begins with a question that somebody has replied to, so there is nothing to "
                "load. Save the replies too", num=len(found.first),
            )  # fmt: skip
            yield Located(Path(self._options.place).name, 0, None, problem)

    def _request(self, found: Conversations, key: tuple[str, str]) -> Iterator[Located]:
        file, number, question = found.first[key]
        text = _text(question)
        subject = " ".join(str(question.get("subject") or "").split())
        if not is_written(question) or not asks(f"{subject}\n{text}"):
            return
        asker, people = author_of(question)[0], [question]
        replies: list[ReplyRecord] = []
        for answer in sorted(found.replies.get(key, ()), key=lambda each: str(each.get("createdDateTime", ""))):
            body = _text(answer)
            if not is_written(answer) or not body or any(reply.id == _id(key[0], answer) for reply in replies):
                continue
            try:
                replies.append(_reply(answer, body, key[0], asker))
            except ValidationError:  # a time that is none
                continue
            people.append(answer)
        if not replies:
            return
        for message in people:
            if (person := self._person(message, found)) is not None:
                yield Located(file, number, person)
        try:
            record = _request_record(question, subject, text, replies, found, [question, *found.replies[key]])
        except ValidationError as error:
            yield Located(file, number, None, first_problem(error))
        else:
            yield Located(file, number, record)

    def _person(self, message: Json, found: Conversations) -> PersonRecord | None:
        """The record of an author who has not been yielded yet."""
        identifier, name = author_of(message)
        if identifier in self._people:
            return None
        self._people.add(identifier)
        name = " ".join((name or found.names.get(identifier) or identifier).split())[:200]
        try:
            return PersonRecord(id=identifier, name=name, email=found.addresses.get(identifier))
        except ValidationError:
            return None


def _request_record(
    question: Json,
    subject: str,
    text: str,
    replies: list[ReplyRecord],
    found: Conversations,
    messages: list[Json],
) -> RequestRecord:
    place = place_of(question)
    answers = [reply for reply in replies if reply.accepted]
    written = [each for each in messages if is_written(each)]
    attached = [file for each in written for file in each.get("attachments") or [] if isinstance(file, dict)]
    names = dict.fromkeys(str(file.get("name") or "").strip()[:200] for file in attached)
    team, channel = found.names.get(place.team) or place.team, found.names.get(place.channel) or place.channel
    is_for_team = place.channel in found.names and place.channel not in found.private
    readers = team if is_for_team else f"{team} / {channel}" if channel else ""
    created: dict[str, Any] = {"created_at": question.get("createdDateTime")}  # checked by the record
    return RequestRecord(
        id=_id(place.channel, question),
        title=first_words(subject or text, _TITLE) or "(no subject)",
        body=text,
        status="resolved" if answers else "closed",
        asked_by=author_of(question)[0],
        resolved_at=max(reply.created_at for reply in answers) if answers else None,
        url=question.get("webUrl") or None,
        replies=tuple(replies),
        group=channel or None,
        readers_there=(readers,) if readers else None,
        attachments=tuple(name for name in names if name and name.isprintable()),
        **created,
    )


def _reply(answer: Json, body: str, channel: str, asker: str) -> ReplyRecord:
    author = author_of(answer)[0]
    created: dict[str, Any] = {"created_at": answer.get("createdDateTime")}
    return ReplyRecord(
        id=_id(channel, answer),
        author=author,
        body=body,
        accepted=author != asker and _is_checked_by(answer, asker),
        **created,
    )


def _id(channel: str, message: Json) -> str:
    """The id of a message, which is unique within its channel only."""
    return f"{channel}-{message.get('id')}"[:200] if channel else str(message.get("id"))


def _text(message: Json) -> str:
    """The words of a message as Markdown."""
    body = message.get("body")
    kind, content = "html", body
    if isinstance(body, dict):
        kind, content = str(body.get("contentType") or "html"), body.get("content")
    text = str(content or "")
    if kind.lower() == "text":
        return text.strip()
    marked = _MENTION.sub(lambda found: f"@{found[1]}", _HOSTED.sub("", text))
    return from_html(_EMBEDDED.sub("", marked)).strip()


def _is_checked_by(message: Json, person: str) -> bool:
    """True when this person has put a check mark on a message."""
    for reaction in message.get("reactions") or []:
        if isinstance(reaction, dict) and str(reaction.get("reactionType", "")) in _CHECKS:
            user = (reaction.get("user") or {}).get("user") or {}
            if isinstance(user, dict) and user.get("id") == person:
                return True
    return False
