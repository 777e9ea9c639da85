"""The queue of jobs: added by the web or a command, taken and finished by `kollega watch`, listed, cancelled and tried
again by admins. Nothing here commits."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from recommender.database.job_tables import Job
from recommender.database.leading import SHARED_WORK, index_leader, leader
from recommender.database.storing import changes_a_row, take
from recommender.database.tables import utc_now
from recommender.jobs.kinds import ITEMS, ON_THE_INDEX, WORK, title_of
from recommender.jobs.progress import note
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
UNFINISHED, ENDED = (WAITING, RUNNING), (DONE, FAILED, CANCELLED)
MOST_ATTEMPTS = 6
MOST_TRIES = 3
"""How often a job that takes long is begun, when the process that does it dies each time: a judgement."""
LEASE = timedelta(seconds=60)
"""After which a job that takes long may be taken by another process, unless the one that does it has said that it
still does: a judgement."""
_AT_WORK = timedelta(minutes=10)  # the same for items, whose loading says nothing meanwhile: a judgement
_FIRST_PAUSE = timedelta(seconds=10)  # doubled after each failure: a judgement
_KEPT = timedelta(days=30)  # how long one can see what became of a job: a judgement


def add(
    session: Session,
    kind: str,
    lane: str = "",
    payload: Any = (),
    made_by_id: int | None = None,
    *,
    title: str = "",
) -> Job:
    """Queue a job; it is done once this is committed. `kinds.title_of` says what the payload of each kind has. Jobs of
    the same lane are done one after the other: for items it is the name of their source, for all others what
    `kinds.lane_of` says. `title` is what it does, in plain words; without one, what `kinds.title_of` says.

    A page or command calls `asking.ask` instead, which also writes the audit log."""
    values = payload if isinstance(payload, dict) else list(payload)
    title = title or (title_of(kind, values if isinstance(values, dict) else {}) if kind not in ITEMS else "")
    job = Job(kind=kind, source=lane or kind, payload=values, state=WAITING, made_by_id=made_by_id, title=title[:200])
    session.add(job)
    session.flush()
    return job


def waiting_count(session: Session) -> int:
    """How many jobs with items of programs wait."""
    waiting = select(func.count()).select_from(Job).where(Job.state == WAITING, Job.kind.in_(ITEMS))
    return session.scalar(waiting) or 0


def next_due(
    session: Session, kinds: Collection[str] = ITEMS, lane: Callable[[str], bool] = lambda _lane: True
) -> int | None:
    """The number of the job of these kinds to do now: the oldest one of a lane that is due, in a lane that is right for
    who asks. None when there is none; reads only. A job is due too when the process that was at it has died."""
    of_kinds = Job.kind.in_(list(kinds))
    oldest = select(func.min(Job.id)).where(of_kinds, Job.state.in_(UNFINISHED)).group_by(Job.source)
    due = select(Job.id, Job.source).where(Job.id.in_(oldest), Job.next_attempt_at <= utc_now()).order_by(Job.id)
    return next((number for number, name in session.execute(due) if lane(name)), None)


def claim(session: Session, number: int) -> Job | None:
    """Take a job for a while in which nobody else does; None when somebody was faster, or when every attempt was cut
    off: then it is given up, so that it does not stop the jobs behind it. Commit before doing it. Whoever does a job
    that takes long calls `progress.report` at least every few seconds."""
    now = utc_now()
    job = session.get(Job, number)
    if job is None:
        return None
    is_long = job.kind in WORK
    ahead = {"next_attempt_at": now + (LEASE if is_long else _AT_WORK), "attempts": Job.attempts + 1}
    ahead["tries"] = Job.tries + 1
    nothing: dict[str, Any] = {"done": None, "total": None, "unit": "", "stage": "", "result": {}}
    begun = {"state": RUNNING, "started_at": now, "updated_at": now, **nothing} if is_long else {}
    free = Job.id == number, Job.state.in_(UNFINISHED), Job.next_attempt_at <= now
    if not take(session, Job, *free, **ahead, **begun):
        return None
    job = session.get_one(Job, number, populate_existing=True)
    if job.cancel_asked:
        end_cancelled(session, number, job.attempts)
        return None
    if job.tries > (MOST_TRIES if is_long else MOST_ATTEMPTS):
        sentence = Sentence("Kollega was stopped each time while it was at this.")
        sends = Sentence("Kollega was stopped each time while it was at this. Send the items in smaller calls.")
        _end(session, number, FAILED, {"problems": [sentence if is_long else sends]})
        return None
    return job


def finish(session: Session, number: int, result: dict[str, Any], attempt: int | None = None) -> bool:
    """Store what came of a job, and delete the items that it worked on. With `attempt`, only when that one is still the
    last; else False."""
    finished = _end(session, number, DONE, result, attempt)
    session.execute(delete(Job).where(Job.state.in_(ENDED), Job.finished_at < utc_now() - _KEPT))
    return finished


def fail(session: Session, number: int, attempt: int, problem: str, again: bool = True) -> bool:
    """Try a job again later that has failed at this attempt; after several tries, or when it would only fail `again`,
    give it up. False when it is no longer at this attempt: then nothing changes."""
    job = session.get(Job, number, populate_existing=True)
    if job is None:
        return False
    result, is_long = {"problems": [problem]}, job.kind in WORK
    if not again or job.tries >= (MOST_TRIES if is_long else MOST_ATTEMPTS):
        return _end(session, number, FAILED, result, attempt, (RUNNING,) if is_long else UNFINISHED)
    at = Job.id == number, Job.state.in_((RUNNING,) if is_long else UNFINISHED), Job.attempts == attempt
    pause = _FIRST_PAUSE * 2 ** (job.tries - 1)
    return take(session, Job, *at, state=WAITING, next_attempt_at=utc_now() + pause, result=result)


def fail_attempt(session: Session, number: int, attempt: int, problem: str) -> None:
    """The same for a job whose process has died at this attempt without a word; nothing when it is no longer at it."""
    if fail(session, number, attempt, problem):
        note(session, number, problem)


def release(session: Session, number: int, attempt: int) -> None:
    """Put a job back that was not ended because its process was: it waits, and is begun again at once."""
    where = and_(Job.id == number, Job.state == RUNNING, Job.attempts == attempt)
    session.execute(update(Job).where(where).values(state=WAITING, next_attempt_at=utc_now(), tries=Job.tries - 1))


def end_cancelled(session: Session, number: int, attempt: int) -> None:
    """Store that a job was ended because somebody wanted that."""
    _end(session, number, CANCELLED, {}, attempt)


def cancel(session: Session, number: int) -> bool:
    """End a job that waits, or have one that is being done end in a moment. False when it has ended already."""
    now = utc_now()
    unguarded = and_(Job.state == RUNNING, Job.next_attempt_at <= now)  # whoever was at it is gone
    ended = {"state": CANCELLED, "finished_at": now, "cancel_asked": True}
    if take(session, Job, Job.id == number, or_(Job.state == WAITING, unguarded), **ended):
        _drop_items(session, number)
        return True
    return take(session, Job, Job.id == number, Job.state == RUNNING, cancel_asked=True)


def retry(session: Session, number: int) -> bool:
    """Do a job once more that has failed or was cancelled. False when it is neither, or when it had items of a program,
    which are gone: that program has to send them again."""
    job = session.get(Job, number)
    if job is None or job.kind in ITEMS:
        return False
    anew: dict[str, Any] = {"state": WAITING, "tries": 0, "next_attempt_at": utc_now(), "cancel_asked": False}
    nothing: dict[str, Any] = {"result": {}, "finished_at": None, "done": None, "total": None, "stage": ""}
    if not take(session, Job, Job.id == number, Job.state.in_((FAILED, CANCELLED)), **anew, **nothing):
        return False
    note(session, number, Sentence("Begun again by hand."))
    return True


def listed(
    session: Session,
    *,
    kinds: Collection[str] = WORK,
    states: Collection[str] = (),
    lane: str = "",
    most: int = 50,
    before: int | None = None,
) -> Sequence[Job]:
    """Jobs, the newest first: of these kinds, in these states (any without one), of this lane, numbered lower than
    `before`."""
    query = select(Job).where(Job.kind.in_(list(kinds))).order_by(Job.id.desc()).limit(most)
    if states:
        query = query.where(Job.state.in_(list(states)))
    if lane:
        query = query.where(Job.source == lane)
    if before is not None:
        query = query.where(Job.id < before)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def is_watched(session: Session) -> bool:
    """True when a `kollega watch` runs on this database, so that jobs are done."""
    return leader(session.get_bind().engine, SHARED_WORK) is not None


def is_index_watched(session: Session, settings: Settings) -> bool:
    """True when a `kollega watch` looks after this index: only such a one does the jobs on it. One on another machine
    does the others."""
    return index_leader(session.get_bind().engine, settings) is not None


def has_no_runner(session: Session, job: Job) -> bool:
    """True for a job on an index that waits while no `kollega watch` looks after that index."""
    is_waiting = job.state == WAITING and job.kind in ON_THE_INDEX
    return is_waiting and leader(session.get_bind().engine, job.source) is None


def _end(
    session: Session,
    number: int,
    state: str,
    result: dict[str, Any],
    attempt: int | None = None,
    states: Collection[str] = (RUNNING,),
) -> bool:
    where: list[ColumnElement[bool]] = [Job.id == number]
    if attempt is not None:
        where += [Job.state.in_(states), Job.attempts == attempt]
    ended = {"state": state, "result": result, "finished_at": utc_now(), "stage": ""}
    if not changes_a_row(session, update(Job).where(*where).values(**ended)):
        return False
    _drop_items(session, number)
    return True


def _drop_items(session: Session, number: int) -> None:
    session.execute(update(Job).where(Job.id == number, Job.kind.in_(ITEMS)).values(payload=[]))
