"""The description by which browsers know Kollega as a search engine, for the address bar (OpenSearch 1.1)."""

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from web.addresses import absolute

blueprint = Blueprint("address_bar", __name__)
_TYPE = "application/opensearchdescription+xml; charset=utf-8"


@blueprint.get("/opensearch.xml")
def description() -> ResponseReturnValue:
    """The description, which is the same for everybody; its addresses are those of KOLLEGA_PUBLIC_URL."""
    answer = make_response(render_template("ask/opensearch.xml", absolute=absolute))
    answer.headers["Content-Type"] = _TYPE
    return answer
