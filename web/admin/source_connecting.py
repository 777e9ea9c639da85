"""Connecting a source: choosing the system, saying where it is, and how often it is read. A job writes that to
sources.toml and tries it out. The secret is not sent here: it is in the environment, or in a file that an admin writes
on the server."""

import re
from dataclasses import dataclass, field
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from recommender.accounts.source_secret import secret_variable, takes_a_setting
from recommender.database.job_tables import Job
from recommender.database.tables import TAKEN_NAMES
from recommender.jobs import asking, kinds
from recommender.monitoring.source_states import read_sources_seen, shown_place
from recommender.teams import team as teams
from web import current, once
from web.admin.frame import current_admin
from web.admin.source_kinds import BY_KIND, COMMANDS, SYSTEMS, SystemKind
from web.admin.source_words import EVERY, FULL_EVERY, file_kinds
from web.admin.sources import blueprint, source_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST = 300  # characters of a field: a judgement
_MOST_DIGITS = 9  # of the number of a job
_ENVIRONMENT, _FILE, _NONE = "environment", "file", "none"


@dataclass
class ConnectForm:
    """The fields of the form; `secret` is where the token is: in the environment, in a file, or nowhere."""

    name: str
    place: str = ""
    user: str = ""
    part: str = ""
    team: str = ""
    secret: str = _FILE
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> "ConnectForm":
        """What was sent."""
        names = ("name", "place", "user", "part", "team", "secret")
        name, place, user, part, team, secret = (form.get(each, "").strip()[:_LONGEST] for each in names)
        return cls(name, place, user, part, team, secret)

    @classmethod
    def of_job(cls, number: str, system: SystemKind) -> "ConnectForm | None":
        """What was chosen for a job that connected nothing; None when there is no such job of this system. Where the
        secret is was chosen too, and nothing else of it is known here."""
        job = current.session().get(Job, int(number)) if number.isdecimal() and len(number) <= _MOST_DIGITS else None
        chosen: Any = job.payload if job is not None and job.kind == kinds.CONNECT else {}
        table = chosen.get("table", {})
        if table.get("kind") != system.kind:
            return None
        parts = table.get(system.part, "")
        in_file, elsewhere = f"{system.secret}_file" in table, _NONE if system.open else _ENVIRONMENT
        return cls(
            chosen.get("source", ""), shown_place(table.get("place", "")), table.get("user", ""),
            parts if isinstance(parts, str) else ", ".join(parts), table.get("team", ""),
            _FILE if in_file else elsewhere,
        )  # fmt: skip

    def table(self, system: SystemKind) -> dict[str, Any]:
        """The lines of the source in sources.toml."""
        table: dict[str, Any] = {"kind": system.kind, "place": self.place}
        if self.user and system.user != "never":
            table["user"] = self.user
        parts = [part.strip() for part in self.part.split(",") if part.strip()]
        if parts and system.part:
            table[system.part] = parts if system.has_several_parts else parts[0]
        if self.team:
            table["team"] = self.team
        if self.secret == _FILE:
            table[f"{system.secret}_file"] = secret_file(self.name, system)
        return table


def secret_file(name: str, system: SystemKind) -> str:
    """The one file in which a page looks for the secret of a source: nobody can choose another one here, whose content
    would then be sent to the address of the source."""
    return str(current.settings().sources_file.absolute().parent / f"{name}.{system.secret}")


@blueprint.get("/_connect")
def choose() -> ResponseReturnValue:
    """The systems that can be connected."""
    current_admin()
    return render_template("admin/source_choose.html", systems=SYSTEMS, commands=COMMANDS,
                           names=file_kinds(), file=current.settings().sources_file)  # fmt: skip


@blueprint.get("/_connect/<kind>")
def connect_form(kind: str) -> ResponseReturnValue:
    """The form for a system, with what was chosen for a `job`; 404 for an unknown one."""
    current_admin()
    system = _system(kind)
    chosen = ConnectForm.of_job(request.args.get("job", ""), system)
    return _page(system, chosen or ConnectForm(_free_name(system), secret=_NONE if system.open else _FILE))


