"""The step of the set-up in which teams are chosen."""

from dataclasses import dataclass, field

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from werkzeug.datastructures import MultiDict

from recommender import audit
from recommender.errors import TeamRefused
from recommender.first_run import ready_teams
from recommender.first_run.ready_teams import MOST_TEAMS, READY, ChosenTeam
from recommender.teams import team as teams
from web import current
from web.set_up.gate import admin_only

blueprint = Blueprint("set_up_teams", __name__, url_prefix="/setup")
_OWN_ROWS = 2


@dataclass
class TeamRow:
    """One row of the form: a ready team, or one with a name of its own."""

    handle: str = ""
    on: bool = False
    names: dict[str, str] = field(default_factory=dict)
    restricted: bool = False
    phone: str = ""
    hours: str = ""
    problem: str = ""

    @property
    def ready(self) -> bool:
        """True for one of the ready teams."""
        return bool(self.handle)

    def chosen(self) -> ChosenTeam:
        """The team to be made."""
        names = {code: name for code, name in self.names.items() if name}
        private = any(each.handle == self.handle and each.private_matters for each in READY)
        handle = self.handle or ready_teams.handle_of(next(iter(names.values()), ""))
        return ChosenTeam(handle, names, self.restricted, private, self.phone, self.hours)


@blueprint.get("/teams")
def show() -> ResponseReturnValue:
    """The teams that are there, with links to their pages, the ready ones, and rows for others."""
    admin_only()
    return _page(_rows_at_first())


@blueprint.post("/teams")
def save() -> ResponseReturnValue:
    """Make the chosen teams; 422 with the form and what is wrong."""
    person = admin_only()
    rows = _sent(request.form)
    if request.form.get("act") == "more":
        return _page([*rows, *(_own_rows() if len(rows) < MOST_TEAMS else [])])
    database = current.session()
    actor, language = audit.actor(database, person.id), str(get_locale())
    for row in rows:
        if row.on and any(row.names.values()):
            chosen = row.chosen()
            here = teams.find(database, chosen.handle)
            try:
                ready_teams.make(database, [chosen], actor, language)
                if here is not None and not {here.name, here.name_fi, here.name_sv} & {*row.names.values()}:
                    row.problem = gettext("There is a team with such a name already. Change it on its own page.")
            except TeamRefused as error:
                row.problem = _what_is_wrong(error)
        elif row.on and row.ready:
            row.problem = gettext("Write a name.")
    if any(row.problem for row in rows):
        database.rollback()
        return _page(rows), 422
    database.commit()
    return redirect(url_for("set_up_knowledge.show"), 303)


def _rows_at_first() -> list[TeamRow]:
    here = {team.handle for team in teams.all_teams(current.session())}
    rows = [
        TeamRow(each.handle, not here, dict(each.names), each.restricted or _new_ones_are_restricted())
        for each in READY
        if each.handle not in here
    ]
    return [*rows[: MOST_TEAMS - _OWN_ROWS], *_own_rows()]


def _own_rows() -> list[TeamRow]:
    restricted = _new_ones_are_restricted()
    return [TeamRow(on=True, restricted=restricted) for _each in range(_OWN_ROWS)]


def _new_ones_are_restricted() -> bool:
    return teams.new_ones_are_restricted(current.session())


def _sent(form: MultiDict[str, str]) -> list[TeamRow]:
    text = form.get("rows", "")
    count = min(int(text) if text.isdecimal() and len(text) < 4 else 0, MOST_TEAMS)
    return [
        TeamRow(
            form.get(f"handle-{n}", "").strip(),
            f"on-{n}" in form,
            {code: form.get(f"name-{n}-{code}", "").strip() for code in current.organisation().languages},
            f"restricted-{n}" in form,
            form.get(f"phone-{n}", "").strip(),
            form.get(f"hours-{n}", "").strip(),
        )
        for n in range(count)
    ]


def _what_is_wrong(error: TeamRefused) -> str:
    if error.reason == "long":
        return str(gettext("Shorten the text."))
    return str(gettext("Write a name with letters or digits."))


def _page(rows: list[TeamRow]) -> str:
    here = teams.all_teams(current.session())
    return render_template("set_up/teams.html", rows=rows, most=MOST_TEAMS, here=here)
