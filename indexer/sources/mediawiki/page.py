"""A page of MediaWiki as records: who wrote it last, and the document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import ValidationError

from indexer.sources.records import DocumentRecord, Located, first_problem
from indexer.sources.tickets import moment, person, person_id
from indexer.texts.markdown import one_line
from indexer.texts.wikitext import CATEGORIES, FILES, from_wikitext
from recommender.database.handles import visible
from recommender.sentences.sentence import Sentence

_WIKITEXT = frozenset({"", "wikitext", "text"})
_FILE, _CATEGORY = "6", "14"  # numbers of namespaces


@dataclass
class Page:
    """A page with its last revision. `text` is None when it was deleted; `author` is empty for somebody who was not
    signed in."""

    id: str = ""
    title: str = ""
    namespace: str = ""
    text: str | None = None
    changed: str = ""
    author: str = ""
    model: str = ""
    line: int = 0


@dataclass
class Wiki:
    """What is known of a wiki: names of its namespaces by their numbers, and where its pages are."""

    name: str
    namespaces: dict[str, str] = field(default_factory=dict)
    pages: str = ""
    readers: tuple[str, ...] | None = None

    def namespace_of(self, title: str) -> str:
        """The number of the namespace that a title is in, for old exports, which do not say it."""
        prefix = title.partition(":")[0] if ":" in title else ""
        return next((number for number, name in self.namespaces.items() if name and name == prefix), "0")

    def located(self, place: str, page: Page, other_names: list[str], known: set[str]) -> Iterator[Located]:
        """The records of a page that has a text for people; `known` are the authors who were yielded."""
        if page.text is None or page.model not in _WIKITEXT:
            return
        files = FILES | {self.namespaces.get(_FILE, "file").lower()}
        body = from_wikitext(page.text, files, CATEGORIES | {self.namespaces.get(_CATEGORY, "category").lower()})
        if not body:
            return
        try:
            if page.author and page.author not in known:
                known.add(page.author)
                if (author := person(self.name, page.author, page.author)) is not None:
                    yield Located(place, page.line, author)
            names = ", ".join(other_names)
            record = DocumentRecord(
                id=page.id,
                title=one_line(visible(page.title.replace("_", " "))),
                body=f"{body}\n\n({names})" if names else body,
                owner=person_id(self.name, page.author),
                updated_at=moment(page.changed),
                group=self.namespaces.get(page.namespace) or None,
                readers_there=self.readers,
                url=f"{self.pages}{quote(page.title.replace(' ', '_'))}" if self.pages else None,
            )
        except ValidationError as error:
            yield Located(
                place, page.line, None, Sentence("page %(id)s: %(problem)s", id=page.id, problem=first_problem(error))
            )
        except ValueError as error:
            yield Located(place, page.line, None, Sentence("page %(id)s: %(problem)s", id=page.id, problem=str(error)))
        else:
            yield Located(place, page.line, record)
