"""Sources in the language of the page: what the last run brought, when the next one is, and what an admin should do."""

import re
import shlex
from datetime import timedelta

from flask import url_for
from flask_babel import gettext, ngettext

from recommender.database.tables import utc_now
from recommender.jobs import kinds, queue
from recommender.monitoring.source_states import SourceSeen, read_sources_seen
from web import current
from web.admin import job_words
from web.admin.frame import Attention

EVERY, FULL_EVERY = ("", "15m", "1h", "6h", "1d"), ("", "1d", "7d", "30d")
"""What can be chosen on a page: how often a source is read, and how often from its beginning."""
_TIME = re.compile(r"(\d{1,5}) ?([smhd])")  # as sources.toml has it
_RECENT = timedelta(days=7)  # in which a job that has failed is told: a judgement


def state(source: SourceSeen) -> str:
    """How the source is doing, in a word or two."""
    if source.job is not None:
        return str(job_words.state(source.job))
    if source.error:
        return str(gettext("Cannot be read"))
    if source.problems:
        return str(gettext("Read, with problems"))
    if source.state is None or source.state.finished_at is None:
        return str(gettext("Not read yet"))
    return str(gettext("Read"))


def counts(source: SourceSeen) -> str:
    """What the last run that came to its end brought; empty when there was none."""
    found = source.state.counts if source.state else {}
    return job_words.brought(found) if found else ""


def schedule(source: SourceSeen) -> str:
    """How often it is read."""
    if not source.every:
        return str(gettext("only by hand"))
    if source.full_every:
        said = gettext("%(often)s; from the beginning %(seldom)s", often=often(source.every),
                       seldom=often(source.full_every))  # fmt: skip
        return str(said)
    return often(source.every)


def often(value: str) -> str:
    """How often, as sources.toml has it, in words."""
    if not value:
        return str(gettext("not by itself"))
    found = _TIME.fullmatch(value)
    if found is None:
        return str(gettext("every %(every)s", every=value))
    number, unit = int(found[1]), found[2]
    if (number, unit) == (7, "d"):
        return str(gettext("every week"))
    words = {
        "s": ngettext("every second", "every %(num)d seconds", number),
        "m": ngettext("every minute", "every %(num)d minutes", number),
        "h": ngettext("every hour", "every %(num)d hours", number),
        "d": ngettext("every day", "every %(num)d days", number),
    }
    return str(words[unit])


def file_kinds() -> dict[str, str]:
    """The kinds of sources that have no address, in words."""
    return {
        "documents": str(gettext("A folder of documents (Markdown, HTML, text, PDF, Word, PowerPoint, Excel)")),
        "csv": str(gettext("A table as a CSV file")),
        "excel": str(gettext("A table as an Excel file")),
        "jsonl": str(gettext("JSON Lines, which any program can write")),
        "notion": str(gettext("Notion: the export of a workspace")),
        "slack": str(gettext("Slack: the export of a workspace")),
        "teams": str(gettext("Microsoft Teams: messages as Microsoft Graph gives them")),
        "stackexchange": str(gettext("Stack Exchange: a dump of a site")),
    }


def how_to_store_secret(source: SourceSeen) -> str:
    """The command that stores the token of a source where it is looked for, or the line of its variable."""
    if source.is_secret_in_file:
        return f"install -m 600 /dev/stdin {shlex.quote(source.secret_in)}"
    return f"{source.secret_in}=…"


def advice(source: SourceSeen) -> list[str]:
    """What to do about a source that cannot be read, step by step."""
    if not source.error:
        return []
    if not source.lacks_right:
        return [
            str(gettext("Correct what is said above, in sources.toml or in the other system.")),
            str(gettext("Then try the source out, and read it.")),
        ]
    if source.is_secret_in_file:
        where = gettext("Write it into the file %(file)s, which only the account of Kollega may read (chmod 600).",
                        file=source.secret_in)  # fmt: skip
    else:
        where = gettext("Set %(variable)s to it where kollega watch gets its settings, and start that again.",
                        variable=source.secret_in)  # fmt: skip
    return [
        str(gettext("Make a new token in the other system, with the right to read what is to come here.")),
        str(where),
        str(gettext("Then try the source out, and read it.")),
    ]


def of_reading_whole(source: SourceSeen, here: int) -> list[str]:
    """What reading a source from the beginning means."""
    lines = [
        ngettext(
            "Everything in the source is read again. %(num)d item of it is here now.",
            "Everything in the source is read again. %(num)d items of it are here now.",
            here,
        ),
        gettext(
            "What is no longer there is deleted here; if that is more than a fifth, nothing is deleted and you are "
            "told."
        ),
        gettext("What was changed here stays, and nobody can read more than before."),
    ]
    return [str(line) for line in lines]


def attention() -> list[Attention]:
    """Sources that cannot be read or bring problems, and jobs that have failed lately, for the first page of admins."""
    found = read_sources_seen(current.session(), current.settings())
    told = []
    if found.problem:
        told.append(Attention(gettext("sources.toml cannot be read."), url_for("admin_sources.listed")))
    for source in found.sources:
        address = url_for("admin_sources.show", name=source.name)
        if source.error:
            told.append(Attention(gettext("The source %(name)s cannot be read.", name=source.name), address))
        elif source.problems:
            said = ngettext(
                "%(num)d record of the source %(name)s could not be used.",
                "%(num)d records of the source %(name)s could not be used.",
                len(source.problems),
                name=source.name,
            )
            told.append(Attention(said, address))
    for job in queue.listed(current.session(), kinds=kinds.WORK, states=(queue.FAILED,)):
        if job.kind != kinds.SYNC and job.finished_at and job.finished_at > utc_now() - _RECENT:
            said = gettext("A job has failed: %(title)s", title=job_words.title(job))
            told.append(Attention(said, url_for("admin_jobs.show", number=job.id)))
    return told
