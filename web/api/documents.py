"""Guides as JSON."""

from typing import Any

from flask import abort

from recommender.render import in_utc
from web.api import answers, blueprint, schemas, spec
from web.reading import get_document


@blueprint.get("/documents/<int(min=1, max=2147483647):document_id>")
@spec.validate(resp=answers(HTTP_200=schemas.DocumentShown), tags=("documents",))
def document_json(document_id: int) -> Any:
    """One guide, with its body in Markdown."""
    document = get_document(document_id)
    if document.hidden:
        abort(404)
    return {
        "id": document.id,
        "title": document.title,
        "body": document.body,
        "language": document.language,
        "team": document.team.handle if document.team else None,
        "owner": document.owner.handle if document.owner else None,
        "written_at": in_utc(document.written_at),
        "verified_on": document.verified_on.isoformat() if document.verified_on else None,
        "draft": document.draft,
        "url": document.url,
    }
