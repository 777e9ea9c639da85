"""What a person sets about being suggested, for themselves alone: the settings, an export of all of it, its erasure."""

import json
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender.database.tables import MUTED, STATED, Person, Team, utc_now
from recommender.knowledge import outcomes
from recommender.people import preferences, profile
from recommender.people.availability import WEEK
from recommender.render import in_utc
from web import current
from web.current import session
from web.settings_form import Form, form_of, offered_languages, read_form
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("profile", __name__, url_prefix="/people/me")


@blueprint.get("/settings")
def settings() -> ResponseReturnValue:
    """The form, as things are; 401 when nobody has signed in."""
    person = signed_in()
    return _form_page(person, form_of(preferences.load_preferences(session(), person)))


@blueprint.post("/settings")
def save() -> ResponseReturnValue:
    """Keep the settings. What is wrong is said beside the field; what was typed stays."""
    person = signed_in()
    form, chosen = read_form(request.form, person)
    if chosen is None:
        return _form_page(person, form), 422
    preferences.save_preferences(session(), person, chosen)
    session().commit()
    return redirect(url_for("profile.settings", saved=1))


@blueprint.get("/export")
def export() -> ResponseReturnValue:
    """Everything the profile holds, and all that speaks for the person that they may read, as a JSON file."""
    person = signed_in()
    answer = Response(json.dumps(_everything(person), ensure_ascii=False, indent=2), mimetype="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=f"kollega-{person.handle}.json")
    return answer


@blueprint.get("/erase")
def ask_to_erase() -> ResponseReturnValue:
    """What would be deleted, and the button that does it."""
    signed_in()
    return render_template("profile/erase.html")


@blueprint.post("/erase")
def erase() -> ResponseReturnValue:
    """Delete all of it and pause suggestions."""
    person = signed_in()
    preferences.erase(session(), person)
    session().commit()
    return redirect(url_for("people.show", handle=person.handle, erased=1))


def _form_page(person: Person, form: Form) -> str:
    colleagues = (
        select(Person)
        .where(Person.id != person.id, Person.left_on.is_(None))
        .where(Person.teams.any(Team.id.in_([team.id for team in person.teams])))
        .order_by(Person.name)
        .limit(100)
    )
    rows, today = [row for row in preferences.topics(session(), person) if row.kind == STATED], utc_now().date()
    return render_template(
        "profile/settings.html",
        form=form,
        person=person,
        offered=offered_languages(person),
        colleagues=list(session().scalars(colleagues)),
        stated=profile.stated(_pieces(person), rows, current.analyzer()) if rows else (),
        today=today,
        first=sum(
            count for day, count in preferences.first_on(session(), person).items() if today - WEEK < day <= today
        ),
        saved=bool(request.args.get("saved")) and not form.problems,
    )


def _pieces(person: Person, most: int | None = profile.PIECES) -> tuple[profile.Piece, ...]:
    return profile.pieces(session(), person, current_reader(), outcomes.declined(session(), person.id), most)


def _everything(person: Person) -> dict[str, Any]:
    chosen, rows = preferences.load_preferences(session(), person), preferences.topics(session(), person)
    found = _pieces(person, most=None)
    words = profile.topics(found, person, current_reader(), current.analyzer(), current.recommender().index)
    return {
        "purpose": "For finding help, never for appraising people.",
        "person": {
            "handle": person.handle,
            "name": person.name,
            "role": person.role,
            "teams": [team.handle for team in person.teams],
            "languages": person.languages,
            "away_until": person.away_until.isoformat() if person.away_until else None,
            "left_on": person.left_on.isoformat() if person.left_on else None,
        },
        "settings": {
            "paused": chosen.paused,
            "capacity": chosen.capacity,
            "deputy": chosen.deputy.handle if chosen.deputy else None,
        },
        "muted_topics": [
            {"topic": row.topic, "since": row.created_on.isoformat()} for row in rows if row.kind == MUTED
        ],
        "added_topics": [
            {
                "topic": each.topic,
                "since": each.since.isoformat(),
                "state": "confirmed" if each.confirmed else "pending",
                "items": each.items,
            }
            for each in profile.stated(found, rows, current.analyzer())
        ],
        "not_my_topic": [
            {"item": key, "since": day.isoformat()}
            for key, day in sorted(outcomes.declined_on(session(), person.id).items())
        ],
        "suggested_first": [
            {"day": day.isoformat(), "count": count} for day, count in preferences.first_on(session(), person).items()
        ],
        "topic_words": [{"word": topic.word, "items": [piece.item.key for piece in topic.pieces]} for topic in words],
        "evidence": [
            {
                "item": piece.item.key,
                "title": piece.item.title,
                "part": piece.part.value,
                "at": in_utc(piece.at),
                "counts": not piece.declined,
            }
            for piece in found
        ],
    }
