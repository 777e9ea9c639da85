"""The XML export of one or more Confluence spaces: a ZIP with entities.xml, that file, or the folder with it.

The file is read twice, first for what is known about pages, people and rights, then for the texts, so that no more than
one text is in memory at once. Pages that are drafts, old versions, deleted or in an archived space are left out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from indexer.sources.archive import archive
from indexer.sources.confluence.comments import ExportedComments, with_comments
from indexer.sources.confluence.entities import Entity, read_entities
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.confluence.readers import EVERYBODY, UNKNOWN, Level, person, readers, space_level
from indexer.sources.protocol import Abilities, WholeSource
from indexer.sources.records import Change, DocumentRecord, Located, PersonRecord, first_problem
from indexer.sources.tickets import file_name, moment, person_id
from indexer.sources.tickets import person as person_record
from indexer.texts.html import elements
from indexer.texts.jira_markup import from_jira_markup
from indexer.texts.markdown import one_line
from indexer.texts.storage_format import from_storage_format
from recommender.database.handles import visible
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_FILE = "entities.xml"
_PAGES = frozenset({"Page", "BlogPost"})
_OF_APPS = "@connect.atlassian.com"  # accounts of apps that read a space
_WIKI_MARKUP, _STORAGE = "0", "2"  # values of bodyType
_KNOWN = _PAGES | {
    "Space", "SpacePermission", "ContentPermissionSet", "ContentPermission", "ConfluenceUserImpl", "Attachment",
    "Comment", "ContentProperty",
}  # fmt: skip

_BODIES = frozenset({"BodyContent"})


@dataclass
class _Contents:
    """What the first reading of an export has found, by ids."""

    pages: dict[str, Entity] = field(default_factory=dict)
    spaces: dict[str, Entity] = field(default_factory=dict)
    people: dict[str, Entity] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    viewers: dict[str, set[str]] = field(default_factory=dict)
    restricted: dict[str, str] = field(default_factory=dict)  # page by the set of its restrictions
    allowed: dict[str, set[str]] = field(default_factory=dict)  # names by that set
    comments: ExportedComments = field(default_factory=ExportedComments)


class ConfluenceExport(WholeSource):
    """An export of spaces, read as a whole."""

    abilities = Abilities(lists_all=True, audiences=True, people=True)

    def __init__(self, name: str, options: ConfluenceOptions) -> None:
        self.name, self._options = name, options
        self._place = Path(options.place)

    def records(self) -> Iterator[Located]:
        """The people who wrote pages, and the pages. Raises SourceError."""
        contents = _Contents()
        for entity in self._entities(_KNOWN):
            _note(entity, contents)
        if not (contents.pages or contents.spaces):
            raise SourceError(
                Sentence(
                    "%(place)s has no pages of Confluence. Export the space as XML, and give the ZIP, its folder,"
                    " or the file %(export_file)s.",
                    place=self._place, export_file=_FILE,
                )
            )  # fmt: skip
        people = {page.references.get("creator", "") for page in contents.pages.values() if _is_current(page, contents)}
        for key, entity in contents.people.items():
            if key in people and (record := self._person(entity)) is not None:
                yield Located(_FILE, entity.line, record)
        yield from self._old_people(contents)
        names = {key: entity.value("name") for key, entity in contents.people.items()}
        levels = _levels(contents)
        comments, site = contents.comments, self._options.address or ""
        if comments:
            for entity in self._entities(_BODIES):
                comments.read(entity, lambda body: _markdown(body, names, site))
        for entity in self._entities(_BODIES):
            page = contents.pages.get(entity.references.get("content", ""))
            if page is None or not _is_current(page, contents):
                continue
            text = _markdown(entity, names, site)
            if text:
                yield self._located(page, with_comments(text, comments.of(page.id)), contents, levels)

    def _entities(self, kinds: frozenset[str]) -> Iterator[Entity]:
        with self._file() as (file, name):
            yield from read_entities(file, name, kinds)

    @contextmanager
    def _file(self) -> Iterator[tuple[IO[bytes], str]]:
        place = self._place / _FILE if self._place.is_dir() else self._place
        try:
            with place.open("rb") as file:
                is_packed = file.read(2) == b"PK"
                file.seek(0)
                if not is_packed:
                    yield file, str(place)
                    return
        except OSError as error:
            raise SourceError(
                Sentence(
                    "%(place)s cannot be read: %(reason)s. Give the ZIP of a space export, or its folder.",
                    place=place, reason=reason_of(error),
                )
            ) from error  # fmt: skip
        with archive(place) as packed:
            names = [each for each in packed.names if each.rpartition("/")[2] == _FILE]
            if not names:
                raise SourceError(
                    Sentence(
                        "%(place)s has no %(export_file)s. Export the space as XML, not as HTML or PDF.",
                        place=place, export_file=_FILE,
                    )
                )  # fmt: skip
            with packed.open(min(names, key=len)) as inside:
                yield inside, f"{place}: {_FILE}"

    def _person(self, entity: Entity) -> PersonRecord | None:
        login = entity.value("name", "lowerName")
        try:
            return person_record(self.name, entity.id, login, entity.value("email") or login)
        except ValidationError:  # a name that cannot be stored: the page is kept without it
            return None

    def _old_people(self, contents: _Contents) -> Iterator[Located]:
        """The people whom exports of before 5.2 only name."""
        lines = {
            page.value("creatorName"): page.line for page in contents.pages.values() if _is_current(page, contents)
        }
        for name, line in lines.items():
            record = person_record(self.name, name, name)
            if record is not None:
                yield Located(_FILE, line, record)

    def _time_of(self, page: Entity, space: Entity | None) -> tuple[datetime, tuple[Change, ...]]:
        """(when the page was changed; what was done when the export does not say it). Raises ValueError."""
        zone = self._options.timezone
        written = page.value("lastModificationDate", "creationDate")
        if written:
            return moment(written, zone), ()
        of_space = space.value("lastModificationDate", "creationDate") if space else ""
        place = self._place / _FILE if self._place.is_dir() else self._place
        time = moment(of_space, zone) if of_space else datetime.fromtimestamp(place.stat().st_mtime, UTC)
        return time, (("pages without a time got that of the space or the file", ""),)

    def _located(self, page: Entity, text: str, contents: _Contents, levels: dict[str, Level]) -> Located:
        space = contents.spaces.get(page.references.get("space", ""))
        viewers = contents.viewers.get(space.id) if space else None
        author = page.references.get("creator") or page.references.get("lastModifier")
        address = (self._options.address or "").rstrip("/")
        try:
            updated_at, changes = self._time_of(page, space)
            record = DocumentRecord(
                id=page.id,
                title=one_line(visible(page.value("title"))),
                body=text,
                owner=person_id(self.name, author or page.value("creatorName", "lastModifierName")),
                updated_at=updated_at,
                group=space.value("key", "name") or None if space else None,
                readers_there=readers(
                    _level(viewers) if viewers else space_level(space.value("key", "name") if space else ""),
                    _restrictions(page, contents, levels),
                    frozenset(self._options.everyone),
                ),
                attachments=tuple(dict.fromkeys(contents.files.get(page.id, ()))),
                url=f"{address}/pages/viewpage.action?pageId={page.id}" if address else None,
            )
        except ValidationError as error:
            return Located(
                _FILE, page.line, None, Sentence("page %(id)s: %(problem)s", id=page.id, problem=first_problem(error))
            )
        except ValueError as error:
            return Located(_FILE, page.line, None, Sentence("page %(id)s: %(problem)s", id=page.id, problem=str(error)))
        return Located(_FILE, page.line, record, changes=changes)


def _note(entity: Entity, contents: _Contents) -> None:
    """Keep what is needed of an object."""
    contents.comments.note(entity)
    if entity.kind in _PAGES:
        entity.members.clear()
        contents.pages[entity.id] = entity
    elif entity.kind == "Space":
        contents.spaces[entity.id] = entity
    elif entity.kind == "ConfluenceUserImpl":
        contents.people[entity.id] = entity
    elif entity.kind == "SpacePermission" and entity.value("type") == "VIEWSPACE":
        contents.viewers.setdefault(entity.references.get("space", ""), set()).add(_subject(entity))
    elif entity.kind == "ContentPermissionSet" and entity.value("type") == "View":
        contents.restricted[entity.id] = entity.references.get("owningContent", "")
    elif entity.kind == "ContentPermission" and entity.value("type") == "View":
        contents.allowed.setdefault(entity.references.get("owningSet", ""), set()).add(_subject(entity))
    elif entity.kind == "Attachment" and entity.value("contentStatus") in ("", "current"):
        page = entity.references.get("containerContent") or entity.references.get("content")
        name = file_name(entity.value("title", "fileName"))
        if page and name and not entity.references.get("originalVersion"):
            contents.files.setdefault(page, []).append(name)


def _subject(permission: Entity) -> str:
    """Whom a permission is for: a group, a person, or everybody."""
    group = permission.value("group", "groupName")
    someone = permission.references.get("userSubject") or permission.value("userName")
    return group or (person(someone) if someone else "public")


def _level(names: set[str]) -> Level:
    people = frozenset(name for name in names if not name.endswith(_OF_APPS))
    return EVERYBODY if "public" in names else people or UNKNOWN


def _levels(contents: _Contents) -> dict[str, Level]:
    """The restrictions of each page that has some. One whose names are missing is not known."""
    logins = {person(key): person(entity.value("name") or key) for key, entity in contents.people.items()}
    for names in [*contents.allowed.values(), *contents.viewers.values()]:
        replaced = {logins.get(name, name) for name in names}
        names.clear()
        names.update(replaced)
    return {page: _level(contents.allowed.get(held, set())) for held, page in contents.restricted.items()}


def _restrictions(page: Entity, contents: _Contents, levels: dict[str, Level]) -> Iterator[Level | None]:
    """The restrictions of a page and of all above it. Those of a page that is missing are not known."""
    seen: set[str] = set()
    above: Entity | None = page
    while above is not None and above.id not in seen:
        seen.add(above.id)
        yield levels.get(above.id)
        parent = above.references.get("parent")
        if parent and parent not in contents.pages:
            yield UNKNOWN
        above = contents.pages.get(parent) if parent else None


def _is_current(page: Entity, contents: _Contents) -> bool:
    space = contents.spaces.get(page.references.get("space", ""))
    old = page.references.get("originalVersion") or page.value("originalVersionId")
    archived = space is not None and space.value("spaceStatus").upper() == "ARCHIVED"
    return page.value("contentStatus") in ("", "current") and not old and not archived


def _markdown(body: Entity, names: dict[str, str], site: str) -> str:
    """The text of a page; empty when it has none, or is in a form that is not for people."""
    text, form = body.values.get("body", ""), body.value("bodyType")
    if form == _WIKI_MARKUP or (not form and not ("<ac:" in text or elements(text))):  # before 4.0 there was no other
        return from_jira_markup(text, names)
    return from_storage_format(text, names, site) if form in ("", _STORAGE) else ""
