"""Reads the export of a Slack workspace, channel by channel.

Only threads are kept: a message with replies asks, or it is no request. Nothing in Slack says that a question is
answered, but for a check mark that the asker has put on a reply; without it the replies are evidence of who knows, and
the request is closed without an answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indexer.sources.export_files import ExportFiles, export_files
from indexer.sources.protocol import Abilities, WholeSource
from indexer.sources.records import Located, PersonRecord, ReplyRecord, RequestRecord, first_problem
from indexer.sources.slack.markup import markdown_of, text_of_blocks
from indexer.sources.slack.options import SlackOptions
from indexer.texts.asking import asks
from indexer.texts.subject import first_words
from recommender.database.days import day_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_CHECKS = frozenset({"white_check_mark", "heavy_check_mark", "ballot_box_with_check"})
_WRITTEN = frozenset({"", "thread_broadcast", "me_message", "file_share"})
"""Subtypes of messages that a person wrote."""
_TITLE = 100  # characters of a title, which is made of the text: a judgement
Message = dict[str, Any]


@dataclass(frozen=True)
class _Channel:
    """A channel: its folder in the export, its id, and whether everybody may read it."""

    name: str
    id: str
    public: bool


@dataclass
class _Workspace:
    """The users of the export: names by id, the programs among them, and whole users until they were yielded."""

    names: dict[str, str] = field(default_factory=dict)
    bots: set[str] = field(default_factory=set)
    users: dict[str, Message] = field(default_factory=dict)


class SlackExport(WholeSource):
    """The export of a workspace."""

    abilities = Abilities(lists_all=True, audiences=True, people=True)

    def __init__(self, name: str, options: SlackOptions) -> None:
        self.name, self._options = name, options

    def records(self) -> Iterator[Located]:
        """A request for each thread that asks, with its people before it. Raises SourceError when the place is no
        export of Slack."""
        with export_files(Path(self._options.place), ("channels.json", "users.json")) as files:
            if "channels.json" not in files.names:
                raise SourceError(
                    Sentence(
                        "%(place)s is no export of Slack: channels.json is missing. Take the ZIP file as Slack sends "
                        "it.",
                        place=self._options.place,
                    )
                )
            workspace = _workspace(files)
            for channel in self._channels(files):
                yield from self._threads(files, channel, workspace)

    def _channels(self, files: ExportFiles) -> list[_Channel]:
        channels = _listed(files, "channels.json", True)
        if self._options.private:
            channels += _listed(files, "groups.json", False)
        wanted = {name.lstrip("#") for name in self._options.channel}
        unknown = sorted(wanted - {channel.name for channel in channels})
        if unknown:
            raise SourceError(
                Sentence(
                    "There is no channel %(channel)r in %(place)s, or it is a private one.",
                    channel=unknown[0], place=self._options.place,
                )
            )  # fmt: skip
        return [channel for channel in channels if not wanted or channel.name in wanted]

    def _threads(self, files: ExportFiles, channel: _Channel, workspace: _Workspace) -> Iterator[Located]:
        first: dict[str, tuple[str, int, Message]] = {}
        replies: dict[str, list[Message]] = {}
        for name in files.names:
            folder = name.rpartition("/")[0]
            if folder not in (channel.name, channel.id):
                continue
            try:
                messages = _messages(files.json(name))
            except (ValueError, SourceError) as error:
                yield Located(name, 1, None, Sentence("not JSON that can be read (%(reason)s)", reason=error))
                continue
            for number, message in enumerate(messages, 1):
                thread = str(message.get("thread_ts") or "")
                if not thread:
                    continue
                if thread == message.get("ts"):
                    first.setdefault(thread, (name, number, message))
                else:
                    replies.setdefault(thread, []).append(message)
        for thread in sorted(first):
            if thread in replies:
                yield from self._request(first[thread], replies[thread], channel, workspace)

    def _request(
        self, found: tuple[str, int, Message], answers: list[Message], channel: _Channel, workspace: _Workspace
    ) -> Iterator[Located]:
        file, number, question = found
        text = _text(question, workspace.names)
        if not _is_written(question, workspace.bots) or not asks(text):
            return
        asker, seen, replies, people = question.get("user"), {question.get("ts")}, [], [question.get("user")]
        for answer in sorted(answers, key=lambda each: str(each.get("ts", ""))):
            body = _text(answer, workspace.names)
            if answer.get("ts") in seen or not body or not _is_written(answer, workspace.bots):
                continue
            seen.add(answer.get("ts"))
            people.append(answer.get("user"))
            accepted = answer.get("user") != asker and _is_checked_by(answer, asker)
            try:
                replies.append(_reply(answer, body, channel, accepted))
            except (ValidationError, ValueError):  # a time that is none
                continue
        if not replies:
            return
        for person in dict.fromkeys(people):
            if (record := _person(str(person), workspace)) is not None:
                yield Located(file, number, record)
        try:
            yield Located(file, number, _request_record(question, text, replies, channel, [question, *answers]))
        except ValidationError as error:
            yield Located(file, number, None, first_problem(error))
        except ValueError as error:
            yield Located(file, number, None, str(error))


def _request_record(
    question: Message, text: str, replies: list[ReplyRecord], channel: _Channel, messages: list[Message]
) -> RequestRecord:
    answers = [reply for reply in replies if reply.accepted]
    names = [str(file.get("name") or file.get("title") or "") for each in messages for file in each.get("files") or []]
    return RequestRecord(
        id=f"{channel.id}-{question['ts']}",
        title=first_words(_without_mentions(text), _TITLE),
        body=text,
        status="resolved" if answers else "closed",
        asked_by=question.get("user"),
        created_at=_time(question),
        resolved_at=max(reply.created_at for reply in answers) if answers else None,
        replies=tuple(replies),
        group=channel.name,
        readers_there=("public",) if channel.public else (channel.name,),
        attachments=tuple(dict.fromkeys(name[:200] for name in names if name.strip() and name.isprintable())),
    )


def _reply(answer: Message, body: str, channel: _Channel, accepted: bool) -> ReplyRecord:
    return ReplyRecord(
        id=f"{channel.id}-{answer['ts']}",
        author=answer.get("user"),
        body=body,
        created_at=_time(answer),
        accepted=accepted,
    )


def _without_mentions(text: str) -> str:
    words = text.split()
    while len(words) > 1 and words[0].startswith("@"):
        words = words[1:]
    return " ".join(words)


def _time(message: Message) -> datetime:
    try:
        return datetime.fromtimestamp(float(message["ts"]), UTC).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ValueError(Sentence("ts: %(time)s is no time", time=repr(message.get("ts")))) from error


def _text(message: Message, names: Mapping[str, str]) -> str:
    text = str(message.get("text") or "")
    return markdown_of(text if text.strip() else text_of_blocks(message.get("blocks")), names)


def _is_written(message: Message, bots: set[str]) -> bool:
    """True for a message that a person wrote, which is still there."""
    user = message.get("user")
    return (
        bool(user)
        and user not in bots
        and message.get("subtype", "") in _WRITTEN
        and not message.get("bot_id")
        and not message.get("hidden")
    )


def _is_checked_by(message: Message, person: Any) -> bool:
    """True when this person has put a check mark on a message."""
    reactions = message.get("reactions")
    return any(
        str(reaction.get("name", "")).split("::")[0] in _CHECKS and person in (reaction.get("users") or [])
        for reaction in (reactions if isinstance(reactions, list) else [])
        if isinstance(reaction, dict)
    )


def _messages(value: Any) -> list[Message]:
    """The messages of a day's file, or of an answer of Slack's API."""
    found = value.get("messages", []) if isinstance(value, dict) else value
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def _listed(files: ExportFiles, name: str, public: bool) -> list[_Channel]:
    if name not in files.names:
        return []
    try:
        value = files.json(name)
    except ValueError as error:
        raise SourceError(
            Sentence(
                "%(name)s is not JSON that can be read (%(reason)s). Export the workspace again.",
                name=name, reason=error,
            )
        ) from error  # fmt: skip
    listed = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [
        _Channel(str(each.get("name") or each.get("id")), str(each.get("id") or each.get("name")), public)
        for each in listed
        if each.get("name") or each.get("id")
    ]


def _workspace(files: ExportFiles) -> _Workspace:
    workspace = _Workspace(bots={"USLACKBOT"})
    for name in ("users.json", "org_users.json"):
        try:
            users = files.json(name) if name in files.names else []
        except ValueError as error:
            raise SourceError(
                Sentence(
                    "%(name)s is not JSON that can be read (%(reason)s). Export the workspace again.",
                    name=name, reason=error,
                )
            ) from error  # fmt: skip
        for user in users if isinstance(users, list) else []:
            if isinstance(user, dict) and user.get("id"):
                workspace.users[str(user["id"])] = user
                workspace.names[str(user["id"])] = _name(user)
                if user.get("is_bot"):
                    workspace.bots.add(str(user["id"]))
    return workspace


def _profile(user: Message) -> Message:
    profile = user.get("profile")
    return profile if isinstance(profile, dict) else {}


def _name(user: Message) -> str:
    profile = _profile(user)
    names = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"), user["id"])
    return " ".join(str(next(name for name in names if name and str(name).strip())).split())[:200]


def _person(identifier: str, workspace: _Workspace) -> PersonRecord | None:
    """The record of a user who has not been yielded yet."""
    user = workspace.users.pop(identifier, None)
    if user is None:
        return None
    profile = _profile(user)
    left: dict[str, Any] = {}
    if user.get("deleted") and isinstance(user.get("updated"), int):
        left["left_on"] = day_of(datetime.fromtimestamp(user["updated"], UTC))
    try:
        return PersonRecord(id=identifier, name=_name(user), email=profile.get("email") or None, **left)
    except (ValidationError, ValueError):
        return None
