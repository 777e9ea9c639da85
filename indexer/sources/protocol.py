"""What every source is: something that yields records from a mark on, and says what it can.

Adding a source takes one module or folder here with `OPTIONS` and `open_source`, its line in `kinds.py`, its page in
docs/sources/ and its tests. Nothing outside of it has to know more than this module says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from indexer.sources.records import Located, TeamHandle, Token
from recommender.database.handles import usable_handle
from recommender.sentences.sentence import Sentence

_PASSWORD = re.compile(r"://[^/?#]*:[^/?#]*@")
"""An address with a password in it."""


@dataclass(frozen=True)
class Mark:
    """How far a source was read: all that is before it was yielded before it. `value` is for the source alone to read,
    such as a time or the token of a page. It is stored once the records before it are, so that a run that was killed
    goes on from there."""

    value: str


@dataclass(frozen=True)
class Abilities:
    """What a source can. `lists_all`: a read from the beginning yields everything that is there, so what is missing
    was deleted there. `since`: it can be read from a mark on. `deletions`: what was deleted comes as a DeletedRecord.
    `audiences`: it says who may read (`readers_there`), and where it leaves that open, only the team may; a source
    whose texts are not meant for everyone (a mailbox) sets it too. `people`: it yields people."""

    lists_all: bool = False
    since: bool = False
    deletions: bool = False
    audiences: bool = False
    people: bool = False


class Source(Protocol):
    """Something that yields records. `name` is stored in the column `source`; external ids are unique within it.
    Written times without a zone are read in that of the options (`times.set_zone_of_times`), a `datetime` without one
    is in UTC. This holds for records that are made where `read` is called, not in other threads."""

    name: str
    abilities: Abilities

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """The records that are new or have changed since the mark `since`, all when it is None, each after those it
        refers to; and a mark wherever a later read may begin. A record may come twice. Raises SourceError when the
        source cannot be read further; what was yielded before stays valid."""
        ...


class WholeSource:
    """A source that is always read as a whole, such as a file. Subclasses write `records`."""

    name: str
    abilities = Abilities(lists_all=True)

    def records(self) -> Iterator[Located]:
        """All records, each after those it refers to. Raises SourceError when the source cannot be read further."""
        raise NotImplementedError

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """All records, whatever the mark."""
        yield from self.records()


class Options(BaseModel):
    """What can be set for every source: in sources.toml, and as options of `kollega import`. Each source adds its own.
    The description of a field is its help text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    place: str = Field(min_length=1, description="A file, a folder or an address.")
    team: str | None = Field(None, description="Handle of the team of what no rule gives to a team.")
    language: str | None = Field(None, pattern="^[a-z]{2}$", description="Language of the texts, such as fi.")
    timezone: str = Field("UTC", description="Time zone of times that have none, such as Europe/Helsinki.")
    teams: dict[str, TeamHandle] = Field(
        default_factory=dict, description="The team of each queue, project or group of the source."
    )
    audiences: dict[str, tuple[Token, ...]] = Field(
        default_factory=dict, description="Who the readers of each group of the source are here."
    )

    @field_validator("place")
    @classmethod
    def _has_no_password(cls, value: str) -> str:
        if _PASSWORD.search(value):  # whatever went wrong later, the address would be named
            raise ValueError(
                Sentence("it has a password in it. Take that out, and set it as the page of the source says")
            )
        return value

    @field_validator("team")
    @classmethod
    def _is_handle(cls, value: str | None) -> str | None:
        return usable_handle(value, "team") if value else None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder, or too long
            raise ValueError(
                Sentence("%(value)s is not a time zone. Write one such as Europe/Helsinki", value=repr(value))
            ) from error
        return value
