"""syncing/widening.py: rules that come later open what is here when an admin asks for it, and nothing else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.configuration import ConfiguredSource
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import Located, RequestRecord
from indexer.sources.rest.options import RestOptions
from indexer.syncing.sync import SyncReport, _Seen, sync
from recommender import audit
from recommender.access import reader_of, request_audience
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import HelpRequest, Person, utc_now
from recommender.knowledge import requests
from recommender.language.analyzer import Analyzer
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, SystemServer, serving
from tests.indexer.sources.servers.zammad import ZammadServer

Run = Callable[..., SyncReport]
OPEN = {"Palvelu": ["everyone"]}


@pytest.fixture
def desk() -> Any:
    """A Zammad with two tickets of the group Palvelu."""
    desk = Desk()
    for title in ("Printer", "Scanner"):
        desk.add(title, "It is stuck.")
    with serving(ZammadServer(desk)) as server:
        yield server


@pytest.fixture
def run(
    desk: SystemServer, sessions: sessionmaker[Session], analyzer: Analyzer,
    add_person: Callable[..., int], monkeypatch: pytest.MonkeyPatch,
) -> Run:  # fmt: skip
    """Syncs the desk with rules about its readers."""
    add_person("aino", "agent", "it")
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)

    def run(audiences: dict[str, list[str]], widens: bool = False) -> SyncReport:
        options = {"place": desk.url, "allow_http": True, "team": "it", "audiences": audiences}
        configured = ConfiguredSource("desk", "zammad", RestOptions.model_validate(options))
        return sync(configured, sessions, analyzer, widens=widens)

    return run


def _readers(sessions: sessionmaker[Session]) -> dict[str, bool]:
    """Whether everyone may read each request, by title."""
    with sessions() as session:
        return {row.title: "everyone" in request_audience(row) for row in session.scalars(select(HelpRequest))}


def test_a_rule_that_comes_later_opens_only_with_a_word_of_an_admin(run: Run, sessions: sessionmaker[Session]) -> None:
    run({})
    assert run(OPEN).widened is None
    assert _readers(sessions) == {"Printer": False, "Scanner": False}
    opened = run(OPEN, widens=True)
    assert _readers(sessions) == {"Printer": True, "Scanner": True}
    assert opened.whole and opened.line().endswith("; items that more people may read: 2")
    assert opened.loaded.widened[0].startswith("request 1: person:") and ", team:it -> " in opened.loaded.widened[0]
    with sessions() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "request.audience")).all()
        assert [(entry.via, (entry.details or {})["widened"]) for entry in entries] == [("import", True)] * 2
    assert str(run(OPEN, widens=True).widened) == "items that more people may read: 0"


def test_readers_that_were_set_here_stay(run: Run, sessions: sessionmaker[Session]) -> None:
    run(OPEN)
    with sessions.begin() as session:
        printer = session.scalars(select(HelpRequest).where(HelpRequest.title == "Printer")).one()
        aino = session.scalars(select(Person).where(Person.handle == "aino")).one()
        requests.share(session, printer, reader_of(aino), shared=False)
    assert str(run(OPEN, widens=True).widened) == (
        "items that more people may read: 0; left, because their readers were set in Kollega: 1"
    )
    assert _readers(sessions) == {"Printer": False, "Scanner": True}


def test_what_the_audit_log_can_no_longer_tell_stays(run: Run, sessions: sessionmaker[Session]) -> None:
    run({})
    with sessions.begin() as session:
        audit.prune(session, utc_now() + timedelta(seconds=1))
        newest = session.scalars(select(HelpRequest).order_by(HelpRequest.id.desc())).first()
        assert newest is not None
        changed = update(HelpRequest).where(HelpRequest.id == newest.id)
        session.execute(changed.values(created_at=utc_now() + timedelta(seconds=2)))
        title = newest.title
    widened = run(OPEN, widens=True).widened
    assert widened is not None and (len(widened.lines), widened.set_here, widened.unknown) == (1, 0, 1)
    assert [name for name, is_open in _readers(sessions).items() if is_open] == [title]


def test_of_an_item_that_comes_twice_the_last_readers_hold() -> None:
    seen = _Seen(_Twice())
    assert len(list(seen.read())) == 3
    assert seen.readers == {("request", "2"): ("everyone",)}


class _Twice:
    """A source that gives a request to everyone, and says afterwards that there is no rule for its readers."""

    name, abilities = "desk", Abilities()

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        for number, audience in (("1", ["everyone"]), ("2", ["everyone"]), ("1", [])):
            values = {"id": number, "title": "x", "created_at": "2026-03-02T08:10:00", "readers_there": ["IT"]}
            yield Located("desk", 1, RequestRecord.model_validate({**values, "audience": audience}))
