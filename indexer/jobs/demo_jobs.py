"""The job that loads the demo organisation into an installation that has nothing else, or removes it again."""

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.jobs.demo_in_use import people_in_use, team_in_use
from indexer.jobs.running import RunningJob
from indexer.loading.stated import key_of
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import DocumentRecord, Located, PersonRecord, Record, RequestRecord, TeamRecord
from recommender import audit
from recommender.audit import Actor
from recommender.database.import_tables import ImportedRecord, digest, forget_imported, record_key
from recommender.database.job_tables import Job
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.errors import SourceError
from recommender.first_run import demo as demo_here
from recommender.knowledge import attachments, erasure
from recommender.sentences.sentence import Sentence
from recommender.teams import removing

Kind = TypeVar("Kind", PersonRecord, TeamRecord, RequestRecord, DocumentRecord)
_AT_ONCE = 50  # items that are removed in one transaction, so that others may write in between: a judgement


def demo(job: RunningJob) -> dict[str, Any]:
    """Load the demo organisation, of which nobody becomes a lead or an admin; with `remove`, take it away again."""
    return _remove(job) if job.payload.get("remove") else _load(job)


def _load(job: RunningJob) -> dict[str, Any]:
    from indexer.loading.before_loading import without_roles
    from indexer.loading.load import load
    from indexer.texts.masking import MaskingRules

    with job.sessions() as session:
        if not demo_here.is_possible(session):
            raise SourceError(
                Sentence("There are requests or guides of your own here. The demo is only loaded where there are none.")
            )
        own_teams, own_people = _own(session)
    if taken := sorted({record.id for record in _records(PersonRecord)} & own_people):
        raise SourceError(
            Sentence(
                "Somebody here has the user name %(handle)s, as one of the people of the demo has. Nothing of"
                " theirs may be mixed up, so the demo cannot be loaded here. Try it in a folder of its own: "
                "kollega demo --serve",
                handle=taken[0],
            )
        )
    job.report(stage="loading")
    source = _BesideOwn(_source(), own_teams)
    report = load(
        without_roles(source), job.sessions, job.analyzer, lambda done: job.report(done, None, "records"),
        mask=MaskingRules(job.settings.masked),
    )  # fmt: skip
    job.note(report.line())
    if report.broken_off:
        raise SourceError(report.broken_off)
    return {**report.counts(), "problem_count": report.problems.total, "problems": [*report.problems]}


def _source() -> Source:
    from indexer.sources.demo import DemoSource
    from recommender.database.days import current_day

    return DemoSource(current_day())


def _records(kind: type[Kind]) -> list[Kind]:
    """What the demo has of a kind."""
    return [record for record in _all_records() if isinstance(record, kind)]


def _all_records() -> list[Record]:
    found = (located.record for located in _source().read() if isinstance(located, Located))
    return [record for record in found if record is not None]


def _own(session: Session) -> tuple[set[str], set[str]]:
    """The handles of the teams and of the people who are here and did not come with the demo."""
    teams = set(session.scalars(select(Team.handle))) - {
        record.id for record in _came_with_it(session, TeamRecord, "team")
    }
    people = set(session.scalars(select(Person.handle))) - {
        record.id for record in _came_with_it(session, PersonRecord, "person")
    }
    return teams, people


