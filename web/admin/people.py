"""People for admins: the list, one person, adding somebody. What else is done with a person is in `person_acts.py`."""

from dataclasses import dataclass, field

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from recommender import accounts
from recommender.accounts import second_factor, sessions, tokens
from recommender.database.days import current_day
from recommender.database.person_kind import PERSON, SERVICE
from recommender.database.tables import Person, Team
from recommender.errors import AccountError
from recommender.membership import invitations, leaving, listing, people
from recommender.teams.team import all_teams
from web import current
from web.admin.frame import current_admin
from web.admin.people_words import name_missing, problem_of
from web.current import session
from web.input import page_number
from web.sign_in.session import signed_in

blueprint = Blueprint("admin_people", __name__, url_prefix="/admin/people")
_LONGEST = 300  # characters of what is typed into a field: a judgement
KINDS = ("guess", PERSON, SERVICE)


@dataclass
class PersonForm:
    """The fields of the form of a person, and what is wrong with them, by field."""

    handle: str = ""
    name: str = ""
    email: str = ""
    role: str = "staff"
    teams: tuple[str, ...] = ()
    kind: str = "guess"
    problems: dict[str, str] = field(default_factory=dict)


@blueprint.get("/")
def listed() -> ResponseReturnValue:
    """Everybody, with search and filters."""
    current_admin()
    words, role, team, state = (request.args.get(name, "")[:_LONGEST] for name in ("q", "role", "team", "state"))
    found = listing.load(session(), words, role, team, state, page_number())
    chosen = {"q": words, "role": role, "team": team, "state": state}
    return render_template(
        "admin/people.html", found=found, chosen=chosen, page=page_number(), teams=_teams(), states=listing.STATES,
        roles=accounts.ROLES, imported=request.args.get("imported", 0, type=int),
        used=listing.tokens_used(session(), [member.person.id for member in found.members]),
    )  # fmt: skip


@blueprint.get("/add")
def new() -> ResponseReturnValue:
    """The form for somebody new, or for a service."""
    current_admin()
    kind = request.args.get("kind", "")
    return _form_page(PersonForm(kind=kind if kind in KINDS else KINDS[0]))


@blueprint.post("/add")
def add() -> ResponseReturnValue:
    """Add somebody; 422 when something is wrong with the form."""
    admin, form = current_admin(), read_form(request.form)
    if not form.name:
        form.problems["name"] = name_missing()
        return _form_page(form), 422
    try:
        person = people.add(session(), form.handle, form.name, by=admin.id)
        store(person, form, admin.id)
        people.give_account(session(), person, by=admin.id)
    except AccountError as error:
        session().rollback()
        form.problems = problem_of(error)
        return _form_page(form), 422
    session().commit()
    return redirect(url_for("admin_people.show", number=person.id, done="added"))


@blueprint.get("/<int:number>")
def show(number: int) -> ResponseReturnValue:
    """One person; 404 when there is none."""
    current_admin()
    return person_page(get_person(number))


@blueprint.post("/<int:number>")
def save(number: int) -> ResponseReturnValue:
    """Change name, address, role, teams and kind; 422 when something is wrong."""
    admin, person = current_admin(), get_person(number)
    form = read_form(request.form)
    try:
        store(person, form, admin.id)
    except AccountError as error:
        session().rollback()
        form.problems = problem_of(error)
        return person_page(get_person(number), form), 422
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="saved"))


def get_person(number: int) -> Person:
    """The person with this id; 404 when there is none."""
    person = session().get(Person, number) if number < 2**31 else None
    if person is None:
        abort(404)
    return person


def read_form(sent: MultiDict[str, str]) -> PersonForm:
    """The form as it was sent."""
    handle, name, email = (sent.get(name, "").strip()[:_LONGEST] for name in ("handle", "name", "email"))
    role, kind = sent.get("role", "staff"), sent.get("kind", "guess")
    known = {team.handle for team in _teams()}
    return PersonForm(
        handle, name, email, role if role in accounts.ROLES else "staff",
        tuple(team for team in sent.getlist("teams") if team in known), kind if kind in KINDS else "guess",
    )  # fmt: skip


def store(person: Person, form: PersonForm, by: int) -> None:
    """Give a person what the form says. Raises AccountError."""
    account = listing.one(session(), person).account
    people.rename(session(), person, form.name, by)
    people.set_role(session(), person, form.role, by)
    if set(form.teams) != {team.handle for team in person.teams}:
        people.set_teams(session(), person, form.teams, by)
    people.set_kind(session(), person, form.kind, by)
    if form.email.lower() != ((account.email if account else None) or ""):
        accounts.set_email(session(), person, form.email, by, current.settings().language_of_mail)


def person_page(person: Person, form: PersonForm | None = None, **shown: str) -> str:
    """The page of a person; `shown` is what is to be seen only once, such as a new token."""
    database, settings = session(), current.settings()
    member = listing.one(database, person)
    account = member.account
    form = form or PersonForm(
        person.handle, person.name, (account.email if account else None) or "", person.role,
        tuple(team.handle for team in person.teams), person.stated_kind or "guess",
    )  # fmt: skip
    return render_template(
        "admin/person.html", person=person, member=member, form=form, teams=_teams(), roles=accounts.ROLES, kinds=KINDS,
        sessions=sessions.of(database, person.id, settings.session_idle_days), tokens=tokens.of(database, person.id),
        factor_on=second_factor.is_on(database, person.id), mails=invitations.can_mail(settings),
        undoable=leaving.may_undo(database, person),
        may_make_token=person.id == signed_in().id or tokens.is_for_programs(database, person),
        today=current_day(), done=request.args.get("done", ""), shown=shown,
    )  # fmt: skip


def _form_page(form: PersonForm) -> str:
    return render_template("admin/person_new.html", form=form, teams=_teams(), roles=accounts.ROLES, kinds=KINDS)


def _teams() -> list[Team]:
    return all_teams(session())
