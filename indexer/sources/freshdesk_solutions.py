"""Solution articles of Freshdesk: guides, for whom the visibility of their folders says.

A list of articles has no times to ask for, and who may read changes with the folder, so all articles are read each
time.
"""

from collections.abc import Callable, Iterator

from indexer.sources.records import DeletedRecord, DocumentRecord, Record
from indexer.sources.rest.paging import Row
from indexer.sources.ticket_system import text_of
from indexer.sources.tickets import html_text, moment, person_id

_PUBLIC, _SIGNED_IN, _AGENTS = "1", "2", "3"
_DRAFT = "1"
_READERS = {_PUBLIC: "public", _SIGNED_IN: "articles for logged-in users", _AGENTS: "articles for agents"}
"""Called so that no group of agents is called the same."""
_CHOSEN = {"4": "companies", "6": "contact segments", "7": "company segments"}


class Solutions:
    """The folders of articles, and the articles. `name` is that of the source, `site` its address if it has one."""

    def __init__(self, name: str, zone: str, site: str) -> None:
        self._name, self._zone, self._site = name, zone, site
        self._folders: dict[str, Row] = {}
        self._hidden: set[str] = set()

    def look(self, row: Row) -> None:
        """Remember a folder, or a category that no portal shows."""
        if "visibility" in row and "name" in row:
            self._folders[text_of(row, "id")] = row
        elif row.get("visible_in_portals") == []:
            self._hidden.add(text_of(row, "id"))

    @staticmethod
    def is_article(row: Row) -> bool:
        """True for an article."""
        return {"folder_id", "title", "description"} <= row.keys()

    def record(self, row: Row) -> Record:
        """The record of an article; a draft is removed."""
        identifier, folder = text_of(row, "id"), self._folders.get(text_of(row, "folder_id"), {})
        if text_of(row, "status") == _DRAFT:
            return DeletedRecord(type="document", id=identifier)
        readers = self._readers(row)
        part = "support" if readers in (("public",), (_READERS[_SIGNED_IN],)) else "a"
        return DocumentRecord(
            id=identifier,
            title=text_of(row, "title"),
            body=html_text(text_of(row, "description")),
            owner=person_id(self._name, row.get("agent_id")),
            updated_at=moment(row["updated_at"], self._zone),
            url=f"{self._site}/{part}/solutions/articles/{identifier}" if self._site else None,
            group=text_of(folder, "name") or None,
            readers_there=readers,
            attachments=tuple(text_of(file, "name") for file in row.get("attachments") or ()),
        )

    def _readers(self, row: Row) -> tuple[str, ...] | None:
        """Who may read an article: those of the narrowest of its folder and the folders around it. None when one of
        them is not known."""
        category, levels = text_of(row, "category_id"), list[tuple[int, str]]()
        place = text_of(row, "folder_id")
        while place and len(levels) < len(self._folders) + 1:
            folder = self._folders.get(place)
            if folder is None:
                return None
            levels.append(_level(folder))
            category = category or text_of(folder, "category_id")
            place = text_of(folder, "parent_folder_id")
        if category in self._hidden:
            levels.append((int(_AGENTS), _READERS[_AGENTS]))
        return (max(levels, key=lambda level: level[0])[1],) if levels else None


def _level(folder: Row) -> tuple[int, str]:
    """(how narrow, name of the readers) of a folder."""
    visibility = text_of(folder, "visibility")
    if visibility in _READERS:
        return int(visibility), _READERS[visibility]
    chosen = _CHOSEN.get(visibility, f"visibility {visibility}")
    return int(_AGENTS) + 1, f"{text_of(folder, 'name')} ({chosen})"


def articles(all_rows: Callable[[str], list[Row]], solutions: Solutions) -> Iterator[Row]:
    """All articles. `all_rows` gives all rows of a list of the interface, and `solutions` looks at each folder."""

    def inside(folder: Row, category: str, parent: str = "") -> Iterator[Row]:
        identifier = text_of(folder, "id")
        solutions.look({"category_id": category, "parent_folder_id": parent, **folder})
        yield from all_rows(f"solutions/folders/{identifier}/articles")
        for below in all_rows(f"solutions/folders/{identifier}/subfolders") if folder.get("sub_folders_count") else ():
            yield from inside(below, category, identifier)

    for category in all_rows("solutions/categories"):
        solutions.look(category)
        number = text_of(category, "id")
        for folder in all_rows(f"solutions/categories/{number}/folders"):
            yield from inside(folder, number)
