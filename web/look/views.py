"""The organisation's own look: a small stylesheet with its colours, and its logo."""

import base64

from flask import Blueprint, Response, abort

from recommender.organisation import colour
from recommender.organisation.values import LOGO_CONTENT, LOGO_TYPES, stored
from web import current

blueprint = Blueprint("look", __name__)
_NOTHING_RUNS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"


@blueprint.get("/look.css")
def stylesheet() -> Response:
    """The accent colours, for light and dark screens; empty when the organisation has chosen none."""
    chosen = current.organisation()
    text = ""
    if chosen.accent:
        dark = chosen.accent_dark or colour.nearest(chosen.accent, colour.DARK_PAPERS)
        text = f":root {{ {_colours(chosen.accent)} }}\n"
        text += f"@media (prefers-color-scheme: dark) {{ :root {{ {_colours(dark)} }} }}\n"
    return Response(text, mimetype="text/css")


@blueprint.get("/logo")
def logo() -> Response:
    """The organisation's picture; 404 when there is none. Nothing in it can run."""
    kind = current.organisation().logo.get("type", "")
    content = stored(current.session(), LOGO_CONTENT) if kind in LOGO_TYPES else None
    if not content:
        abort(404)
    answer = Response(base64.b64decode(content), mimetype=LOGO_TYPES[kind])
    answer.headers["Content-Security-Policy"] = _NOTHING_RUNS
    return answer


def _colours(accent: str) -> str:
    return f"--accent: {accent}; --accent-ink: {colour.ink_on(accent)};"
