"""Fixtures for all tests: temporary homes, an encoder whose vectors can be computed by hand, the packaged model.

What is slow to make and the same for every test is made once in a session (`made_once`, `empty_database`,
`real_settings`).
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import inspect
from sqlalchemy.orm import Session, sessionmaker

from indexer.delivery import mail_server
from indexer.indexing.reindex import reindex
from recommender import accounts
from recommender.accounts import passwords
from recommender.accounts import sessions as sign_in_sessions
from recommender.database import engine
from recommender.database.days import use_zone
from recommender.database.engine import migrate, open_database, open_engine
from recommender.database.index_register import IndexRegister
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.encoder import Encoder, ModelCard
from recommender.encoder.load import load_encoder
from recommender.index import SearchIndex, generations
from recommender.index.engines import Engine, LocalEngine, engine_of
from recommender.index.local import LocalIndex
from recommender.language import alignment, dictionary
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings
from tests.apps import close_app
from tests.chromium import CHROMIUM, TIMEOUT
from tests.fake_encoder import FakeEncoder
from tests.milvus import ON_MILVUS, in_milvus, running_milvus
from tests.paths import ROOT
from tests.postgresql import ON_POSTGRESQL, Server, running_server, uses_postgresql
from tests.sharing import MemoryCache, build_addresses_when_asked, read_everyday_words_once, share_statements
from tests.timing import LONG
from web import health
from web.app import create_app
from web.mcp import client as mcp_client
from web.set_up import gate
from web.sign_in import oidc

BY_CHANCE = (
    "test_leaks.py", "test_non_interference.py", "test_disclosure.py", "test_damage.py", "test_kills.py",
    "test_form_fuzz.py", "test_openapi.py", "test_news_mail_kills.py", "test_sync_kills.py",
)  # fmt: skip
"""Files whose tests draw their cases by chance, beside those of Hypothesis."""
SLOWEST = (
    "tests/test_leaks.py",
    "tests/test_non_interference.py",
    "tests/test_stories.py",
    "tests/indexer/sources/demo/test_demo.py",
    "tests/web/api/test_openapi.py",
    "tests/web/test_form_fuzz.py",
    "tests/web/search/test_browser.py",
    "tests/web/test_keyboard.py",
    "tests/web/test_markdown.py",
)
"""The files that take longest, in the order in which they start. If one of them started last, one of the two processes
(`pytest -n 2 --dist loadfile`) would have nothing to do meanwhile."""
MODELS = Path(os.environ.get("KOLLEGA_TEST_MODELS", ROOT / "var" / "models"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files of SLOWEST first, and leave all others in their order. On PostgreSQL only the tests run that use a
    database of it: the others would do the same as on SQLite."""
    if ON_POSTGRESQL:
        left_out = [item for item in items if not uses_postgresql(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if uses_postgresql(item)]
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or item.path.name in BY_CHANCE:
            item.add_marker(pytest.mark.flaky(reruns=0))  # run again, it would draw other cases, which might pass
    places = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(ROOT).as_posix(), len(places)))


@pytest.fixture(scope="session", autouse=True)
def only_settings_of_tests() -> Iterator[None]:
    """Removes settings from the environment in which the tests were started, also for processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        for name, _default, _meaning in Settings.table():
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def make_empty(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes the file of a migrated, empty database when it is first asked for, and gives its path."""

    @cache
    def make() -> Path:
        home = tmp_path_factory.mktemp("empty")
        opened = open_engine(Settings(home=home))
        migrate(opened)
        opened.dispose()
        return home / "kollega.db"

    return make


