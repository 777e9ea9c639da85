"""Errors -> pages or JSON. An unknown and an unreadable id give the same 404."""

import logging

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

log = logging.getLogger(__name__)


def attach(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HTTPException, _show)
    app.register_error_handler(Exception, _crash)


def _show(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if request.path.startswith("/api/"):
        return jsonify(error={"status": code, "title": error.name, "detail": error.description}), code
    return render_template("errors/error.html", code=code), code


def _crash(error: Exception) -> ResponseReturnValue:
    log.exception("unhandled error", exc_info=error)
    return _show(InternalServerError())
