"""What an admin has to know of an uploaded file before it is loaded: what it replaces, and whom it gives a role."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import batches
from indexer.loading.prepare import Preparation
from indexer.loading.report import LoadReport
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import Located, PersonRecord, Record
from indexer.texts.masking import MaskingRules
from recommender.access import LEADS
from recommender.language.analyzer import Analyzer
from recommender.sentences.sentence import Sentence
from recommender.uploads.upload import Upload

ROLES_LEFT_OUT = Sentence("people were not made leads or admins, because nobody has confirmed it")


def compared(source: Source, sessions: sessionmaker[Session], analyzer: Analyzer, mask: MaskingRules) -> dict[str, int]:
    """How many records of a file are `new`, are there already and `replaced`, or are the `same` as in the earlier
    upload of this source. Nothing is written. Raises SourceError."""
    counts, report = {"new": 0, "replaced": 0}, LoadReport()
    preparation = Preparation(source.name, analyzer, mask)
    records = (located for located in source.read() if isinstance(located, Located))
    with sessions() as session:
        for batch in batches(records):
            for prepared in preparation.changed(session, batch, report) if isinstance(batch, list) else ():
                counts["new" if prepared.is_new else "replaced"] += 1
    return counts | {"same": report.unchanged}


def role_given(record: Record) -> list[dict[str, str]]:
    """Who becomes a lead or an admin by a record: an `id`, `name` and `role`; empty for nobody."""
    if not isinstance(record, PersonRecord) or record.role not in LEADS:
        return []
    return [{"id": record.id, "name": record.name, "role": record.role}]


def with_confirmed_roles(source: Source, upload: Upload) -> Source:
    """The source of an upload, which makes nobody a lead or an admin unless an admin has confirmed it."""
    return source if upload.choice.get("roles") is True else without_roles(source)


def without_roles(source: Source) -> Source:
    """A source that makes nobody a lead or an admin."""
    return _WithoutRoles(source)


class _WithoutRoles:
    """A source whose people get no role that lets them read or do more than those who answer."""

    def __init__(self, source: Source) -> None:
        self.name, self.abilities, self._source = source.name, source.abilities, source

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What the source yields. Raises SourceError as the source does."""
        for located in self._source.read(since):
            record = located.record if isinstance(located, Located) else None
            if isinstance(located, Located) and isinstance(record, PersonRecord) and role_given(record):
                values = record.model_dump(exclude={"role"}, exclude_unset=True)
                changes = (*located.changes, (ROLES_LEFT_OUT, record.id))
                yield replace(located, record=type(record).model_validate(values), changes=changes)
            else:
                yield located