@blueprint.post("/_connect/<kind>")
def connect(kind: str) -> ResponseReturnValue:
    """Have the source written to sources.toml and tried out; 422 with the form and what is wrong."""
    admin, system, form = current_admin(), _system(kind), ConnectForm.sent(request.form)
    if earlier := once.earlier_result():
        return redirect(earlier, 303)
    _check(form, system)
    if form.problems:
        return _page(system, form), 422
    payload = {"source": form.name, "table": form.table(system)}
    job = asking.ask(current.session(), current.settings(), kinds.CONNECT, payload, admin.id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)), 303)


@blueprint.post("/<name>/schedule")
def schedule(name: str) -> ResponseReturnValue:
    """Have it written to sources.toml how often a source is read."""
    source, admin = source_of(name), current_admin()
    if earlier := once.earlier_result():
        return redirect(earlier, 303)
    every, full_every = request.form.get("every", ""), request.form.get("full_every", "")
    known = {*EVERY, source.every}, {*FULL_EVERY, source.full_every}
    if every not in known[0] or full_every not in known[1]:
        abort(400)
    payload = {"source": name, "every": every, "full_every": full_every if every else ""}
    job = asking.ask(current.session(), current.settings(), kinds.SCHEDULE, payload, admin.id)
    return redirect(once.commit_once(url_for("admin_jobs.show", number=job.id)), 303)


def _system(kind: str) -> SystemKind:
    return BY_KIND.get(kind) or abort(404)


def _free_name(system: SystemKind) -> str:
    """The kind, or the kind with a number, that no source has."""
    taken = _taken()
    names = [system.kind, *(f"{system.kind}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _taken() -> set[str]:
    return {source.name for source in read_sources_seen(current.session(), current.settings()).sources}


def _check(form: ConnectForm, system: SystemKind) -> None:
    """Note what is wrong with a form."""
    if not _NAME.fullmatch(form.name) or form.name in TAKEN_NAMES:
        form.problems["name"] = gettext("Use small letters, digits, '-' and '_'; at most 64 of them.")
    elif form.name in _taken():
        form.problems["name"] = gettext("There is a source of this name already. Choose another one.")
    elif takes_a_setting(form.name):
        form.problems["name"] = gettext("The variable of its secret would be that of a setting. Choose another name.")
    if not form.place.startswith(system.scheme) or len(form.place) == len(system.scheme):
        form.problems["place"] = gettext("Write the whole address, which begins with %(scheme)s", scheme=system.scheme)
    elif "@" in form.place.partition("://")[2].partition("/")[0]:
        form.problems["place"] = gettext("Take the name and the password out of the address.")
    elif "?" in form.place or "#" in form.place:
        form.problems["place"] = gettext(
            "Take out the ? or # of the address and what follows it: it may hold a secret."
        )
    if system.user == "always" and not form.user:
        form.problems["user"] = gettext("Write the user name of the account.")
    if system.needs_part and not form.part:
        form.problems["part"] = gettext("Name at least one project, as group/name.")
    if form.team and teams.find(current.session(), form.team) is None:
        form.problems["team"] = gettext("There is no such team any more. Choose another one.")
    if form.secret not in (_ENVIRONMENT, _FILE, *([_NONE] if system.open else [])):
        form.problems["secret"] = gettext("Choose where the secret is.")
    if not all(text.isprintable() for text in (form.place, form.user, form.part)):
        form.problems["place"] = gettext("Take out the characters that cannot be seen.")


def _page(system: SystemKind, form: ConnectForm) -> str:
    return render_template(
        "admin/source_connect.html",
        system=system,
        form=form,
        teams=teams.all_teams(current.session()),
        variable=secret_variable("NAME", system.secret),
        file=secret_file("NAME", system),
        sources_file=current.settings().sources_file,
    )
