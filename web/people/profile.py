"""What a person sets about being suggested, which only they see: the settings, their export and their erasure."""

import json
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender.database.days import current_day
from recommender.database.person_kind import PERSON
from recommender.database.tables import MUTED, STATED, Person, PersonTopic, Team
from recommender.insights.risk import wishes
from recommender.knowledge import outcomes
from recommender.people import preferences, profile
from recommender.people.availability import WEEK
from recommender.render import in_utc
from web import current
from web.current import session
from web.people.profile_form import SettingsForm, form_of, offered_languages, read_form
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("profile", __name__, url_prefix="/people/me")
_COLLEAGUES = 100  # that are proposed as deputies: a judgement


@blueprint.get("/settings")
def settings() -> ResponseReturnValue:
    """The form with the stored settings; 401 when nobody has signed in."""
    person = signed_in()
    return _form_page(person, form_of(preferences.load_preferences(session(), person)))


@blueprint.post("/settings")
def save() -> ResponseReturnValue:
    """Store the settings. Problems are shown beside the fields; what was typed is kept."""
    person = signed_in()
    form, stated_preferences = read_form(request.form, person)
    if stated_preferences is None:
        return _form_page(person, form), 422
    preferences.save_preferences(session(), person, stated_preferences)
    session().commit()
    return redirect(url_for("profile.settings", saved=1))


@blueprint.get("/export")
def export() -> ResponseReturnValue:
    """The whole profile, and all evidence for the person that they may read, as a JSON file."""
    person = signed_in()
    answer = Response(json.dumps(_export_json(person), ensure_ascii=False, indent=2), mimetype="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=f"kollega-{person.handle}.json")
    return answer


@blueprint.get("/erase")
def ask_to_erase() -> ResponseReturnValue:
    """The page that lists what would be deleted, with the button for it."""
    signed_in()
    return render_template("profile/erase.html")


@blueprint.post("/erase")
def erase() -> ResponseReturnValue:
    """Delete all that the person has set, and pause suggestions of them."""
    person = signed_in()
    preferences.erase(session(), person)
    session().commit()
    return redirect(url_for("people.show", handle=person.handle, erased=1))


def _form_page(person: Person, form: SettingsForm) -> str:
    colleagues = (
        select(Person)
        .where(Person.id != person.id, Person.left_on.is_(None), Person.kind == PERSON)
        .where(Person.teams.any(Team.id.in_([team.id for team in person.teams])))
        .order_by(Person.name)
        .limit(_COLLEAGUES)
    )
    rows = [row for row in preferences.topics(session(), person) if row.kind == STATED]
    return render_template(
        "profile/settings.html",
        form=form,
        person=person,
        offered=offered_languages(person),
        colleagues=list(session().scalars(colleagues)),
        stated=profile.stated(_pieces(person), rows, current.analyzer()) if rows else (),
        today=current_day(),
        first=_first_this_week(person),
        saved=bool(request.args.get("saved")) and not form.problems,
        chats=bool(current.settings().slack_signing_secret or current.settings().teams_app_id),
    )


def _first_this_week(person: Person) -> int:
    """How many times the person was suggested first in the last seven days."""
    today = current_day()
    counts = preferences.first_on(session(), person)
    return sum(count for day, count in counts.items() if today - WEEK < day <= today)


def _pieces(person: Person, most: int | None = profile.PIECES) -> tuple[profile.Piece, ...]:
    return profile.pieces(session(), person, current_reader(), outcomes.declined(session(), person.id), most)


def _export_json(person: Person) -> dict[str, Any]:
    rows, pieces = preferences.topics(session(), person), _pieces(person, most=None)
    reader = current_reader()
    topics = profile.topics(pieces, person, reader, current.analyzer(), current.recommender().index)
    return {
        "purpose": "For finding help, never for appraising people.",
        "person": _person_json(person),
        "settings": _settings_json(person),
        "muted_topics": [
            {"topic": row.topic, "since": row.created_on.isoformat()} for row in rows if row.kind == MUTED
        ],
        "added_topics": _added_topics_json(pieces, rows),
        "not_my_topic": [
            {"item": key, "since": day.isoformat()}
            for key, day in sorted(outcomes.declined_on(session(), person.id).items())
        ],
        "suggested_first": [
            {"day": day.isoformat(), "count": count} for day, count in preferences.first_on(session(), person).items()
        ],
        "hangs_on_you": [
            {
                "topic": dict(each.topic.names),
                "share_lost_without_you": round(each.lost, 3),
                "teaching_to": [teaching.colleague.handle for teaching in each.taught_to],
                "left_out": each.left_out,
            }
            for each in wishes.hanging_on(session(), reader, wishes.own_topics(session(), reader))
        ],
        "topic_words": [{"word": topic.word, "items": [piece.item.key for piece in topic.pieces]} for topic in topics],
        "evidence": [_piece_json(piece) for piece in pieces],
    }


def _person_json(person: Person) -> dict[str, Any]:
    return {
        "handle": person.handle,
        "name": person.name,
        "role": person.role,
        "teams": [team.handle for team in person.teams],
        "languages": person.languages,
        "away_until": person.away_until.isoformat() if person.away_until else None,
        "left_on": person.left_on.isoformat() if person.left_on else None,
    }


def _settings_json(person: Person) -> dict[str, Any]:
    stored = preferences.load_preferences(session(), person)
    return {
        "paused": stored.paused,
        "capacity": stored.capacity,
        "deputy": stored.deputy.handle if stored.deputy else None,
    }


def _added_topics_json(pieces: tuple[profile.Piece, ...], rows: list[PersonTopic]) -> list[dict[str, Any]]:
    return [
        {
            "topic": topic.topic,
            "since": topic.since.isoformat(),
            "state": "confirmed" if topic.confirmed else "pending",
            "items": topic.items,
        }
        for topic in profile.stated(pieces, rows, current.analyzer())
    ]


def _piece_json(piece: profile.Piece) -> dict[str, Any]:
    return {
        "item": piece.item.key,
        "title": piece.item.title,
        "part": piece.part.value,
        "at": in_utc(piece.at),
        "counts": not piece.declined,
    }
