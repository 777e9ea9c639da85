"""The teams: a list, and a page for each, where admins set everything and leads how their team is reached."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import access, audit
from recommender.audit import Actor
from recommender.database.tables import Person, Team
from recommender.errors import AccountError, TeamRefused
from recommender.membership import people
from recommender.organisation.values import set_value
from recommender.outbox import handover
from recommender.teams import destination, removing, summary, team
from recommender.teams.preview import deletions, effect_of_restricting
from web import current, once
from web.admin import team_words
from web.admin.frame import current_admin
from web.sign_in.session import signed_in

blueprint = Blueprint("admin_teams", __name__, url_prefix="/admin/teams")
_NAMES = ("name", "name_fi", "name_sv")
_CONTACT = ("phone", "hours", "hours_fi", "hours_sv")


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """All teams for admins, their own for leads; 403 for others."""
    return _list({}, {})


@blueprint.post("/")
def add() -> ResponseReturnValue:
    """Make a team; 422 when it cannot be made like this."""
    admin = current_admin()
    if earlier := once.earlier_result():
        return redirect(earlier)
    typed = {name: request.form.get(name, "").strip() for name in ("handle", *_NAMES)}
    names = {name: text for name, text in typed.items() if name != "handle"}
    try:
        made = team.add(current.session(), typed["handle"], names, _by(admin))
    except TeamRefused as error:
        typed["restricted"] = request.form.get("restricted", "")
        return _list(typed, {error.field: team_words.what_is_wrong(error)}), 422
    team.restrict(current.session(), made, bool(request.form.get("restricted")), _by(admin))
    return redirect(once.commit_once(url_for("admin_teams.show", handle=made.handle, done="made")))


@blueprint.post("/new-ones")
def set_new_ones() -> ResponseReturnValue:
    """Set whether new teams are restricted at first; those that are there stay as they are."""
    admin, restricted = current_admin(), bool(request.form.get("new_restricted"))
    set_value(current.session(), current.environment(), team.NEW_TEAMS_RESTRICTED, restricted, admin.id)
    current.session().commit()
    return redirect(url_for("admin_teams.listed", done="new-ones"))


@blueprint.get("/<handle>")
def show(handle: str) -> ResponseReturnValue:
    """The page of a team, for admins and those who lead it; 403 for others, 404 for an unknown team."""
    return _page(_led(handle))


@blueprint.post("/<handle>/contact")
def set_contact(handle: str) -> ResponseReturnValue:
    """Set how a team is reached: the one thing that leads change too."""
    row = _led(handle)
    typed = {name: request.form.get(name, "").strip() for name in _CONTACT}
    return _changed(row, typed, lambda: team.set_contact(current.session(), row, typed, _by(signed_in())))


@blueprint.post("/<handle>/names")
def rename(handle: str) -> ResponseReturnValue:
    """Give a team another name."""
    row, admin = _any(handle), current_admin()
    typed = {name: request.form.get(name, "").strip() for name in _NAMES}
    return _changed(row, typed, lambda: team.rename(current.session(), row, typed, _by(admin)))


@blueprint.post("/<handle>/private")
def set_private_matters(handle: str) -> ResponseReturnValue:
    """Offer private matters to this team first, or not."""
    row, admin, handles = _any(handle), current_admin(), bool(request.form.get("private_matters"))
    return _changed(row, {}, lambda: team.handle_private_matters(current.session(), row, handles, _by(admin)))


@blueprint.post("/<handle>/restricted")
def restrict(handle: str) -> ResponseReturnValue:
    """Say what changes when new requests are restricted or shared by default, then do it."""
    row, admin, restricted = _any(handle), current_admin(), request.form.get("restricted") == "1"
    if restricted == row.restricted:
        return redirect(url_for("admin_teams.show", handle=handle))
    if not request.form.get("confirmed"):
        means = effect_of_restricting(current.session(), row)
        lines = team_words.of_restricting(row, means, restricted, current.settings().anonymous_reading)
        button = gettext("Restrict new requests") if restricted else gettext("Share new requests")
        return _ask(row, url_for("admin_teams.restrict", handle=handle), lines, button, restricted="01"[restricted])
    return _changed(row, {}, lambda: team.restrict(current.session(), row, restricted, _by(admin)))


@blueprint.post("/<handle>/keeping")
def keep(handle: str) -> ResponseReturnValue:
    """Say how many requests would be deleted and when, then set for how long solved requests are kept."""
    row, admin, text = _any(handle), current_admin(), request.form.get("keep_days", "").strip()
    days = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None
    if text and (days is None or not 1 <= days <= team.MOST_DAYS):
        wrong = gettext("Write a number of days from 1 to %(most)d, or nothing.", most=team.MOST_DAYS)
        return _page(row, {"keep_days": text}, {"keep_days": wrong}), 422
    if days == row.keep_days:
        return redirect(url_for("admin_teams.show", handle=handle))
    if days is not None and not request.form.get("confirmed"):
        lines = team_words.of_keeping(deletions(current.session(), row, days), days)
        address = url_for("admin_teams.keep", handle=handle)
        return _ask(row, address, lines, gettext("Delete after this time"), keep_days=days)
    return _changed(row, {}, lambda: team.keep(current.session(), row, days, _by(admin)))


@blueprint.post("/<handle>/destination")
def send_on(handle: str) -> ResponseReturnValue:
    """Set where new requests go on to: nowhere, a mailbox or a webhook. A ticket system needs the command."""
    row, admin = _any(handle), current_admin()
    way, text = request.form.get("way", ""), request.form.get("address", "").strip()
    target = {"here": handover.HERE, "mail": destination.MAIL + text, "webhook": text}.get(way)
    if target is None:
        return redirect(url_for("admin_teams.show", handle=handle))

    def change() -> None:
        destination.check(current.settings(), target)
        destination.store(current.session(), row, target, {}, _by(admin))

    return _changed(row, {"way": way, "address": text}, change)


@blueprint.post("/<handle>/members")
def change_members(handle: str) -> ResponseReturnValue:
    """Add somebody to the team by their user name (`join`), or take somebody out (`leave`)."""
    row, admin = _any(handle), current_admin()
    joining, leaving = request.form.get("join", "").strip(), request.form.get("leave", "").strip()

    def change() -> None:
        person = people.find(current.session(), joining or leaving)
        handles = [each.handle for each in person.teams if each.handle != row.handle]
        people.set_teams(current.session(), person, [*handles, *([row.handle] if joining else [])], admin.id)

    return _changed(row, {"join": joining}, change)


@blueprint.post("/<handle>/remove")
def remove(handle: str) -> ResponseReturnValue:
    """Say what would move and who may then read more, then remove the team or merge it into another one."""
    row, admin, database = _any(handle), current_admin(), current.session()
    if earlier := once.earlier_result():
        return redirect(earlier)
    into = team.find(database, request.form.get("into", ""))
    belongings = removing.belongings(database, row)
    if into is None and belongings.keep_it:
        return _page(row, {}, {"into": gettext("Choose the team that gets what belongs to this one.")}), 422
    if into is not None and into.id == row.id:
        return _page(row, {}, {"into": gettext("Choose another team.")}), 422
    if not request.form.get("confirmed"):
        means = removing.what_merging_means(database, row, into) if into else None
        lines = team_words.of_removing(row, belongings, into, means)
        address = url_for("admin_teams.remove", handle=handle)
        return _ask(row, address, lines, gettext("Remove the team"), into=into.handle if into else "")
    if into is None:
        removing.remove(database, row, _by(admin))
    else:
        removing.merge(database, row, into, _by(admin))
    return redirect(once.commit_once(url_for("admin_teams.listed", done="removed")))


def _changed(row: Team, typed: dict[str, Any], change: Any) -> ResponseReturnValue:
    """Make a change, commit it and show the page; 422 with what was typed when it cannot be made."""
    handle = row.handle
    try:
        change()
    except AccountError as error:
        current.session().rollback()
        field = error.field if isinstance(error, TeamRefused) else "join"
        return _page(_any(handle), typed, {field: team_words.what_is_wrong(error)}), 422
    current.session().commit()
    return redirect(url_for("admin_teams.show", handle=handle, done="saved"))


def _list(typed: dict[str, str], problems: dict[str, str]) -> str:
    person = signed_in()
    rows = [row for row in team.all_teams(current.session()) if access.leads(person, row.id)]
    if not rows and not access.is_admin(person):
        abort(403)
    found = summary.summaries(current.session(), rows)
    return render_template(
        "admin/teams.html", teams=list(zip(rows, found, strict=True)), typed=typed, problems=problems,
        edits=access.is_admin(person), done=request.args.get("done", ""),
        new_restricted=team.new_ones_are_restricted(current.session()),
    )  # fmt: skip


def _page(row: Team, typed: dict[str, Any] | None = None, problems: dict[str, str] | None = None) -> str:
    others = [each for each in team.all_teams(current.session()) if each.id != row.id]
    return render_template(
        "admin/team.html",
        team=row,
        summary=summary.summary_of(current.session(), row),
        belongings=removing.belongings(current.session(), row),
        members=sorted(row.members, key=lambda person: (person.name.casefold(), person.handle)),
        others=others,
        edits=access.is_admin(signed_in()),
        typed=typed or {},
        problems=problems or {},
        done=request.args.get("done", ""),
    )


def _ask(row: Team, action: str, lines: list[str], button: str, **fields: object) -> str:
    """The page that says what will happen, and asks."""
    return render_template(
        "admin/team_confirm.html", team=row, action=action, lines=lines, button=button, fields=fields
    )


def _by(person: Person) -> Actor:
    return audit.actor(current.session(), person.id)


def _any(handle: str) -> Team:
    """A team, for admins; 401 and 403 for others, 404 for an unknown team."""
    current_admin()
    row = team.find(current.session(), handle)
    if row is None:
        abort(404)
    return row


def _led(handle: str) -> Team:
    """A team, for admins and those who lead it; 401 when nobody has signed in, 403 for others, 404 for an unknown
    team. Who leads no team is told nothing about which teams there are."""
    person = signed_in()
    row = team.find(current.session(), handle)
    if row is None and access.is_admin(person):
        abort(404)
    if row is None or not access.leads(person, row.id):
        abort(403)
    return row
