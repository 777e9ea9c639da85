"""A mailbox and a chat kept in step: who may read, who wrote, what changes and what is gone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.configuration import ConfiguredSource
from indexer.sources.kinds import KINDS
from indexer.syncing.sync import SyncReport, sync
from recommender.access import request_audience
from recommender.database.tables import HelpRequest, Person, Team
from recommender.language.analyzer import Analyzer
from tests.indexer.sources.mail.imap_server import DOVECOT, PASSWORD, imap_server
from tests.indexer.sources.mail.mails import AINO, mail, mbox
from tests.indexer.sources.slack.test_export import CHECK, QUESTION, THREAD, export, said

Run = Callable[..., SyncReport]


@pytest.fixture
def run(sessions: sessionmaker[Session], analyzer: Analyzer) -> Run:
    """Reads a source of some kind with some options, for the team `tuki`."""
    with sessions.begin() as session:
        session.add(Team(handle="tuki", name="Tuki"))

    def read(name: str, kind: str, **options: Any) -> SyncReport:
        configured = ConfiguredSource(name, kind, KINDS[kind].options().model_validate({"team": "tuki", **options}))
        return sync(configured, sessions, analyzer)

    return read


def _requests(sessions: sessionmaker[Session]) -> dict[str, tuple[str, list[str], list[str]]]:
    """(body, audience, names of those who replied) of each request by its title."""
    with sessions() as session:
        return {
            row.title: (
                row.body,
                sorted(token for token in request_audience(row)),
                [reply.author.name if reply.author else "" for reply in row.replies],
            )
            for row in session.scalars(select(HelpRequest))
        }


def test_mail_is_for_the_team_and_people_are_one_in_mail_and_chat(
    run: Run, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    box = tmp_path / "tuki.mbox"
    box.write_bytes(mbox([mail(1, "Salasanani on Talvi2026x."), mail(2, "Vaihda akku.", AINO, "Re: Kone", 1)]))
    first = run("support", "mail", place=str(box))
    days = [QUESTION, said("U2", "1772438500.000200", "Katso ohje.", THREAD, reactions=[CHECK])]
    run("chat", "slack", place=str(export(tmp_path, {"tuki/2026-03-02.json": days})))
    found = _requests(sessions)
    assert found["Kone"] == ("Salasanani on [password].", ["person:1", "team:tuki"], ["Aino Virta"])
    assert found["Miten vaihdan @Aino Virta salasanan?"][1:] == (["everyone"], ["Aino Virta"])
    with sessions() as session:
        assert sorted(session.scalars(select(Person.handle))) == ["aino@example.fi", "matti@example.fi"]
    assert any("because no rule in audiences names their readers" in line for line in first.loaded.change_lines())


def test_a_rule_says_who_reads_a_mailbox(run: Run, sessions: sessionmaker[Session], tmp_path: Path) -> None:
    box = tmp_path / "kaikki.mbox"
    box.write_bytes(mbox([mail(1)]))
    run("support", "mail", place=str(box), audiences={"kaikki": ["everyone"]})
    assert _requests(sessions)["Kone"][1] == ["everyone"]


@pytest.mark.skipif(DOVECOT is None, reason="Dovecot (dovecot-imapd) is not installed")
def test_a_mailbox_on_a_server_is_kept_in_step(
    run: Run, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_SUPPORT_PASSWORD", PASSWORD)
    with imap_server() as mailbox:
        mailbox.put(1, mail(1))
        mailbox.put(2, mail(2, "Toinen asia", subject="Muu"))
        options = {"place": f"imap://localhost:{mailbox.port}", "user": "tuki"}
        assert run("support", "mail", **options).loaded.added == 3
        mailbox.put(3, mail(3, "Vaihda akku.", AINO, "Re: Kone", 1))
        second = run("support", "mail", **options)
        assert (second.whole, second.loaded.added, second.loaded.updated) == (False, 1, 1)
        assert _requests(sessions)["Kone"][2] == ["Aino Virta"]
        third = run("support", "mail", **options)
        assert third.loaded.problems == []
        assert third.loaded.line() == "0 added, 0 updated, 0 unchanged"
