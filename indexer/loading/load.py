"""Loads a source: adds what is new, updates what changed, leaves the rest, and reports what could not be loaded."""

from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.references import BadRecord
from indexer.loading.report import LoadReport
from indexer.loading.rows import RowLoader
from indexer.sources.records import Source
from recommender.errors import SourceError
from recommender.language.analyzer import Analyzer

_BATCH = 500  # records in one transaction; a judgement


def load(
    source: Source,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    progress: Callable[[int], None] = lambda _n: None,
) -> LoadReport:
    """Load a source's records into the database.

    A bad record is reported and all others are loaded. When the source itself cannot be read further, the records
    before that stay loaded, and the error is the last problem in the report.
    """
    report = LoadReport()
    with sessions() as session:
        loader = RowLoader(session, source.name, analyzer)
        try:
            for number, located in enumerate(source.records(), 1):
                progress(number)
                if located.record is None:
                    report.problems.append(located.complaint(located.problem))
                    continue
                try:
                    changes = [*located.changes, *loader.put(located.record, report)]
                except BadRecord as problem:
                    report.problems.append(located.complaint(str(problem)))
                    changes = []
                for change, value in changes:
                    report.tell(change, value, located.place)
                if number % _BATCH == 0:
                    session.commit()
                    session.expunge_all()
        except SourceError as error:
            report.problems.append(str(error))
        session.commit()
    return report
