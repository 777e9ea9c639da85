"""A signed note of the colleague whom a page showed first. The page sends it back when somebody acts on what it showed,
so that this colleague is counted, and not the one that another search would show first."""

from datetime import date, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from recommender.database.tables import utc_now
from recommender.datatypes import Recommendation

_DAYS = 7  # for which a note counts: a page may be open for days; a judgement


def note(found: Recommendation | None) -> str:
    """The note for these results; empty when they name no colleague. It is the same for the same colleague all day."""
    if found is None or not found.experts:
        return ""
    return _serializer().dumps([found.experts[0].person_id, utc_now().date().isoformat()])


def person_of(text: str) -> int | None:
    """The id of the colleague in a note; None when it is empty, changed or old."""
    try:
        person_id, day = _serializer().loads(text)
    except BadSignature:
        return None
    return int(person_id) if utc_now().date() - date.fromisoformat(day) <= timedelta(days=_DAYS) else None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="shown first")
