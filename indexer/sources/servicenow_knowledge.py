"""Knowledge articles of ServiceNow: guides, and for whom its user criteria say.

Who may read an article must fit a criterion of its knowledge base and one of its own, where there are any. Their names
are the readers, called so that no group of agents is called the same; a rule of the source says who they are here.
Nothing is public by itself: whether an article without criteria may be read is said by a property that the interface
does not give.
"""

from collections.abc import Callable
from datetime import date
from itertools import product

from indexer.sources.records import DeletedRecord, DocumentRecord, Record
from indexer.sources.rest.paging import Row
from indexer.sources.servicenow_fields import is_named, shown, value_of
from indexer.sources.tickets import html_text, moment
from indexer.texts.wikitext import from_wikitext
from recommender.database.days import current_day

TABLE = "kb_knowledge"
_SHOWN = frozenset({"published", "pending_retirement"})
_MOST_READERS = 50  # combinations of criteria; more of them are for the team only: a judgement


class Knowledge:
    """Who may read knowledge bases, and articles. `is_known` once criteria were looked at: files do not have them."""

    def __init__(self) -> None:
        self.is_known = False
        self._may: dict[str, set[str]] = {}
        self._may_not: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}

    def look(self, all_rows: Callable[[str, str], list[Row]]) -> str:
        """Remember the criteria of knowledge bases; `all_rows` gives the rows of a table for a query. Returns a text
        that changes when they do."""
        self.is_known = True
        for held, table in ((self._may, "kb_uc_can_read_mtom"), (self._may_not, "kb_uc_cannot_read_mtom")):
            for row in all_rows(table, "ORDERBYsys_id"):
                held.setdefault(value_of(row, "kb_knowledge_base"), set()).add(value_of(row, "user_criteria"))
        for row in all_rows("user_criteria", "ORDERBYsys_id"):
            self._names[value_of(row, "sys_id")] = value_of(row, "name")
        tables = (self._may, self._may_not, {each: {name} for each, name in self._names.items()})
        return repr([sorted((each, sorted(held)) for each, held in table.items()) for table in tables])

    @staticmethod
    def is_article(row: Row) -> bool:
        """True for a row of the table of articles."""
        return "sys_id" in row and "workflow_state" in row and "kb_knowledge_base" in row

    def record(self, row: Row, owner: str | None, site: str) -> Record:
        """The record of an article; one that is not published, or not any more, is removed."""
        identifier, until = value_of(row, "sys_id"), value_of(row, "valid_to")
        is_over = bool(until) and date.fromisoformat(until[:10]) < current_day()
        if value_of(row, "workflow_state") not in _SHOWN or value_of(row, "active").lower() == "false" or is_over:
            return DeletedRecord(type="document", id=identifier)
        wiki = value_of(row, "wiki")
        is_wiki = value_of(row, "article_type") == "wiki" and bool(wiki)
        base = shown(row, "kb_knowledge_base") if is_named(row, "kb_knowledge_base") else ""
        return DocumentRecord(
            id=identifier,
            title=value_of(row, "short_description"),
            body=from_wikitext(wiki) if is_wiki else html_text(value_of(row, "text")),
            owner=owner,
            language=value_of(row, "language")[:2].lower() or None,
            updated_at=moment(value_of(row, "sys_updated_on")),
            url=f"{site}/kb_view.do?sys_kb_id={identifier}" if site else None,
            group=base or None,
            readers_there=self._readers(row, base),
        )

    def _readers(self, row: Row, base: str) -> tuple[str, ...] | None:
        """The names of those who may read an article: of its knowledge base, or of criteria that they fit all. None
        when it is not known."""
        fields = ("can_read_user_criteria", "cannot_read_user_criteria")
        if not (self.is_known and base) or not all(name in row for name in fields):
            return None
        place = value_of(row, "kb_knowledge_base")
        wanted = [
            self._named(self._may.get(place, ())) or [f"{base} (knowledge base)"],
            self._named(_several(row, fields[0])),
        ]
        wanted.append([f"role {role}" for role in _several(row, "roles") if role != "public"])
        sets = [names for names in wanted if names]
        refused = self._named(self._may_not.get(place, set()) | set(_several(row, fields[1])))
        without = f" without {', '.join(refused)}" if refused else ""
        names = {" and ".join(dict.fromkeys(each)) + without for each in product(*sets)}
        return tuple(sorted(names)) if len(names) <= _MOST_READERS else None

    def _named(self, criteria: "set[str] | list[str] | tuple[()]") -> list[str]:
        return sorted(f"{self._names.get(each, each)} (user criterion)" for each in criteria)


def _several(row: Row, name: str) -> list[str]:
    """The values of a field that has several, with commas."""
    return [each.strip() for each in value_of(row, name).split(",") if each.strip()]
