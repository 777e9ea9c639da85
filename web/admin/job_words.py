"""Jobs in the language of the page: what each does, how far it is, and what came of it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext, pgettext

from recommender.database.job_tables import Job
from recommender.jobs import kinds, queue
from recommender.monitoring.source_states import SourceSeen, read_sources_seen, shown_place
from web import current


def title(job: Job) -> str:
    """What the job does."""
    chosen: Mapping[str, Any] = job.payload if isinstance(job.payload, dict) else {}
    words: dict[str, Callable[[], str]] = {
        kinds.REINDEX: lambda: (
            pgettext("job", "Build the index anew")
            if chosen.get("full")
            else pgettext("job", "Bring the index up to date")
        ),
        kinds.VERIFY: lambda: (
            pgettext("job", "Check everything and mend the index")
            if chosen.get("repair")
            else pgettext("job", "Check everything")
        ),
        kinds.ROLLBACK: lambda: pgettext("job", "Go back to the index before"),
        kinds.MODEL: lambda: gettext("Put the model %(name)s in use", name=chosen.get("name", "")),
        kinds.CALIBRATE: lambda: gettext("Learn how sure an answer is"),
        kinds.TRAIN: lambda: gettext("Learn how to rank colleagues"),
        kinds.SYNC: lambda: _sync_title(chosen),
        kinds.EXPORT: lambda: gettext("Write everything into a file"),
        kinds.LOAD_FILE: lambda: _file_title(chosen),
        kinds.BACKUP: lambda: pgettext("job", "Make a backup"),
        kinds.DEMO: lambda: (
            pgettext("job", "Remove the demo") if chosen.get("remove") else pgettext("job", "Load the demo")
        ),
        kinds.CONNECT: lambda: gettext("Connect the source %(name)s", name=chosen.get("source", "")),
        kinds.SCHEDULE: lambda: gettext("Set how often the source %(name)s is read", name=chosen.get("source", "")),
    }
    return str(words[job.kind]()) if job.kind in words else job.title


def _file_title(chosen: Mapping[str, Any]) -> str:
    name = chosen.get("name", "")
    if chosen.get("look"):
        return str(gettext("Look through the file %(name)s", name=name))
    return str(gettext("Load the file %(name)s", name=name))


def state(job: Job) -> str:
    """The state of the job in a word or two."""
    if job.state == queue.RUNNING and job.cancel_asked:
        return str(gettext("Being cancelled"))
    names = {
        queue.WAITING: gettext("Waiting"),
        queue.RUNNING: gettext("Running"),
        queue.DONE: gettext("Done"),
        queue.FAILED: gettext("Failed"),
        queue.CANCELLED: gettext("Cancelled"),
    }
    return str(names.get(job.state, job.state))


def stage(job: Job) -> str:
    """What is being done now."""
    names = {
        "loading the model": gettext("Loading the model"),
        "indexing": gettext("Indexing"),
        "checking": gettext("Checking"),
        "reading": gettext("Reading"),
        "loading": gettext("Loading"),
        "removing": gettext("Removing"),
        "copying the database": gettext("Copying the database, so that nothing is changed"),
        "asking past questions": gettext("Asking past questions again"),
        "writing": gettext("Writing"),
        "waiting for another update of the index": gettext("Waiting until another update of the index ends"),
        "waiting until another process has read the source": gettext("Waiting until the source has been read"),
    }
    return str(names.get(job.stage, job.stage))


def counted(job: Job) -> str:
    """How far it is, as a count; empty when it has counted nothing yet."""
    if job.done is None:
        return ""
    if job.total is None:
        return str(ngettext("%(num)d done", "%(num)d done", job.done))
    return str(gettext("%(done)d of %(total)d", done=job.done, total=job.total))


def brought(counts: Mapping[str, Any]) -> str:
    """What reading a source or file has brought, by its counts."""
    return str(
        gettext(
            "%(added)d added, %(updated)d changed, %(unchanged)d unchanged, %(deleted)d removed.",
            added=counts.get("added", 0),
            updated=counts.get("updated", 0),
            unchanged=counts.get("unchanged", 0),
            deleted=counts.get("removed", 0) + counts.get("deleted", 0),
        )
    )


def what_came_of_it(job: Job) -> list[str]:
    """The result in sentences, without the problems."""
    result = job.result
    lines: list[str] = []
    if "passages" in result:
        lines.append(ngettext("%(num)d item is in the index.", "%(num)d items are in the index.", result["items"]))
        lines.append(
            gettext(
                "%(new)d passages were read anew, %(kept)d were kept.", new=result["encoded"], kept=result["reused"]
            )
        )
    if result.get("connected"):
        lines.append(gettext("The source is in sources.toml now. It is not read by itself yet."))
    if job.kind == kinds.DEMO and result:
        lines.append(_about_demo(job, result))
    if job.kind in (kinds.SYNC, kinds.LOAD_FILE, kinds.CONNECT, kinds.DEMO) and "added" in result:
        lines.append(brought(result))
    if "would_change" in result:
        lines.append(gettext("This was a try: nothing was written."))
    if job.kind == kinds.VERIFY and result.get("problem_count") == 0:
        lines.append(gettext("All is well: database, files, index, model and audit log."))
    if job.kind == kinds.ROLLBACK and result.get("generation"):
        lines.append(gettext("In use again: %(name)s", name=result["generation"]))
    if result.get("file"):
        lines.append(gettext("The file is %(file)s in the home directory of Kollega.", file=result["file"]))
    return lines


def next_step(job: Job) -> tuple[str, str] | None:
    """(address, text) of the page where one goes on after the job; None when there is none."""
    chosen: Mapping[str, Any] = job.payload if isinstance(job.payload, dict) else {}
    if job.kind == kinds.CONNECT and not (job.result.get("connected") or _is_written(chosen)):
        form = url_for("admin_sources.connect_form", kind=chosen.get("table", {}).get("kind", ""), job=job.id)
        return form, str(gettext("Back to the form"))
    if job.kind in (kinds.SYNC, kinds.CONNECT, kinds.SCHEDULE) and chosen.get("source") in _sources():
        text = gettext("The source %(name)s", name=chosen["source"])
        return url_for("admin_sources.show", name=chosen["source"]), str(text)
    if job.kind == kinds.EXPORT:
        return url_for("admin_system.show") + "#exports", str(gettext("The files that were written"))
    if job.kind == kinds.DEMO and job.state == queue.DONE:
        if chosen.get("remove"):
            return url_for("set_up_knowledge.show"), str(gettext("Where your knowledge comes from"))
        return url_for("ask.index"), str(gettext("Ask the first question"))
    return None


def _is_written(chosen: Mapping[str, Any]) -> bool:
    """True when the source of a job is in sources.toml, as when it was cancelled while it was tried out."""
    table, seen = chosen.get("table", {}), _sources().get(chosen.get("source", ""))
    place = shown_place(table.get("place", ""))
    return seen is not None and (seen.kind, seen.place) == (table.get("kind"), place)


def _sources() -> dict[str, SourceSeen]:
    found = read_sources_seen(current.session(), current.settings())
    return {source.name: source for source in found.sources}


def _about_demo(job: Job, result: Mapping[str, Any]) -> str:
    if job.payload.get("remove"):
        said = gettext(
            "%(items)d requests and guides, %(people)d people and %(teams)d teams were removed.",
            items=result.get("removed", 0), people=result.get("people", 0), teams=result.get("teams", 0),
        )  # fmt: skip
    else:
        said = gettext(
            "All of it is invented. Search finds it within a minute. The step Data of the set-up removes it."
        )
    return str(said)


def _sync_title(chosen: Mapping[str, Any]) -> str:
    name = chosen.get("source", "")
    if chosen.get("dry_run"):
        return str(gettext("Try the source %(name)s without writing", name=name))
    if chosen.get("full"):
        return str(gettext("Read the source %(name)s from the beginning", name=name))
    return str(gettext("Read the source %(name)s", name=name))
