"""Items that other programs send: stored as a job, which `kollega watch` loads within seconds."""

from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue

from recommender import audit
from recommender.database.job_tables import Job
from recommender.database.source_tables import names_in
from recommender.database.tables import SENT_HERE, TAKEN_NAMES
from recommender.jobs import kinds, queue
from recommender.render import in_utc
from web import current, once
from web.api import answers, blueprint, schemas, sent_json, spec
from web.current import session
from web.sign_in.session import signed_in

_MOST_WAITING = 2_000  # jobs, after which a program has to wait until they are done: a judgement


@blueprint.post("/items")
@spec.validate(
    headers=schemas.Repeatable,
    json=schemas.SentItems,
    resp=answers(sends=True, HTTP_202=schemas.JobShown, HTTP_503=schemas.Problem),
    tags=("items",),
)
def load_json() -> ResponseReturnValue:
    """Add or update up to 500 items of a source, known by its name and their `type` and `id`. They are loaded within
    seconds, in the order of the calls; the answer says under which number that can be followed. With the header
    `Idempotency-Key` a call can be sent again when its answer was lost. Needs the scope `load` of an admin."""
    sent: schemas.SentItems = sent_json()
    return _queued(kinds.LOAD, sent.source, sent.items)


@blueprint.post("/items/delete")
@spec.validate(
    headers=schemas.Repeatable,
    json=schemas.DeletedItems,
    resp=answers(sends=True, HTTP_202=schemas.JobShown, HTTP_503=schemas.Problem),
    tags=("items",),
)
def delete_json() -> ResponseReturnValue:
    """Delete up to 500 requests and documents of a source, as those that were deleted where they came from. What
    people have changed here is kept. Otherwise this is like sending items."""
    sent: schemas.DeletedItems = sent_json()
    return _queued(kinds.DELETE, sent.source, [item.model_dump() for item in sent.items])


@blueprint.get("/jobs/<int(min=1, max=2147483647):job_id>")
@spec.validate(resp=answers(HTTP_200=schemas.JobShown), tags=("items",))
def job_json(job_id: int) -> Any:
    """What became of items that were sent: only for who has sent them."""
    _require_admin()
    job = session().get(Job, job_id)
    if job is None or job.kind not in kinds.ITEMS or job.made_by_id != signed_in().id:
        abort(404)
    return _shown(job)


def _queued(kind: str, source: str, items: list[dict[str, Any]]) -> ResponseReturnValue:
    person = _require_admin()
    if source in TAKEN_NAMES:
        what = "what was written here" if source == SENT_HERE else "the demo organisation"
        abort(422, f"source: {source} is the source of {what}. Name another one.")
    if source in names_in(current.settings().sources_file):
        abort(
            409,
            f"source: {source} is a source of sources.toml, and `kollega sync {source}` deletes what is not there. "
            "Send these items under another name.",
        )
    if earlier := once.earlier_result():
        return _shown(session().get_one(Job, int(earlier))), 202
    if queue.waiting_count(session()) >= _MOST_WAITING:
        abort(503, f"{_MOST_WAITING} calls wait already. Check that `kollega watch` is running, and send this later.")
    job = queue.add(session(), kind, source, items, person)
    audit.record(
        session(), audit.actor(session(), person), f"items.{kind}", f"source:{source}", {"job": job.id, "n": len(items)}
    )
    number = once.commit_once(str(job.id))
    return _shown(session().get_one(Job, int(number))), 202


def _require_admin() -> int:
    """The id of the admin whose token this is; answers 403 to everybody else. The scope was checked before."""
    person = signed_in()
    if person.role != "admin":
        abort(403, "Only admins may send items.")
    return person.id


def _shown(job: Job) -> dict[str, Any]:
    result = job.result
    counts = {name: result.get(name, 0) for name in ("added", "updated", "unchanged", "problem_count")}
    counts["deleted"] = result.get("removed", 0)
    return {
        "job": job.id,
        "state": job.state,
        "source": job.source,
        "created_at": in_utc(job.created_at),
        "finished_at": in_utc(job.finished_at) if job.finished_at else None,
        **counts,
        "problems": result.get("problems", []),
        "kept": result.get("kept", []),
    }
