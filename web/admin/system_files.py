"""Backups and exports from the page about the system: jobs write them, and exports can be removed. They stay on the
server: a backup because it also holds the key of the sign-in cookies, an export because it holds what the admin may not
read, unless a setting of the environment lets admins download it."""

from pathlib import Path

from flask import Response, abort, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import func, select

from recommender import audit
from recommender.database.tables import Document, HelpRequest, Person
from recommender.jobs import asking, exports, kinds
from web import current, once
from web.admin.frame import current_admin
from web.admin.system import blueprint


@blueprint.post("/backup")
def backup() -> ResponseReturnValue:
    """Have a backup made."""
    return _queued(kinds.BACKUP)


@blueprint.post("/export")
def export() -> ResponseReturnValue:
    """Say what an export holds, then have it written."""
    current_admin()
    if not request.form.get("confirmed"):
        return render_template(
            "admin/system_confirm.html", heading=gettext("Export everything"), lines=_what_it_holds(),
            button=gettext("Export everything"), action=url_for("admin_system.export"),
        )  # fmt: skip
    return _queued(kinds.EXPORT)


@blueprint.get("/exports/<name>")
def download(name: str) -> ResponseReturnValue:
    """An export as a file; 404 when it is not on this server, and when admins may not download exports. Who took it is
    in the audit log."""
    admin, path = current_admin(), _found(name)
    if not current.settings().export_download:
        abort(404)
    _record(admin.id, "store.export_downloaded", name, widened=True)
    answer: Response = send_file(path, mimetype="application/gzip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/exports/<name>/files")
def download_files(name: str) -> ResponseReturnValue:
    """The attached files of an export as one ZIP file, under the same rules; 404 also when it has none."""
    admin, path = current_admin(), _found(name)
    if not current.settings().export_download or not exports.attached(path):
        abort(404)
    _record(admin.id, "store.export_downloaded", f"{name}.files.zip", widened=True)
    answer = Response(exports.zipped(path), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.files.zip"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/exports/<name>/remove")
def remove(name: str) -> ResponseReturnValue:
    """Say that an export goes, then remove it, with the attached files beside it."""
    admin, path = current_admin(), _found(name)
    if not request.form.get("confirmed"):
        return render_template(
            "admin/system_confirm.html", heading=name, button=gettext("Remove the file"),
            lines=[gettext("The file and the attached files beside it are removed from the server.")],
            action=url_for("admin_system.remove", name=name),
        )  # fmt: skip
    exports.remove(path)
    _record(admin.id, "store.export_removed", name)
    return redirect(url_for("admin_system.show") + "#exports", 303)


def _queued(kind: str) -> ResponseReturnValue:
    admin = current_admin()
    if earlier := once.earlier_result():
        return redirect(earlier, 303)
    job = asking.ask(current.session(), current.settings(), kind, {}, admin.id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)), 303)


def _found(name: str) -> Path:
    return exports.find(current.settings(), name) or abort(404)


def _record(admin_id: int, action: str, name: str, **details: bool) -> None:
    session = current.session()
    audit.record(session, audit.actor(session, admin_id), action, "store", {"file": name, **details})
    session.commit()


def _what_it_holds() -> list[str]:
    requests, documents, people = (
        current.session().scalar(select(func.count()).select_from(table)) or 0
        for table in (HelpRequest, Document, Person)
    )
    lines = [
        gettext(
            "All %(requests)d requests, %(guides)d guides and %(people)d people are written into one file, with "
            "everything that is restricted.",
            requests=requests, guides=documents, people=people,
        ),
        gettext("Passwords, sessions, tokens and the audit log are not in it."),
        gettext("Who has asked without their name is named in it."),
        gettext("Admins can download the file until it is removed. The audit log says who did.")
        if current.settings().export_download
        else gettext("The file stays on the server. Only those who run Kollega there can fetch it."),
    ]  # fmt: skip
    return [str(line) for line in lines]
