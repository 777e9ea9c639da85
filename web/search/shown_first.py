"""A signed note of what a page showed first: the colleague, and the answers with the verdict. The page sends it back
when somebody acts on what it showed, so that this is counted, and not what another search would show first."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from recommender.access import EVERYONE
from recommender.database.days import current_day
from recommender.datatypes import Recommendation, Verdict
from recommender.knowledge.searched_topics import READ
from web.search.question import TypedQuestion

_DAYS = 7  # for which a note counts: a page may be open for days; a judgement


@dataclass(frozen=True)
class Shown:
    """The colleague who was shown first, and the keys of the first items with the verdict. What is not to be counted is
    None: `verdict` for a question that is private or says too little, or finds first what not everybody may read."""

    person_id: int | None = None
    verdict: Verdict | None = None
    items: tuple[str, ...] = ()


def shown(question: TypedQuestion, found: Recommendation | None) -> Shown:
    """What was shown first for a question; where nothing was found, the items that are nearest."""
    if found is None:
        return Shown()
    person_id = found.experts[0].person_id if found.experts else None
    first = found.suggestions[:READ]
    if (
        found.vague
        or found.notices
        or question.is_private
        or any(EVERYONE not in one.item.audience for one in first[:1])
    ):
        return Shown(person_id)
    items = [suggestion.item.key for suggestion in first] or [heading.key for heading in found.nearest[:READ]]
    return Shown(person_id, found.verdict, tuple(items))


def note(seen: Shown) -> str:
    """The note; empty when there is nothing to count. It is the same for the same results all day."""
    if seen == Shown():
        return ""
    return _serializer().dumps([seen.person_id, current_day().isoformat(), seen.verdict, *seen.items])


def shown_in(text: str) -> Shown:
    """What a note says; nothing when it is empty, changed or old."""
    try:
        person_id, day, verdict, *items = _serializer().loads(text)
    except (BadSignature, ValueError):
        return Shown()
    if current_day() - date.fromisoformat(day) > timedelta(days=_DAYS):
        return Shown()
    return Shown(person_id, Verdict(verdict) if verdict else None, tuple(items))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="shown first")
