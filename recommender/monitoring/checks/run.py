"""Makes all checks, in the order in which somebody would look for a fault: each goes on when another one fails."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.index_register import IndexRegister
from recommender.encoder import Encoder
from recommender.index.engines import engine_of
from recommender.index.generations import ENGINE
from recommender.monitoring.checks import configuration, machine, network, search, store
from recommender.monitoring.checks.finding import Finding, failed
from recommender.outbox import mail
from recommender.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """How thoroughly to look: `deep` reads every file of the index and all of the database, `network` asks other
    servers. `encoder` is a model that is loaded already."""

    deep: bool = True
    network: bool = True
    encoder: Encoder | None = None


def all_findings(settings: Settings, wanted: Wanted) -> Iterator[Finding]:
    """What every check has found. Writes nothing but a small file in the home directory, which is removed at once.
    Files of Kollega that other accounts could read are closed to them afterwards, as by every command."""
    yield from _safely("versions", machine.versions)
    yield from _safely("machine", machine.memory)
    yield from _safely("home", lambda: machine.disk(settings.home))
    yield from _safely("permissions", lambda: machine.permissions(settings))
    yield from _of_settings(settings)
    try:
        engine, findings = store.open_store(settings)
    except Exception as error:
        engine, findings = None, [failed("database", error)]
    yield from findings
    try:
        if engine is not None:
            yield from _of_database(settings, engine, wanted)
        yield from _of_search(settings, engine, wanted)
    finally:
        if engine is not None:
            engine.dispose()
    if wanted.network:
        yield from _safely("mail server", lambda: network.mail_server(settings))
        yield from _safely("sign-in", lambda: network.openid_provider(settings))


def _of_settings(settings: Settings) -> Iterator[Finding]:
    yield from _safely("settings", lambda: configuration.settings_known(settings))
    yield from _safely("secret key", lambda: configuration.secret_key(settings, store.is_on_server(settings)))
    yield from _safely("address", lambda: configuration.address(settings))
    yield from _safely("time zone", lambda: configuration.time_zone(settings))


def _of_database(settings: Settings, engine: Engine, wanted: Wanted) -> Iterator[Finding]:
    def queues(session: Session) -> Iterator[Finding]:
        lengths = mail.queue_lengths(session)
        yield from network.waiting_mail(lengths[mail.WAITING], lengths[mail.FAILED])

    checks: dict[str, Callable[[Session], Iterable[Finding]]] = {
        **({"database": store.integrity} if wanted.deep else {}),
        "clock": store.clock,
        "backup": store.last_backup,
        "jobs": store.jobs,
        "sources": store.sources,
        "mail": queues,
        "index": lambda session: search.agreement(settings, session),
    }
    for name, check in checks.items():
        with Session(engine) as session:
            yield from _safely(name, lambda check=check, session=session: check(session))  # type: ignore[misc]
    yield from _safely("watcher", lambda: store.watcher(settings, engine))


def _of_search(settings: Settings, engine: Engine | None, wanted: Wanted) -> Iterator[Finding]:
    if engine is not None or settings.index == ENGINE:  # in Milvus the database says what is there
        register = IndexRegister(settings, sessionmaker(engine) if engine is not None else None)
        yield from _safely("index", lambda: search.index(settings, engine_of(settings, register), wanted.deep))
    yield from _safely("model", lambda: search.model(settings, wanted.encoder))
    yield from _safely("synonyms", lambda: search.words(settings))
    yield from _safely("learned", lambda: search.learned_models(settings))


def _safely(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What a check has found; what it raises is found too, since one fault must not hide the others."""
    found: list[Finding] = []
    try:
        for finding in check():
            found.append(finding)  # those before an error stay
    except Exception as error:
        found.append(failed(name, error))
    return found