class _BesideOwn:
    """The demo without what would change a team that is here. Its requests go to that team."""

    def __init__(self, source: Source, teams: set[str]) -> None:
        self.name, self.abilities, self._source, self._teams = source.name, source.abilities, source, teams

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What the demo yields."""
        for located in self._source.read(since):
            record = located.record if isinstance(located, Located) else None
            if not (isinstance(record, TeamRecord) and record.id in self._teams):
                yield located


def _remove(job: RunningJob) -> dict[str, Any]:
    with job.sessions() as session:
        actor = audit.actor(session, session.get_one(Job, job.number).made_by_id)
    job.report(stage="removing")
    removed = _remove_items(job, actor)
    with job.sessions.begin() as session:
        came: list[Record] = [*_came_with_it(session, PersonRecord, "person")]
        came += _came_with_it(session, TeamRecord, "team")
        people, kept_people = _remove_people(session, actor)
        teams, kept_teams = _remove_teams(session, actor)
        items = [record for record in _all_records() if not isinstance(record, PersonRecord | TeamRecord)]
        forget_imported(session, [key_of(record) for record in (*items, *came)], demo_here.SOURCE)
        counts = {"removed": removed, "people": people, "teams": teams}
        audit.record(session, actor, "demo.removed", "store", counts)
    with job.sessions() as session:
        attachments.clean_up(session, job.settings)
    problems = [
        Sentence(
            "%(name)s stays: they have an account, or something that did not come with the demo names them. Disable or "
            "erase them on their page.",
            name=name,
        )
        for name in kept_people
    ]
    problems += [
        Sentence(
            "The team %(name)s stays: something belongs to it, or its members or settings are not those of the demo. "
            "Its page says what.",
            name=name,
        )
        for name in kept_teams
    ]
    return {**counts, "problem_count": len(problems), "problems": problems}


def _remove_items(job: RunningJob, actor: Actor) -> int:
    removed = 0
    while True:
        with job.sessions.begin() as session:
            requests = session.scalars(_some(HelpRequest, demo_here.REQUEST_IDS)).all()
            documents = [] if requests else session.scalars(_some(Document, demo_here.DOCUMENT_IDS)).all()
            for request in requests:
                erasure.remove_request(session, request, actor)
            for document in documents:
                erasure.remove_document(session, document, actor)
        if not requests and not documents:
            return removed
        removed += len(requests) + len(documents)
        job.report(removed)


def _some(table: Any, ids: Collection[str]) -> Any:
    named = table.source == demo_here.SOURCE, table.external_id.in_(ids)
    return select(table).where(*named).order_by(table.id).limit(_AT_ONCE)


def _remove_people(session: Session, actor: Actor) -> tuple[int, list[str]]:
    """Remove the people of the demo who are not in use; how many, and the user names of those who stay."""
    removed, kept = 0, []
    handles = [record.id for record in _came_with_it(session, PersonRecord, "person")]
    people = session.scalars(select(Person).where(Person.handle.in_(handles)).order_by(Person.id)).all()
    used = people_in_use(session, people)
    for person in people:
        handle = person.handle
        if person.id in used:
            kept.append(handle)
            continue
        erasure.erase_person(session, person, actor)
        for name in ((handle,), (demo_here.SOURCE, handle)):
            erasure.forget(session, erasure.PERSON, *name)  # the demo may come in again
        removed += 1
    return removed, kept


def _remove_teams(session: Session, actor: Actor) -> tuple[int, list[str]]:
    """Remove the teams of the demo that are not in use; how many, and the handles of those that stay."""
    removed, kept = 0, []
    of_demo = {record.id for record in _came_with_it(session, PersonRecord, "person")}
    for record in _came_with_it(session, TeamRecord, "team"):
        team = session.scalar(select(Team).where(Team.handle == record.id))
        if team is None:
            continue
        if removing.belongings(session, team).keep_it or team_in_use(session, team, record, of_demo):
            kept.append(record.id)
            continue
        removing.remove(session, team, actor)
        removed += 1
    return removed, kept


def _came_with_it(session: Session, kind: type[Kind], name: str) -> list[Kind]:
    """The people or teams that came with the demo. One of the same user name that a source of the organisation's own
    has brought, which could once be called as the demo is, has another name."""
    rows = session.scalars(select(ImportedRecord).where(ImportedRecord.source == demo_here.SOURCE))
    names = {row.key: row.fields.get("name") for row in rows}
    records: list[Any] = _records(kind)
    return [record for record in records if names.get(record_key(name, record.id)) == digest(record.name)]
