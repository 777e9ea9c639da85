"""Whether the system is in order: the quick checks of `kollega doctor`, in the language of the page."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from recommender.jobs import exports
from recommender.monitoring.checks.finding import OK, PROBLEM, WARNING
from recommender.monitoring.checks.run import Wanted, all_findings
from web import current
from web.admin import check_words
from web.admin.frame import current_admin

blueprint = Blueprint("admin_system", __name__, url_prefix="/admin/system")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """What was found, what needs somebody first; 403 for people who are not admins."""
    current_admin()
    encoder = current.recommender().snapshot.encoder
    wanted = Wanted(deep=False, network=False, encoder=encoder)
    findings = list(all_findings(current.settings(), wanted))
    order = {PROBLEM: 0, WARNING: 1}
    needing = sorted((finding for finding in findings if finding.state != OK), key=lambda each: order[each.state])
    return render_template(
        "admin/system.html",
        needing=needing,
        fine=[finding for finding in findings if finding.state == OK],
        words=check_words,
        exports=exports.listed(current.settings()),
        may_download=current.settings().export_download,
    )
