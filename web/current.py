"""What the code can use during a request: the settings, the recommender, its analyser, and a database session."""

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session, sessionmaker

from recommender.knowledge.counting import Counting
from recommender.language.analyzer import Analyzer
from recommender.organisation.values import Organisation, Values
from recommender.recommender import Recommender
from recommender.settings import Settings


def attach(app: Flask, app_settings: Settings, session_factory: sessionmaker[Session]) -> None:
    """Store these parts in the app, and close the database session of each request when the request ends."""
    app.extensions["kollega_settings"] = app_settings
    app.extensions["kollega_values"] = Values(session_factory)
    app.extensions["kollega_sessions"] = session_factory
    app.extensions["kollega_counting"] = Counting(app_settings)
    app.teardown_appcontext(_close_session)


def answer_with(app: Flask, app_recommender: Recommender) -> None:
    """Store what answers questions in the app."""
    app.extensions["kollega_recommender"] = app_recommender


def settings() -> Settings:
    """The settings, with what the organisation has set."""
    return organisation().settings


def environment() -> Settings:
    """The settings of the environment, without what the organisation has set."""
    app_settings: Settings = current_app.extensions["kollega_settings"]
    return app_settings


def organisation() -> Organisation:
    """What the organisation has set, as it was a moment ago."""
    values: Values = current_app.extensions["kollega_values"]
    return values.organisation(environment())


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
        via = "api" if request.blueprint in ("api", "scim") else "web"  # for the audit log
        g.session = current_app.extensions["kollega_sessions"](info={"via": via})
    database_session: Session = g.session
    return database_session


def counting() -> Counting:
    """What counts without making the reader wait for the database."""
    app_counting: Counting = current_app.extensions["kollega_counting"]
    return app_counting


def _close_session(_error: BaseException | None) -> None:
    database_session = g.pop("session", None)
    if database_session is not None:
        database_session.close()
