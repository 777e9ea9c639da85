"""What is sent twice, by a double click or because the answer was lost, has its effect once.

Forms carry a random key in a hidden field, and calls of the API may carry one in the header `Idempotency-Key`. The
answer to the first is kept for a day, and the second gets the same answer. A form that was changed in between, after
going back in the browser, is a new one.
"""

import hashlib
import os
import secrets
from datetime import timedelta

from flask import Flask, abort, request
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from recommender.database.sent_tables import SentForm
from recommender.database.tables import utc_now
from web.current import session
from web.sign_in.session import signed_in

FIELD, HEADER = "sent_as", "Idempotency-Key"
LONGEST_KEY = 200  # characters: a judgement
_KEPT = timedelta(days=1)


def attach(app: Flask) -> None:
    """Make a new key for each form known to the templates."""
    app.jinja_env.globals["form_key"] = lambda: secrets.token_hex(16)


def earlier_result() -> str | None:
    """What the same form or call led to when it was sent before; None when it was not. 401 when nobody has signed in,
    409 when another call of the API had the same key."""
    sent = _sent()
    stored = session().get(SentForm, sent[0]) if sent else None
    if sent is None or stored is None or stored.at < utc_now() - _KEPT:
        return None
    if stored.content != sent[1]:
        abort(409, f"This {HEADER} was used for a call with another content. Send a new key with each new call.")
    return stored.result


def commit_once(result: str) -> str:
    """Commit what the form or call has done, and return its result. When the same was sent at the same moment and has
    been committed, nothing is stored, and the result of that one is returned."""
    sent = _sent()
    if sent is None:
        session().commit()
        return result
    digest, content = sent
    session().execute(delete(SentForm).where(SentForm.at < utc_now() - _KEPT))
    session().add(SentForm(digest=digest, content=content, result=result))
    try:
        session().commit()
    except IntegrityError:
        session().rollback()
        earlier = earlier_result()
        if earlier is None:
            raise
        return earlier
    return result


def _sent() -> tuple[str, str] | None:
    """(digest of who sent what where, digest of the content); None without a key."""
    is_call = request.blueprint == "api"
    key = request.headers.get(HEADER, "") if is_call else request.form.get(FIELD, "")
    if not key or len(key) > LONGEST_KEY:
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    fields += [(name, f"{file.filename} {_size(file)}") for name, file in request.files.items(multi=True)]
    content = _digest(repr(request.get_data() if is_call else fields))
    return _digest(repr((signed_in().id, request.path, key, "" if is_call else content))), content


def _size(file: FileStorage) -> int:
    """The number of bytes of a file that was sent; it is read from its beginning afterwards."""
    file.stream.seek(0, os.SEEK_END)
    size = file.stream.tell()
    file.stream.seek(0)
    return size


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
