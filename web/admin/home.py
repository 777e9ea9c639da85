"""The first page of the admin area: what should be looked at, and the way to everything else."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from web.admin.frame import Attention, current_admin

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What should be looked at; 403 for people who are not admins."""
    current_admin()
    return render_template("admin/home.html", attention=attention())


def attention() -> list[Attention]:
    """What an admin should look at. Each section that knows of such things adds them here."""
    return []
