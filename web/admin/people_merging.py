"""Two accounts of one person become one: which two, what will happen in numbers, the confirmation."""

from dataclasses import dataclass, field

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from recommender.access import reader_of
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import merging, people
from recommender.membership.merging import Preview
from web import current
from web.admin.frame import current_admin
from web.admin.people import blueprint, get_person
from web.admin.people_words import last_admin
from web.current import session
from web.formatting import role_name, team_name
from web.reading import team_rows

THIS, OTHER = "this", "other"


@dataclass
class MergeForm:
    """The user name of the other account, and which of the two is kept."""

    other: str = ""
    keep: str = THIS
    problems: dict[str, str] = field(default_factory=dict)


@blueprint.get("/<int:number>/merge")
def merge_form(number: int) -> ResponseReturnValue:
    """The form that asks for the other account."""
    current_admin()
    return _page(get_person(number), MergeForm())


@blueprint.post("/<int:number>/merge")
def merge(number: int) -> ResponseReturnValue:
    """Say what will happen; do it when it was confirmed. 422 when the two cannot be merged."""
    admin, person = current_admin(), get_person(number)
    form = MergeForm(request.form.get("other", "").strip(), request.form.get("keep", THIS))
    try:
        other = people.find(session(), form.other)
        kept, gone = (person, other) if form.keep != OTHER else (other, person)
        seen = merging.preview(session(), kept, gone, reader_of(admin), current.settings().session_idle_days)
        if not request.form.get("confirmed"):
            return render_template(
                "admin/person_confirm.html", person=person, button=gettext("Make one person of the two"),
                action=url_for("admin_people.merge", number=number), consequences=_consequences(kept, gone, seen),
                fields={"other": form.other, "keep": form.keep},
                back=url_for("admin_people.merge_form", number=number),
            )  # fmt: skip
        merging.merge(session(), kept, gone, admin.id)
    except AccountError as error:
        session().rollback()
        form.problems["other"] = _problem(error)
        return _page(get_person(number), form), 422
    number = kept.id
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="merged"))


def _page(person: Person, form: MergeForm) -> str:
    return render_template("admin/person_merge.html", person=person, form=form, this=THIS, other=OTHER)


def _problem(error: AccountError) -> str:
    texts = {
        "handle": gettext("Nobody has this user name."),
        "merge": gettext("These are the same account. Name the other one."),
        "merge_kinds": gettext("One of them is a person and the other a service. Correct that first."),
        "last_admin": last_admin(),
    }
    return str(texts.get(error.reason, error))


def _consequences(kept: Person, gone: Person, seen: Preview) -> list[str]:
    """What will happen, in sentences. Numbers are of what the admin may read."""
    teams = {row.handle: team_name(row) for row in team_rows().values()}
    said = [
        gettext("%(gone)s becomes part of %(kept)s. The user name %(gone)s then means %(kept)s, also for sources.",
                gone=gone.handle, kept=kept.handle),
        ngettext("%(num)d request they asked moves.", "%(num)d requests they asked move.", seen.requests),
        ngettext("%(num)d request assigned to them moves.", "%(num)d requests assigned to them move.", seen.assigned),
        ngettext("%(num)d reply moves.", "%(num)d replies move.", seen.replies),
        ngettext("%(num)d guide moves.", "%(num)d guides move.", seen.documents),
        gettext("The role is %(role)s afterwards.", role=role_name(seen.role)),
    ]  # fmt: skip
    if seen.new_teams:
        names = ", ".join(teams.get(handle, handle) for handle in seen.new_teams)
        said.append(gettext("%(kept)s also belongs to: %(teams)s.", kept=kept.handle, teams=names))
    said += [
        ngettext("%(num)d browser is signed out.", "%(num)d browsers are signed out.", seen.sessions),
        ngettext("%(num)d token is deleted for good.", "%(num)d tokens are deleted for good.", seen.tokens),
    ]
    if seen.takes_password:
        said.append(gettext("They sign in with the password of %(gone)s.", gone=gone.handle))
    if seen.ends_second_factor:
        said.append(gettext("The two-step sign-in of %(gone)s ends; %(kept)s can set it up anew.",
                            gone=gone.handle, kept=kept.handle))  # fmt: skip
    if seen.ends_password:
        said.append(gettext("The password of %(gone)s ends. Send %(kept)s a link to a new one.",
                            gone=gone.handle, kept=kept.handle))  # fmt: skip
    if seen.loses_link:
        said.append(gettext("%(gone)s is no longer linked to the OpenID provider.", gone=gone.handle))
    said += [
        gettext("What you may not read moves too, and is not counted here. Nobody else gets to read more."),
        gettext("This cannot be undone."),
    ]
    return [str(sentence) for sentence in said]
