"""What Graph's answers have: messages with their threads, names of channels and teams, and people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]
_CHANNEL_IN_ADDRESS = re.compile(r"/l/message/([^/?]+)/")
_TEAM_IN_ADDRESS = re.compile(r"[?&]groupId=([\w-]+)")


@dataclass(frozen=True)
class Place:
    """Where a thread is: the ids of its team and channel, which may be empty."""

    team: str
    channel: str


@dataclass
class Conversations:
    """Everything that was found: the first message of each thread with its file and number, the replies, names by id,
    mail addresses by user, and the ids of channels that not all of their team may read."""

    first: dict[tuple[str, str], tuple[str, int, Json]] = field(default_factory=dict)
    replies: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)

    def add(self, file: str, value: Any) -> None:
        """Add the content of a file."""
        for number, entry in enumerate(_entries(value), 1):
            if "messageType" in entry or ("body" in entry and "replyToId" in entry):
                self._add_message(file, number, entry)
            elif "userId" in entry or entry.get("userPrincipalName"):
                self._add_person(entry)
            elif entry.get("displayName") and entry.get("id"):
                self.names[str(entry["id"])] = str(entry["displayName"])
                if str(entry.get("membershipType") or "standard") != "standard":  # private, or shared with others
                    self.private.add(str(entry["id"]))

    def _add_message(self, file: str, number: int, message: Json) -> None:
        if message.get("chatId"):  # a chat is nobody's business
            return
        channel = place_of(message).channel
        parent = message.get("replyToId")
        if parent:
            self.replies.setdefault((channel, str(parent)), []).append(message)
        else:
            self.first.setdefault((channel, str(message.get("id"))), (file, number, message))
        for reply in message.get("replies") or []:
            if isinstance(reply, dict):
                self.replies.setdefault((channel, str(message.get("id"))), []).append(reply)

    def _add_person(self, person: Json) -> None:
        identifier = str(person.get("userId") or person.get("id"))
        if person.get("displayName"):
            self.names[identifier] = str(person["displayName"])
        address = person.get("email") or person.get("mail") or ""
        if "@" in str(address):
            self.addresses[identifier] = str(address)


def place_of(message: Json) -> Place:
    """Where a message is; from its address when it does not say it."""
    identity = message.get("channelIdentity")
    identity = identity if isinstance(identity, dict) else {}
    address = str(message.get("webUrl") or "")
    channel = _CHANNEL_IN_ADDRESS.search(address)
    team = _TEAM_IN_ADDRESS.search(address)
    return Place(
        str(identity.get("teamId") or (team[1] if team else "")),
        str(identity.get("channelId") or (unquote(channel[1]) if channel else "")),
    )


def author_of(message: Json) -> tuple[str, str]:
    """(id, name) of the person who wrote a message; empty for a program, and an empty name where it is none."""
    sender = message.get("from")
    user = sender.get("user") if isinstance(sender, dict) else None
    if not isinstance(user, dict) or not user.get("id"):
        return "", ""
    name = str(user.get("displayName") or "")
    return str(user["id"]), "" if name.startswith("orgid:") else name


def is_written(message: Json) -> bool:
    """True for a message that a person wrote, which is still there."""
    gone = bool(message.get("deletedDateTime") or message.get("deleted"))
    return message.get("messageType", "message") == "message" and not gone and bool(author_of(message)[0])


def _entries(value: Any) -> Iterator[Json]:
    """The objects of an answer: those in its `value`, of a list, or itself."""
    if isinstance(value, dict) and isinstance(value.get("value"), list):
        value = value["value"]
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            yield entry
