"""What the code can use during a request: the settings, the recommender, its analyser, and a database session."""

import logging
from collections.abc import Callable

from flask import Flask, current_app, g, request
from sqlalchemy import Executable
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import execute_unless_busy
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings

log = logging.getLogger(__name__)


def attach(
    app: Flask, app_settings: Settings, app_recommender: Recommender, session_factory: sessionmaker[Session]
) -> None:
    """Store these parts in the app, and close the database session of each request when the request ends."""
    app.extensions["kollega_settings"] = app_settings
    app.extensions["kollega_recommender"] = app_recommender
    app.extensions["kollega_sessions"] = session_factory
    app.teardown_appcontext(_close_session)


def settings() -> Settings:
    """The settings that this application was made with."""
    app_settings: Settings = current_app.extensions["kollega_settings"]
    return app_settings


def recommender() -> Recommender:
    """The recommender. When a newer index generation is live, loading it begins."""
    app_recommender: Recommender = current_app.extensions["kollega_recommender"]
    app_recommender.refresh()
    return app_recommender


def analyzer() -> Analyzer:
    """The recommender's analyser; its dictionaries are loaded only once."""
    return recommender().analyzer


def session() -> Session:
    """This request's database session, opened when it is first used."""
    if "session" not in g:
        via = "api" if request.blueprint == "api" else "web"  # for the audit log
        g.session = current_app.extensions["kollega_sessions"](info={"via": via})
    database_session: Session = g.session
    return database_session


def note(statement: Executable) -> None:
    """Execute a small write of its own that may be skipped; it never makes the answer wait for another writer."""
    execute_unless_busy(current_app.extensions["kollega_sessions"].kw["bind"], statement)


def in_own_session(write: Callable[[Session], None], app: Flask) -> None:
    """Write in a database session of its own, after the request; an error is logged."""
    try:
        with app.extensions["kollega_sessions"].begin() as own:
            own.info["via"] = "web"
            write(own)
    except SQLAlchemyError as error:
        log.warning("After an answer something could not be stored: %s", type(error).__name__)


def _close_session(_error: BaseException | None) -> None:
    database_session = g.pop("session", None)
    if database_session is not None:
        database_session.close()
