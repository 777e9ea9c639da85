"""The inbox as JSON: what a person has been told, and marking it as read."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from recommender.notifications import inbox
from recommender.render import Key, in_utc
from web.api import answers, blueprint, schemas, sent_json, sent_query, spec
from web.current import session
from web.sign_in.session import current_reader, signed_in

_PAGE = 50  # notifications on a page: a judgement


class InboxPageWanted(schemas.Sent):
    """Which page of the inbox."""

    page: int = Field(1, ge=1, le=1_000)


class MarkRead(schemas.Sent):
    """The id of the notification that has been read; all of them without it."""

    notification: int | None = Field(None, ge=1, le=2**31 - 1)


class NotificationShown(BaseModel):
    """Something that the person was told: its `kind` (reply, mention, resolution, reopened, assignment, suggested,
    followed, me_too, flag, review), the item it is about, the id of the `reply` in which it happened, and who did it
    (`actor`; null for nobody, or when this reader may not know who)."""

    id: int
    kind: str
    item: Key
    title: str
    reply: int | None
    actor: str | None
    at: datetime
    read: bool


class InboxPage(BaseModel):
    """One page of notifications; `total` and `unread` count those of all pages."""

    total: int
    unread: int
    page: int
    notifications: list[NotificationShown]


class Unread(BaseModel):
    """How many notifications are unread."""

    unread: int


@blueprint.get("/inbox")
@spec.validate(query=InboxPageWanted, resp=answers(HTTP_200=InboxPage), tags=("inbox",))
def inbox_json() -> Any:
    """The notifications of the person whose token it is, newest first, 50 on a page. What they may no longer read is
    not among them."""
    signed_in()
    reader, page = current_reader(), sent_query().page
    found = inbox.entries(session(), reader, first=(page - 1) * _PAGE, most=_PAGE)
    return {
        "total": inbox.count(session(), reader),
        "unread": inbox.count(session(), reader, unread_only=True),
        "page": page,
        "notifications": [_notification(entry) for entry in found],
    }


@blueprint.post("/inbox/read")
@spec.validate(json=MarkRead, resp=answers(sends=True, HTTP_200=Unread), tags=("inbox",))
def read_json() -> Any:
    """Mark one notification as read, or all of them when none is named; how many are unread then. A number that is not
    the person's own changes nothing."""
    signed_in()
    inbox.mark_read(session(), current_reader(), sent_json().notification)
    session().commit()
    return {"unread": inbox.count(session(), current_reader(), unread_only=True)}


def _notification(entry: inbox.Entry) -> dict[str, Any]:
    return {
        "id": entry.number,
        "kind": entry.kind,
        "item": entry.key,
        "title": entry.item.title,
        "reply": entry.reply.id if entry.reply else None,
        "actor": entry.actor.handle if entry.actor else None,
        "at": in_utc(entry.at),
        "read": entry.read,
    }
