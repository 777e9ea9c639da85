"""A list of people from a CSV file: what it would change is shown before anything is stored."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.membership import people_file
from recommender.membership.people_file import Imported, UnreadableFile
from recommender.membership.people_preview import preview
from web import current
from web.admin.frame import current_admin
from web.admin.people import blueprint
from web.admin.people_words import line_problem
from web.current import session

MOST_ROWS = 500
"""People of one file: they take some seconds, in which nobody else can write into SQLite, and the page that shows them
sends them back. A judgement; `kollega user import` takes more."""


@blueprint.get("/import")
def import_form() -> ResponseReturnValue:
    """The form for a file."""
    current_admin()
    return _page()


@blueprint.post("/import")
def import_file() -> ResponseReturnValue:
    """Show what a file would change; store it when that was confirmed. 422 when it is no list of people."""
    admin = current_admin()
    sent = request.files.get("file")
    text = people_file.decoded(sent.read()) if sent else request.form.get("text", "")
    try:
        if not request.form.get("confirmed"):
            return _page(found=preview(session(), text, MOST_ROWS), text=text)
        found = people_file.import_people(session(), text, admin.id, current.settings().language_of_mail, MOST_ROWS)
    except UnreadableFile as error:
        session().rollback()
        return _page(problem=_unreadable(error)), 422
    session().commit()
    stored = found.count(people_file.NEW) + found.count(people_file.CHANGED)
    return redirect(url_for("admin_people.listed", imported=stored))


def _page(found: Imported | None = None, text: str = "", problem: str = "") -> str:
    counts = {what: found.count(what) for what in people_file.COUNTED} if found else {}
    return render_template(
        "admin/people_import.html",
        found=found,
        text=text,
        problem=problem,
        counts=counts,
        line_problem=line_problem,
        most=MOST_ROWS,
    )


def _unreadable(error: UnreadableFile) -> str:
    texts = {
        "file": gettext("This is no CSV file with people in it. Save the table as CSV in Excel and try again."),
        "headings": gettext(
            "The first line must name the columns: user name or e-mail, and name; also role, teams, last day."
        ),
        "rows": gettext(
            "The page takes at most %(num)d people at once. Divide the file, or run on the server: "
            "kollega user import FILE",
            num=MOST_ROWS,
        ),
    }
    return str(texts[error.reason])
