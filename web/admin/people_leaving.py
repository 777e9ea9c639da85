"""Somebody leaves: what hangs on them in numbers, what is to be done, the confirmation, and taking it back."""

from dataclasses import dataclass, field
from datetime import date

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from recommender.access import reader_of
from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import leaving
from recommender.membership.leaving import Handed, Plan
from web import current, formatting
from web.admin.frame import current_admin
from web.admin.people import blueprint, get_person
from web.admin.people_words import last_admin
from web.current import session

KEEP, NOBODY = "keep", "nobody"
"""What is chosen for requests or documents when no colleague is: they stay as they are, or go to nobody, which is the
queue or their team."""


@dataclass
class LeavingForm:
    """What was chosen: the day as it was typed, and KEEP, NOBODY or the id of a colleague."""

    left_on: str = ""
    requests_to: str = NOBODY
    documents_to: str = NOBODY
    end_access: bool = True
    problems: dict[str, str] = field(default_factory=dict)


@blueprint.get("/<int:number>/leaving")
def leaving_form(number: int) -> ResponseReturnValue:
    """What hangs on a person, and what can be done about it."""
    admin, person = current_admin(), get_person(number)
    day = person.left_on or current_day()
    return _page(admin, person, LeavingForm(day.isoformat()))


@blueprint.post("/<int:number>/leaving")
def leave(number: int) -> ResponseReturnValue:
    """Say what will happen; do it when it was confirmed. 422 when something is wrong."""
    admin, person = current_admin(), get_person(number)
    form = LeavingForm(
        request.form.get("left_on", ""), request.form.get("requests_to", NOBODY),
        request.form.get("documents_to", NOBODY), bool(request.form.get("end_access")),
    )  # fmt: skip
    plan = _plan(person, form)
    if plan is None:
        return _page(admin, person, form), 422
    handed = leaving.preview(session(), person, plan, reader_of(admin))
    if not request.form.get("confirmed"):
        fields = {name: getattr(form, name) for name in ("left_on", "requests_to", "documents_to")}
        return render_template(
            "admin/person_confirm.html", person=person, button=gettext("Do it"),
            action=url_for("admin_people.leave", number=number), consequences=_consequences(person, plan, handed),
            fields=fields | ({"end_access": "1"} if form.end_access else {}),
            back=url_for("admin_people.leaving_form", number=number),
        )  # fmt: skip
    try:
        leaving.leave(session(), person, plan, admin.id)
    except AccountError as error:
        session().rollback()
        person = get_person(number)
        form.problems["left_on"] = last_admin() if error.reason == "last_admin" else _gone()
        return _page(admin, person, form), 422
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="leaving"))


@blueprint.post("/<int:number>/leaving/undo")
def undo_leaving(number: int) -> ResponseReturnValue:
    """Take back what was done when the person left."""
    admin, person = current_admin(), get_person(number)
    try:
        leaving.undo(session(), person, admin.id)
    except AccountError:  # somebody else was faster
        session().rollback()
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="undone"))


def _page(admin: Person, person: Person, form: LeavingForm) -> str:
    reader, days = reader_of(admin), current.settings().session_idle_days
    return render_template(
        "admin/person_leaving.html", person=person, form=form, keep=KEEP, nobody=NOBODY,
        hanging=leaving.hanging(session(), person, reader, days),
        successors=leaving.possible_successors(session(), person),
    )  # fmt: skip


def _plan(person: Person, form: LeavingForm) -> Plan | None:
    """What is to be done; None, with what is wrong in the form, when it cannot be."""
    colleagues = {str(each.id): each for each in leaving.possible_successors(session(), person)}
    try:
        day = date.fromisoformat(form.left_on)
    except ValueError:
        day = None
        form.problems["left_on"] = gettext("Write the day as year-month-day, such as 2027-01-31.")
    for name in ("requests_to", "documents_to"):
        if getattr(form, name) not in (KEEP, NOBODY, *colleagues):
            form.problems[name] = _gone()
    if form.problems:
        return None
    return Plan(
        day, form.requests_to != KEEP, colleagues.get(form.requests_to), form.documents_to != KEEP,
        colleagues.get(form.documents_to), form.end_access,
    )  # fmt: skip


def _consequences(person: Person, plan: Plan, handed: Handed) -> list[str]:
    """What will happen, in sentences. Numbers are of what the admin may read."""
    day = formatting.day(plan.left_on) if plan.left_on else ""
    said = [gettext("From %(day)s on, %(name)s cannot sign in and is suggested to nobody.", day=day, name=person.name)]
    if plan.end_access:
        said.append(gettext("The account is disabled now: sessions end, and API tokens are deleted for good."))
    if plan.requests_to is not None:
        said.append(
            ngettext("%(num)d open request goes to %(name)s.", "%(num)d open requests go to %(name)s.",
                     handed.requests, name=plan.requests_to.name)
        )  # fmt: skip
    if plan.hand_requests and (handed.to_queue or plan.requests_to is None):
        said.append(
            ngettext("%(num)d open request goes back to the queue of its team.",
                     "%(num)d open requests go back to the queues of their teams.", handed.to_queue)
        )  # fmt: skip
    if plan.documents_to is not None:
        said.append(
            ngettext("%(num)d guide gets %(name)s as its owner.", "%(num)d guides get %(name)s as their owner.",
                     handed.documents, name=plan.documents_to.name)
        )  # fmt: skip
    if plan.hand_documents and (handed.to_team or plan.documents_to is None):
        said.append(
            ngettext("%(num)d guide has no owner any more: its team looks after it.",
                     "%(num)d guides have no owner any more: their teams look after them.", handed.to_team)
        )  # fmt: skip
    if handed.staying:
        said.append(
            ngettext("%(num)d guide stays as it is, because nobody else may read it.",
                     "%(num)d guides stay as they are, because nobody else may read them.", handed.staying)
        )  # fmt: skip
    if plan.hand_requests or plan.hand_documents:
        said.append(
            gettext("What you may not read is handed over too, and is not counted here. Nobody gets to read more.")
        )
    said.append(gettext("This can be undone on the page of the person. Sessions and tokens stay ended."))
    return [str(sentence) for sentence in said]


def _gone() -> str:
    return str(gettext("This colleague cannot take it over. Choose another one."))