@pytest.fixture(scope="session", autouse=True)
def made_once(make_empty: Callable[[], Path]) -> Iterator[None]:
    """Reads each shipped file once, compiles each template and statement once, migrates one empty database on SQLite,
    whose tables others get, and makes password hashes cheap.

    A file at any other path is read each time. `test_database.py` tests the migrations, and `test_accounts.py` the
    password hasher with its real cost.
    """
    load_dictionary, load_alignment = Dictionary.load, Alignment.load
    shipped_dictionary, shipped_alignment = cache(load_dictionary), cache(load_alignment)

    def dictionary_at(path: Path = dictionary.FILE) -> Dictionary:
        return shipped_dictionary() if path == dictionary.FILE else load_dictionary(path)

    def alignment_at(card: ModelCard | None, path: Path = alignment.FILE) -> Alignment:
        return shipped_alignment(card) if path == alignment.FILE else load_alignment(card, path)

    def make_tables(database: DatabaseEngine, to: str = "head") -> None:
        if database.dialect.name == "sqlite" and to == "head" and not inspect(database).get_table_names():
            with closing(sqlite3.connect(make_empty())) as empty, database.connect() as connection:
                empty.backup(connection.connection.driver_connection)
        else:
            migrate(database, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dictionary, "load", staticmethod(dictionary_at))
        patch.setattr(Alignment, "load", staticmethod(alignment_at))
        patch.setattr(engine, "migrate", make_tables)
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": MemoryCache()})
        for share in (share_statements, build_addresses_when_asked, read_everyday_words_once):
            share(patch)
        patch.setattr(passwords, "PASSWORD_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own."""
    with running_server() as started:
        yield started


@pytest.fixture
def store_address(request: pytest.FixtureRequest) -> str:
    """The address of a new, migrated and empty database on PostgreSQL with KOLLEGA_TEST_DATABASE=postgresql; else
    empty: SQLite in the home. A test that says something about SQLite alone has the mark `sqlite_only`."""
    if request.node.get_closest_marker("sqlite_only") or not ON_POSTGRESQL:
        return ""
    server: Server = request.getfixturevalue("server")
    return server.new_database(request)


@pytest.fixture(scope="session")
def milvus_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a Milvus in its library form, which the tests of one process share: each store has its own
    collections in it."""
    with running_milvus(tmp_path_factory.mktemp("milvus") / "index.db") as file:
        yield file


@pytest.fixture(scope="session")
def empty_database(make_empty: Callable[[], Path]) -> Path:
    """The file of a migrated, empty database, which tests copy."""
    return make_empty()


@pytest.fixture
def settings(tmp_path: Path, store_address: str, request: pytest.FixtureRequest) -> Settings:
    """Settings with a home of their own, for the fake encoder; nobody has to sign in. The second look is off: it was
    fitted on the vectors of a real model."""
    home = tmp_path / "home"
    made = Settings(home=home, database=store_address, model="fake", anonymous_reading=True, reranker="none")
    return in_milvus(made, request) if ON_MILVUS else made


@pytest.fixture
def sessions(settings: Settings, empty_database: Path) -> Iterator[sessionmaker[Session]]:
    """A migrated, empty database."""
    settings.home.mkdir(mode=0o700)
    if not settings.database:
        shutil.copy(empty_database, settings.home)
    factory = open_database(settings)
    yield factory
    factory.kw["bind"].dispose()


@pytest.fixture
def ready_home(tmp_path: Path, empty_database: Path) -> Path:
    """A home for a process that a test starts, which need not make the tables first."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(empty_database, home)
    return home


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """The real analyser; its dictionaries are kept on disk for the next run."""
    return Analyzer(MODELS / "dictionaries")


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home of its own that shares the rebuilt and exported models, which take half a minute to make."""
    home = tmp_path_factory.mktemp("real")
    MODELS.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(MODELS, target_is_directory=True)
    return Settings(home=home)


@pytest.fixture(scope="session")
def real_encoder(real_settings: Settings) -> Encoder:
    """The packaged model, loaded once."""
    return load_encoder(real_settings)


@pytest.fixture
def add_request(sessions: sessionmaker[Session]) -> Callable[..., int]:
    """Adds a resolved request and returns its id; people and teams are added when they are first named."""

    def add(
        title: str,
        body: str = "",
        answer: str = "It works now.",
        *,
        by: str = "aino",
        asked_by: str | None = None,
        team: str | None = None,
        audience: Sequence[str] = ("everyone",),
        language: str = "en",
        status: str = "resolved",
        at: datetime = datetime(2026, 1, 1),
        source: str = "elsewhere",
    ) -> int:
        with sessions.begin() as session:
            request = HelpRequest(
                source=source,
                title=title,
                body=body,
                language=language,
                status=status,
                team_id=_team(session, team).id if team else None,
                asked_by_id=_person(session, asked_by).id if asked_by else None,
                created_at=at,
                resolved_at=at,
                audience=[RequestAudience(token=token) for token in audience],
            )
            request.replies.append(Reply(author=_person(session, by), body=answer, created_at=at, accepted=True))
            session.add(request)
            session.flush()
            return request.id

    return add


@pytest.fixture
def reindexed(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[..., LocalIndex]:
    """Updates the index from the database and opens it."""

    def run(full: bool = False) -> LocalIndex:
        reindex(settings, sessions, encoder, analyzer, full)
        return open_index(settings, encoder)

    return run


@pytest.fixture
def add_document(sessions: sessionmaker[Session]) -> Callable[..., int]:
    """Adds a document and returns its id."""

    def add(
        title: str,
        body: str,
        audience: Sequence[str] = ("everyone",),
        hidden: bool = False,
        *,
        team: str | None = None,
        owner: str | None = None,
        verified_by: str | None = None,
        draft: bool = False,
        at: datetime = datetime(2026, 1, 5),
    ) -> int:
        with sessions.begin() as session:
            row = Document(
                title=title,
                body=body,
                language="en",
                hidden=hidden,
                draft=draft,
                team_id=_team(session, team).id if team else None,
                owner_id=_person(session, owner).id if owner else None,
                verified_by_id=_person(session, verified_by).id if verified_by else None,
                verified_on=at.date() if verified_by else None,
                written_at=at,
                audience=[DocumentAudience(token=token) for token in audience],
            )
            session.add(row)
            session.flush()
            return row.id

    return add


@pytest.fixture
def open_recommender(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[[], Recommender]:
    """Indexes the items in the database and opens a recommender on them."""

    def opened() -> Recommender:
        reindex(settings, sessions, encoder, analyzer)
        recommender = make_recommender(settings, analyzer, encoder)
        recommender.refresh(wait=True)
        return recommender

    return opened


def open_index(settings: Settings, encoder: Encoder) -> Any:
    """The live generation of the index: a LocalIndex, unless the settings say that it is in Milvus."""
    if settings.index == LocalEngine.name:
        return LocalIndex.open(settings.index_dir, encoder.card)
    return _engine(settings).open_generation(generations.live(settings.index_dir), encoder.card)


def _engine(settings: Settings) -> Engine:
    return engine_of(settings, IndexRegister(settings))


def make_recommender(
    settings: Settings,
    analyzer: Analyzer,
    encoder: Encoder | None,
    index: SearchIndex | None = None,
    notices: tuple[str, ...] = (),
) -> Recommender:
    """A recommender on this index, with the shipped models; `refresh` makes it load the live generation."""
    questions = QuestionAnalyzer.load(analyzer, settings)
    return Recommender(
        settings, questions, Live(settings.index_dir, Snapshot(index, encoder, notices), _engine(settings))
    )


@pytest.fixture(autouse=True)
def days_in_utc() -> Iterator[None]:
    """Days are those of UTC again when a test has ended."""
    yield
    use_zone(UTC)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other work on the machine may not make a check of `/health/ready`, a sign-in or a mail fail."""
    monkeypatch.setattr(health, "SECONDS", 30.0)
    for module in (oidc, mail_server):
        monkeypatch.setattr(module, "_TIMEOUT", LONG)
    monkeypatch.setattr(mcp_client, "_SECONDS", LONG)


@pytest.fixture(autouse=True)
def set_up_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page leads to the set-up: most tests need nobody who can sign in. Tests of the set-up replace this."""
    monkeypatch.setattr(gate, "is_needed", lambda: False)


@pytest.fixture
def open_client(settings: Settings, open_recommender: Callable[[], Recommender]) -> Iterator[Callable[[], FlaskClient]]:
    """Opens a test client of the web application, with the items in the database indexed."""
    apps = []

    def opened() -> FlaskClient:
        apps.append(create_app(settings, recommender=open_recommender()))
        return apps[-1].test_client()

    yield opened
    for app in apps:
        close_app(app)


@pytest.fixture
def add_person(sessions: sessionmaker[Session]) -> Callable[..., int]:
    """Adds a person, or changes an existing one, and returns their id."""

    def add(handle: str, role: str = "staff", *teams: str, restricted: Sequence[str] = ()) -> int:
        with sessions.begin() as session:
            person = _person(session, handle)
            person.role, person.teams = role, [_team(session, team) for team in teams]
            for team in person.teams:
                team.restricted = team.handle in restricted or team.restricted
            return person.id

    return add


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def unlimited() -> dict[str, str]:
    """Settings with which nobody searches or calls the API too often."""
    return dict.fromkeys(("api_rate", "search_rate", "visitor_search_rate"), "1000000 per second")


def sign_in(client: FlaskClient, handle: str) -> FlaskClient:
    """Another client of the same application, in which this person has signed in; its forms need no CSRF token."""
    app = client.application
    app.config["WTF_CSRF_ENABLED"] = False
    with app.extensions["kollega_sessions"].begin() as session:
        person = session.query(Person).filter_by(handle=handle).one()
        accounts.open_account(session, person)
        way, awaits = sign_in_sessions.PASSWORD, sign_in_sessions.CODE
        row, identity = sign_in_sessions.begin(session, person, way, days=1, awaits=awaits)
        row.awaits = ""  # afterwards, so that the audit log of a test has only what the test does
    visitor = app.test_client()
    with visitor.session_transaction() as values:
        values["_user_id"], values["_fresh"] = identity, True
    return visitor


def _team(session: Session, handle: str) -> Team:
    team = session.query(Team).filter_by(handle=handle).one_or_none()
    if team is None:
        team = Team(handle=handle, name=handle.upper())
        session.add(team)
        session.flush()
    return team


def _person(session: Session, handle: str) -> Person:
    person = session.query(Person).filter_by(handle=handle).one_or_none()
    if person is None:
        person = Person(handle=handle, name=handle.title())
        session.add(person)
        session.flush()
    return person
