"""Attached files as JSON, and the files themselves."""

from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue

from recommender.database.attachment_tables import Attachment
from recommender.knowledge import attachments
from recommender.knowledge.file_types import MEDIA_TYPES
from recommender.render import in_utc
from web import current
from web.api import answers, blueprint, schemas, spec
from web.current import session
from web.files.attached import send_attachment
from web.reading import get_attachment, get_document, get_request


@blueprint.get("/requests/<int(min=1, max=2147483647):request_id>/attachments")
@spec.validate(resp=answers(HTTP_200=schemas.AttachmentList), tags=("requests",))
def request_attachments_json(request_id: int) -> Any:
    """The files of a request and its replies, oldest first."""
    return _listed(attachments.of_request(session(), get_request(request_id).id))


@blueprint.get("/documents/<int(min=1, max=2147483647):document_id>/attachments")
@spec.validate(resp=answers(HTTP_200=schemas.AttachmentList), tags=("documents",))
def document_attachments_json(document_id: int) -> Any:
    """The files of a guide, oldest first."""
    document = get_document(document_id)
    if document.hidden:
        abort(404)
    return _listed(attachments.of_document(session(), document.id))


@blueprint.get("/attachments/<int(min=1, max=2147483647):attachment_id>")
@spec.validate(resp=answers(HTTP_409=schemas.Problem), tags=("attachments",))
def attachment_file(attachment_id: int) -> ResponseReturnValue:
    """An attached file itself, to be saved; 409 when the check of files has not let it pass (yet)."""
    row, owner = get_attachment(attachment_id)
    if owner is None or owner.hidden:
        abort(404)
    if not attachments.may_be_opened(row, current.settings()):
        abort(409, "This file has not passed the check of files (yet).")
    answer = send_attachment(row, as_attachment=True)
    answer.direct_passthrough = False  # read and closed here: spectree makes another answer of it
    content = answer.get_data()
    answer.close()
    answer.set_data(content)
    return answer


def _listed(rows: list[Attachment]) -> dict[str, Any]:
    return {"attachments": [_shown(row) for row in rows]}


def _shown(row: Attachment) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "media_type": MEDIA_TYPES[row.kind],
        "size": row.size,
        "sha256": row.digest,
        "reply": row.reply_id,
        "added_at": in_utc(row.added_at),
        "available": attachments.may_be_opened(row, current.settings()),
    }
