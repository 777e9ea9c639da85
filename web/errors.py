"""Turns errors into pages, or JSON for the API. An unknown id and one that the reader may not read give the same
404."""

import logging

from flask import Flask, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    ServiceUnavailable,
    UnprocessableEntity,
)
from werkzeug.exceptions import Conflict as Conflicted

from recommender.database.failures import explain, is_away, is_locked
from recommender.database.files import database_path
from recommender.errors import Conflict, DatabaseVersion, IndexRefused, NotAllowed, TooBusy
from web import current
from web.sign_in.pages import sign_in_page
from web.sign_in.session import current_person, sent_fields

log = logging.getLogger(__name__)
_SECONDS_UNTIL_NEXT = 5  # after which a client that came while all were busy tries again: a judgement
_SECONDS_UNTIL_REPAIRED = 60  # the same after the database could not be used: a judgement
_SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"  # RFC 7644, 3.12
_DATABASE_FAILED = "The database cannot be used at the moment, and nothing was stored. Try again later."


def attach(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(CSRFError, _ask_again)
    app.register_error_handler(HTTPException, _show)
    app.register_error_handler(NotAllowed, lambda error: _show(Forbidden(str(error))))
    app.register_error_handler(Conflict, _meanwhile)
    app.register_error_handler(IndexRefused, _not_understood)
    app.register_error_handler(TooBusy, _too_busy)
    app.register_error_handler(DatabaseVersion, _other_version)
    app.register_error_handler(Exception, _crash)


def _show(error: HTTPException, heading: str = "", detail: str = "") -> ResponseReturnValue:
    """The page of an error, or JSON. `heading` and `detail` are what the page says of it, instead of
    what it says of every error of this kind."""
    code = error.code or 500
    if request.path.startswith(("/api/", "/scim/")):
        return _as_json(error, code)
    if code == 401:
        return _sign_in_first()
    try:
        return render_template("errors/error.html", code=code, heading=heading, detail=detail), code
    except SQLAlchemyError:
        raise  # which `_crash` tells
    except Exception:  # what has failed may be needed for every page, also for this one
        log.exception("The error page could not be made")
        return error.description or error.name, code, {"Content-Type": "text/plain; charset=utf-8"}


def _meanwhile(error: Conflict) -> ResponseReturnValue:
    """Answer 409 when somebody else was first; nothing of what this request has begun is stored."""
    current.session().rollback()
    return _show(Conflicted(str(error)))


def _as_json(error: HTTPException, code: int) -> ResponseReturnValue:
    detail = error.description
    if detail == BadRequest.description:
        detail = "The body is not JSON that can be read."
    if code == 429:
        detail = f"More than {detail}. Wait as many seconds as Retry-After says."
    answer = jsonify(error={"status": code, "title": error.name, "detail": detail})
    if request.path.startswith("/scim/"):
        answer = jsonify(schemas=[_SCIM_ERROR], status=str(code), detail=detail)
        answer.content_type = "application/scim+json"
    if code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer, code


def _sign_in_first() -> ResponseReturnValue:
    """The sign-in page. When a form was sent, its fields are kept and shown again after signing in."""
    if request.method == "POST":
        return sign_in_page(request.path, sent_fields()), 401
    return sign_in_page(request.full_path.rstrip("?")), 401


def _ask_again(error: CSRFError) -> ResponseReturnValue:
    """Answer a form without a valid CSRF token, which means that its session has ended. Nothing is stored; what was
    typed is shown again."""
    if current_person() is None:
        return _sign_in_first()
    draft = sent_fields()
    if not draft:
        return _show(error)
    return render_template("auth/draft.html", target=request.path, draft=draft), 400


def _not_understood(error: IndexRefused) -> ResponseReturnValue:
    """Answer 422: one question cannot be searched, others can. The log names the engine, not the question."""
    log.warning("%s", error)
    return _show(
        UnprocessableEntity("This question cannot be searched as it is written. Ask in other words."),
        gettext("This question could not be searched"),
        gettext(
            "Go back and write it in other words, without quotation marks or brackets. You can also send it to a team "
            "as it is."
        ),
    )


def _too_busy(error: TooBusy) -> ResponseReturnValue:
    unavailable = ServiceUnavailable(str(error), retry_after=_SECONDS_UNTIL_NEXT)
    return _show_unavailable(
        unavailable, gettext("Too many people at once"), gettext("Wait a few seconds and try again.")
    )


def _other_version(error: DatabaseVersion) -> ResponseReturnValue:
    """Answer 503: the database was upgraded while this process ran. The page is made without it."""
    log.error("%s", error)
    title, sentence = gettext("Kollega is being upgraded"), gettext("Nothing was saved. Try again in a few minutes.")
    headers = {"Content-Type": "text/plain; charset=utf-8", "Retry-After": str(_SECONDS_UNTIL_REPAIRED)}
    return f"{title}. {sentence}", 503, headers


def _crash(error: Exception) -> ResponseReturnValue:
    sentence = explain(error, database_path(current.settings())) if isinstance(error, DBAPIError) else None
    if sentence is None:
        log.exception("unhandled error", exc_info=error)
    elif not is_away(error):  # which `outages.report_outages` tells once
        log.error("%s", sentence)
    try:
        current.session().rollback()
        return _show(InternalServerError()) if sentence is None else _database_failed(error)
    except SQLAlchemyError:
        if not is_away(error):
            log.error("The error page could not be made, because the database cannot be used")
        failed = InternalServerError() if sentence is None else ServiceUnavailable(_DATABASE_FAILED)
        return failed.description or failed.name, failed.code or 500, {"Content-Type": "text/plain"}


def _database_failed(error: Exception) -> ResponseReturnValue:
    locked = is_locked(error)
    seconds = _SECONDS_UNTIL_NEXT if locked or is_away(error) else _SECONDS_UNTIL_REPAIRED
    unavailable = ServiceUnavailable(_DATABASE_FAILED, retry_after=seconds)
    if locked:
        heading = gettext("Kollega is busy saving something else")
        return _show_unavailable(unavailable, heading, gettext("Nothing was saved. Go back and try again in a moment."))
    heading = gettext("Kollega cannot use its database")
    detail = gettext("Nothing was saved. Keep a copy of what you wrote, try again later, and tell an admin.")
    return _show_unavailable(unavailable, heading, detail)


def _show_unavailable(error: ServiceUnavailable, heading: str, detail: str) -> ResponseReturnValue:
    answer = make_response(_show(error, heading, detail))
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer
