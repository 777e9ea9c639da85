"""Writes one record as a row of the database, with its replies and audience."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.references import BadRecord, References
from indexer.loading.report import LoadReport
from indexer.sources.records import (
    AnswerRecord,
    Change,
    DocumentRecord,
    LinkRecord,
    PersonNameRecord,
    PersonRecord,
    QuestionRecord,
    Record,
    ReplyRecord,
    RequestRecord,
    TeamRecord,
)
from indexer.texts.unreadable import readable
from recommender.database.tables import (
    OPEN,
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
    RequestLink,
    Team,
    utc_now,
)
from recommender.language.analyzer import Analyzer


class RowLoader:
    """Writes records of one source through one session."""

    def __init__(self, session: Session, source: str, analyzer: Analyzer) -> None:
        self._session = session
        self._source = source
        self._analyzer = analyzer
        self._references = References(session, source)

    def put(self, record: Record, report: LoadReport) -> list[Change]:
        """Write one record, and count in the report whether it was added, updated or unchanged. Returns what was left
        out of it. Raises BadRecord."""
        changes: list[Change] = []
        with self._session.no_autoflush:  # so that _changed() sees all changes of this record together
            written = self._write(record, report, changes)
        if written is None:
            return changes
        row, added = written
        changed = self._changed()
        if changed and isinstance(row, HelpRequest | Document | Person):
            row.updated_at = utc_now()
        self._session.flush()
        if added:
            report.added += 1
        elif changed:
            report.updated += 1
        else:
            report.unchanged += 1
        return changes

    def _write(self, record: Record, report: LoadReport, changes: list[Change]) -> tuple[Any, bool] | None:
        """(row, whether it is new); None when there is nothing to write."""
        match record:
            case TeamRecord():
                row, added = self._row(Team, Team.handle == record.id, handle=record.id)
                update(row, name=record.name, name_fi=record.name_fi)
                if added or "restricted" in record.model_fields_set:
                    update(row, restricted=record.restricted)
                return row, added
            case PersonRecord():
                return self._person(record, changes)
            case PersonNameRecord():
                person = self._session.scalar(select(Person).where(Person.handle == record.id))
                if person is None:
                    return None
                added = person.name == record.id != record.name  # until now only the handle was known
                update(person, name=record.name)
                return person, added
            case RequestRecord():
                return self._request(record, changes)
            case QuestionRecord():
                return self._question(record)
            case AnswerRecord():
                return self._answer(record)
            case DocumentRecord():
                return self._document(record, changes)
            case LinkRecord():
                link = self._link(record)
                report.skipped_links += link is None
                return link

    def _changed(self) -> bool:
        session = self._session
        return bool(session.new or session.deleted or any(session.is_modified(row) for row in session.dirty))

    def _row(self, table: type[Any], where: Any, **identity: Any) -> tuple[Any, bool]:
        row = self._session.scalar(select(table).where(where))
        if row is not None:
            return row, False
        row = table(**identity)
        self._session.add(row)
        return row, True

    def _person(self, record: PersonRecord, changes: list[Change]) -> tuple[Person, bool]:
        teams = self._references.teams_if_listed(record.teams, changes)
        row, added = self._row(Person, Person.handle == record.id, handle=record.id)
        values = {
            "name": record.name,
            "role": record.role,
            "languages": list(record.languages),
            "left_on": record.left_on,
            "away_until": record.away_until,
        }
        update(row, **{name: value for name, value in values.items() if added or name in record.model_fields_set})
        if "kind" in record.model_fields_set:
            update(row, stated_kind=record.kind)
        if not added and "teams" not in record.model_fields_set:
            return row, added
        if {team.id for team in row.teams} != {team.id for team in teams}:
            row.teams = list(dict.fromkeys(teams))
        return row, added

    def _request(self, record: RequestRecord, changes: list[Change]) -> tuple[HelpRequest, bool]:
        team = self._references.team(record.team, "team")
        asker = self._references.person_if_listed(record.asked_by, "asker", changes)
        default = () if team and team.restricted else ("everyone",)
        tokens = self._references.tokens(default if record.audience is None else record.audience)
        authors = [self._references.person_if_listed(reply.author, "author", changes) for reply in record.replies]
        row, added = self._existing_request(record.id)
        status = OPEN if record.status == OPEN else RESOLVED
        resolved_at = record.resolved_at
        if status == RESOLVED and resolved_at is None:
            resolved_at = max((reply.created_at for reply in record.replies), default=record.created_at)
        update(
            row,
            title=record.title,
            body=record.body,
            status=status,
            language=record.language or self._language(record.title, record.body),
            tags=list(record.tags),
            team_id=team.id if team else None,
            asked_by_id=asker,
            anonymous=record.anonymous,
            created_at=record.created_at,
            resolved_at=resolved_at,
            resolution=record.resolution,
            url=record.url,
        )
        replace_audience(row, RequestAudience, tokens)
        replace_replies(row, record.replies, authors)
        return row, added

    def _question(self, record: QuestionRecord) -> tuple[HelpRequest, bool]:
        asker = self._references.stub_id(record.asked_by)
        row, added = self._existing_request(record.id)
        update(
            row,
            title=record.title,
            body=record.body,
            language=self._language(record.title, record.body),
            tags=list(record.tags),
            asked_by_id=asker,
            created_at=record.created_at,
            accepted_external_id=record.accepted_reply,
        )
        if added:
            row.status = "open"
            replace_audience(row, RequestAudience, {"everyone"})
        return row, added

    def _answer(self, record: AnswerRecord) -> tuple[HelpRequest, bool]:
        request = self._references.request(record.request)
        if request is None:
            raise BadRecord(f"answer {record.reply.id} belongs to question {record.request}, which is missing")
        sent = record.reply
        author = self._references.stub_id(sent.author)
        reply = next((row for row in request.replies if row.external_id == sent.id), None)
        added = reply is None
        if reply is None:
            reply = Reply(external_id=sent.id)
            request.replies.append(reply)
        update(
            reply,
            author_id=author,
            body=sent.body,
            created_at=sent.created_at,
            accepted=sent.id == request.accepted_external_id,
            score=sent.score,
        )
        settle(request)
        return request, added

    def _document(self, record: DocumentRecord, changes: list[Change]) -> tuple[Document, bool]:
        team = self._references.team(record.team, "team")
        owner = self._references.person_if_listed(record.owner, "owner", changes)
        tokens = self._references.tokens(record.audience)
        where = (Document.source == self._source) & (Document.external_id == record.id)
        row, added = self._row(Document, where, source=self._source, external_id=record.id)
        update(
            row,
            title=record.title,
            body=record.body,
            language=record.language or self._language(record.title, record.body),
            team_id=team.id if team else None,
            owner_id=owner,
            written_at=record.updated_at,
            verified_on=record.verified_on,
            url=record.url,
        )
        replace_audience(row, DocumentAudience, tokens)
        return row, added

    def _link(self, record: LinkRecord) -> tuple[RequestLink, bool] | None:
        """(row, whether it is new); None when one of the requests does not exist: exports keep links to deleted
        requests."""
        ends = [self._references.request(identifier) for identifier in (record.from_request, record.to_request)]
        if ends[0] is None or ends[1] is None:
            return None
        identity = {"from_id": ends[0].id, "to_id": ends[1].id, "kind": record.kind}
        where = (
            (RequestLink.from_id == ends[0].id) & (RequestLink.to_id == ends[1].id) & (RequestLink.kind == record.kind)
        )
        row, added = self._row(RequestLink, where, **identity)
        return row, added

    def _existing_request(self, external_id: str) -> tuple[HelpRequest, bool]:
        row = self._references.request(external_id)
        if row is not None:
            return row, False
        row = HelpRequest(source=self._source, external_id=external_id)
        self._session.add(row)
        return row, True

    def _language(self, title: str, body: str) -> str:
        return self._analyzer.detect(f"{title}\n{readable(body)[0][:2000]}")


def update(row: Any, **values: Any) -> None:
    """Set only the values that differ, so that SQLAlchemy sees an unchanged row as unchanged."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def replace_audience(row: Any, table: type[Any], tokens: set[str]) -> None:
    """Make `tokens` the audience of a row. Entries that it has already are not written again."""
    if {entry.token for entry in row.audience} != tokens:
        staying = [entry for entry in row.audience if entry.token in tokens]
        row.audience = staying + [table(token=token) for token in sorted(tokens - {entry.token for entry in staying})]


def replace_replies(row: HelpRequest, records: Sequence[ReplyRecord], authors: Sequence[int | None]) -> None:
    """Make the source's replies those of the records, with `authors` by person id in the same order. Replies written in
    Kollega have no external id and stay."""
    outdated = {reply.external_id: reply for reply in row.replies}
    for record, author in zip(records, authors, strict=True):
        reply = outdated.pop(record.id, None)
        if reply is None:
            reply = Reply(external_id=record.id)
            row.replies.append(reply)
        update(
            reply,
            author_id=author,
            body=record.body,
            created_at=record.created_at,
            accepted=record.accepted,
            score=record.score,
        )
    for external_id, reply in outdated.items():
        if external_id is not None:
            row.replies.remove(reply)


def settle(request: HelpRequest) -> None:
    """Set the status of a request: resolved since its accepted reply, or its first upvoted reply, or else open."""
    solved = [reply for reply in request.replies if reply.accepted]
    solved = solved or [reply for reply in request.replies if reply.score > 0]
    first = min((reply.created_at for reply in solved), default=None)
    update(request, status="resolved" if first else "open", resolved_at=first)
