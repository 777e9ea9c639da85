"""Reads the cells of a row by what the mapping says they are: times, people, texts as Markdown, who may read."""

import hashlib
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from indexer.sources.records import LONGEST_TITLE, Change
from indexer.sources.tables.columns import Columns
from indexer.sources.tables.dates import Order, read_time_of
from indexer.sources.tables.mapping import Mapping
from indexer.sources.tables.people import People
from indexer.sources.tables.rows import Table
from indexer.sources.tables.words import is_yes
from indexer.texts.html import from_html, plain
from indexer.texts.subject import first_words, title_of
from recommender.database.handles import visible
from recommender.sentences.sentence import Sentence

TIMES = ("created", "resolved", "updated", "verified")
PRIVATE = ("private",)
"""The readers of what the table says is private: no group has this name, so it is for the team only."""
_NO_TIME = Sentence("times that are missing were taken from that of the file")
_WRONG_TIME = Sentence("times that cannot be read were left out")
_WHOLE_NUMBER = re.compile(r"^(\d+)[.,]0+$")
_CODES = {
    "finnish": "fi", "suomi": "fi", "swedish": "sv", "ruotsi": "sv", "svenska": "sv", "english": "en", "englanti": "en",
    "engelska": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr",
    "spanish": "es", "español": "es",
}  # fmt: skip


def person_columns(role: str) -> tuple[str, str, str]:
    """The columns of a person of this role: name or login, mail address, id."""
    return role, f"{role}_email", f"{role}_id"


class RowReader:
    """Reads the cells of rows as the mapping of their table says. `name` is that of the source, `zone` that of times
    which have none, `file_time` stands for missing times. `order` is which of day, month and year comes first in them.
    `states` is what the words of its status mean. Raises SourceError when the mapping does not fit the table."""

    def __init__(self, table: Table, mapping: Mapping, name: str, zone: ZoneInfo, file_time: datetime) -> None:
        self.table, self.mapping, self.zone, self.file_time = table, mapping, zone, file_time
        self.columns = Columns(table, mapping, table.name)
        self.people = People(name, mapping.people_by_name)
        self.order: Order = mapping.dates or "year-first"
        said = mapping.status
        states = (("open", said.open), ("resolved", said.resolved), ("cancelled", said.cancelled))
        self.states = {word.casefold(): state for state, words in states for word in words}

    def person(self, cells: list[str], role: str) -> str | None:
        """The handle of the person of this role in a row."""
        return self.people.handle(*(self.columns.one(cells, column) for column in person_columns(role)))

    def time(self, text: str, changes: list[Change]) -> datetime | None:
        """The time in UTC that a text is; None when it is none, which is told."""
        if not text:
            return None
        time = read_time_of(text, self.order, self.zone)
        if time is None:
            changes.append((_WRONG_TIME, text[:40]))
        return time

    def text(self, cells: list[str], role: str) -> str:
        """The texts of a role as Markdown."""
        return "\n\n".join(filter(None, (self.markdown(text) for text in self.columns.several(cells, role))))

    def markdown(self, text: str) -> str:
        """A text of the table as Markdown."""
        if self.mapping.markup == "html":
            return from_html(text)
        if self.mapping.markup == "jira":
            from indexer.texts.jira_markup import from_jira_markup

            return from_jira_markup(text, self.people.names)
        return plain(text, markdown=self.mapping.markup == "markdown").strip()

    def title(self, cells: list[str], body: str) -> str:
        """The title; the first words of the text where there is none. Raises ValueError when there is neither."""
        title = visible(title_of(self.columns.one(cells, "title")))
        if not title:
            title = first_words(body, 80)
        if not title:
            raise ValueError(Sentence("there is no title and no text. Fill one of them in, or remove the row"))
        return title if len(title) <= LONGEST_TITLE else first_words(title, 200)

    def identifier(self, cells: list[str], *otherwise: str) -> str:
        """The id of a row: that of its column, else one made of texts that seldom change."""
        identifier = self.columns.one(cells, "id")
        if identifier:
            return visible(_WHOLE_NUMBER.sub(r"\1", identifier) if identifier[-1] == "0" else identifier)[:200]
        return hashlib.sha256("\n".join(otherwise).encode("utf-8", "replace")).hexdigest()[:16]

    def readers(self, cells: list[str]) -> tuple[str, ...] | None:
        """The groups that may read a row there; None when the table does not say it."""
        one = self.columns.one
        private, public = one(cells, "private"), one(cells, "public")
        if (private and is_yes(private) is not False) or (public and is_yes(public) is not True):
            return PRIVATE
        named = [name.strip() for text in self.columns.several(cells, "readers") for name in re.split(r"[;|]", text)]
        return tuple(name for name in named if name) or None

    def language(self, cells: list[str]) -> str | None:
        """The two-letter code of the language of a row."""
        written = self.columns.one(cells, "language").casefold()
        if not written:
            return None
        code = _CODES.get(written) or re.split(r"[-_.]", written)[0]
        return code if re.fullmatch("[a-z]{2}", code) else None

    def listed(self, cells: list[str], role: str) -> tuple[str, ...]:
        """The words of a role, which may stand in several columns, or in one with separators."""
        texts = self.columns.several(cells, role)
        parts = re.split(r"[,;|]", texts[0]) if len(texts) == 1 else texts
        return tuple(dict.fromkeys(visible(part.strip())[:200] for part in parts if part.strip()))

    def or_file_time(self, time: datetime | None, changes: list[Change]) -> datetime:
        """The time, or that of the file, which is told."""
        if time is None:
            changes.append((_NO_TIME, ""))
        return time or self.file_time
