"""The step of the set-up that says where knowledge can come from."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from web import current
from web.set_up.gate import admin_only

blueprint = Blueprint("set_up_knowledge", __name__, url_prefix="/setup")


@blueprint.get("/knowledge")
def show() -> ResponseReturnValue:
    """The ways to fill Kollega."""
    admin_only()
    settings = current.settings()
    return render_template(
        "set_up/knowledge.html", megabytes=settings.attachment_form_mb, possible=settings.attachment_mb > 0
    )
