"""A keyword index of an earlier version: until it is written anew, search by meaning answers alone."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.chosen import planned
from indexer.indexing.kept import roll_back
from indexer.indexing.reindex import reindex
from recommender.access import ANYONE
from recommender.database.index_register import IndexRegister
from recommender.database.tables import RequestAudience
from recommender.datatypes import KEYWORDS_MISSING
from recommender.encoder import _UNRELATED
from recommender.errors import IndexDamaged, IndexNotFound
from recommender.index import generations
from recommender.index.engines import engine_of
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.monitoring.checks import search
from recommender.settings import Settings
from tests.conftest import FakeEncoder, make_recommender
from tests.recommender.index.earlier import with_earlier_keywords


@pytest.fixture
def indexed(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
) -> None:
    """Two requests in an index whose keyword index is one of an earlier version."""
    for title in ("Printer stuck", "VPN fails"):
        number = add_request(title, "Since this morning", "Try again")
        with sessions.begin() as session:
            session.merge(RequestAudience(request_id=number, token="everyone"))
    reindex(settings, sessions, encoder, analyzer)
    with_earlier_keywords(settings.index_dir)
    encoder.encoded.clear()


@pytest.mark.usefixtures("indexed")
def test_the_next_run_writes_it_anew_and_encodes_nothing(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    before = generations.live(settings.index_dir)
    report = reindex(settings, sessions, encoder, analyzer, by_times=True)
    assert (report.items, report.encoded, report.removed) == (2, 0, 0)
    assert [text for text in encoder.encoded if text not in _UNRELATED] == []
    assert generations.live(settings.index_dir) != before
    index = LocalIndex.open(settings.index_dir, encoder.card)
    hits = index.search(None, analyzer.query_terms("printer"), ANYONE.tokens, 10)
    assert [hit.item for hit in hits] == ["request:1"]
    again = reindex(settings, sessions, encoder, analyzer, by_times=True)
    assert again.generation == report.generation
    assert planned(settings, sessions, False, None).line().endswith("0 new, 0 changed, 0 to remove")


@pytest.mark.usefixtures("indexed")
def test_a_dry_run_tells_that_all_is_written_anew(settings: Settings, sessions: sessionmaker[Session]) -> None:
    line = planned(settings, sessions, False, None).line()
    assert line.endswith("0 to remove; the keyword index is of another version, so all items are written anew, "
                         "without encoding them")  # fmt: skip


@pytest.mark.usefixtures("indexed")
def test_a_generation_of_before_cannot_be_used_again(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    now = reindex(settings, sessions, encoder, analyzer).generation
    with pytest.raises(IndexDamaged, match=r"gen-000001 cannot be used again\. The keyword index was made by another"):
        roll_back(settings)
    assert generations.live_name(settings.index_dir) == now


@pytest.mark.usefixtures("indexed")
def test_a_part_alone_is_not_indexed_before(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    """The rest would be missing from the index."""
    live = generations.live_name(settings.index_dir)
    with pytest.raises(IndexNotFound, match="Run: kollega reindex"):
        reindex(settings, sessions, encoder, analyzer, only=lambda _session: ["request:1"])
    with pytest.raises(IndexNotFound, match="Run: kollega reindex"):
        planned(settings, sessions, False, lambda _session: ["request:1"])
    assert generations.live_name(settings.index_dir) == live


@pytest.mark.usefixtures("indexed")
def test_until_then_search_by_meaning_answers_alone_and_the_checks_tell_it(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    recommender = make_recommender(settings, analyzer, encoder, None)
    recommender.refresh(wait=True)
    with sessions() as session:
        found = recommender.recommend("printer", ANYONE, session)
    assert KEYWORDS_MISSING in found.notices
    assert len(found.suggestions) == 2
    findings = list(search.index(settings, engine_of(settings, IndexRegister(settings, sessions)), deep=False))
    assert [finding.code for finding in findings] == ["index", "index_keywords_of_earlier_version"]
    assert str(findings[-1].advice) == "Run: kollega reindex"
