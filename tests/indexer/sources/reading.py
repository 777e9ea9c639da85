"""Reads a source in a test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.commands.source_options import checked_options
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Mark
from indexer.sources.records import DeletedRecord, DocumentRecord, Located, PersonRecord, RequestRecord


@dataclass
class Read:
    """What a source has yielded, by ids; problems are lines as the import prints them."""

    requests: dict[str, RequestRecord]
    documents: dict[str, DocumentRecord]
    people: dict[str, PersonRecord]
    deleted: list[DeletedRecord]
    problems: list[str]
    mark: str | None

    def replies(self, request: str) -> list[tuple[str, bool, bool]]:
        """(text, accepted, internal) of each reply."""
        return [(reply.body, reply.accepted, reply.internal) for reply in self.requests[request].replies]


def nothing() -> Read:
    """Nothing yet."""
    return Read({}, {}, {}, [], [], None)


def read(kind: str, place: Path | str, since: str | None = None, found: Read | None = None, **options: Any) -> Read:
    """All that the source of this kind yields, under the name of the kind; also in `found`, which has it after an
    error."""
    source = KINDS[kind].open(kind, checked_options(kind, kind, {"place": str(place), **options}))
    found = nothing() if found is None else found
    for each in source.read(since):
        if isinstance(each, Mark):
            found.mark = each.value
            continue
        assert isinstance(each, Located)
        match each.record:
            case RequestRecord():
                found.requests[each.record.id] = each.record
            case DocumentRecord():
                found.documents[each.record.id] = each.record
            case PersonRecord():
                found.people[each.record.id] = each.record
            case DeletedRecord():
                found.deleted.append(each.record)
            case None:
                found.problems.append(each.complaint(each.problem))
    return found
