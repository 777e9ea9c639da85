"""One database session per request, closed at its end."""

from flask import Flask, current_app, g
from sqlalchemy.orm import Session, sessionmaker


def attach(app: Flask, sessions: sessionmaker[Session]) -> None:
    """Give the app its session factory."""
    app.extensions["kollega_sessions"] = sessions
    app.teardown_appcontext(_close)


def session() -> Session:
    """This request's session."""
    if "session" not in g:
        g.session = current_app.extensions["kollega_sessions"]()
    found: Session = g.session
    return found


def _close(_error: BaseException | None) -> None:
    opened = g.pop("session", None)
    if opened is not None:
        opened.close()
