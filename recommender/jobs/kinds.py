"""The kinds of jobs: how each is called, and which jobs are done one after the other."""

from collections.abc import Mapping
from typing import Any

from recommender.database.leading import index_lead
from recommender.settings import Settings

LOAD, DELETE = "load", "delete"
"""Items that a program has sent to the API: to add or update, and to delete. Beside `kollega watch`, within seconds."""
ITEMS = (LOAD, DELETE)
REINDEX, VERIFY, ROLLBACK, MODEL = "reindex", "verify", "rollback", "model"
CALIBRATE, TRAIN = "calibrate", "train"
SYNC, LOAD_FILE = "sync", "load_file"
EXPORT, BACKUP = "export", "backup"
DEMO = "demo"
CONNECT, SCHEDULE = "connect", "schedule"
ON_THE_INDEX = (REINDEX, VERIFY, ROLLBACK, MODEL, CALIBRATE, TRAIN)
"""Kinds that read or write the index of one machine: one at a time, on the machine whose index it is."""
WORK = (*ON_THE_INDEX, SYNC, LOAD_FILE, EXPORT, BACKUP, DEMO, CONNECT, SCHEDULE)
"""Kinds that may take long: each job in a process of its own."""


def title_of(kind: str, payload: Mapping[str, Any]) -> str:
    """What a job does, in plain words, for a command or a log; the pages have their own words in each language.

    The payload of each kind, all of it optional unless it says otherwise:
    reindex: `full`. verify: `repair`. rollback, calibrate, train: nothing. model: `name` (needed).
    sync: `source` (needed), `full`, `dry_run`, `allow_deletions`. export, backup: nothing. demo: `remove`.
    connect: `source` (needed), `table` (needed, its lines in sources.toml). schedule: `source` (needed), `every`,
    `full_every` (how often, as sources.toml has it; empty for not by itself).
    load_file: `upload` (needed, the id of an upload), `look`, `source`, `name` (of the file).
    """
    match kind:
        case "reindex":
            return "Build the index anew" if payload.get("full") else "Bring the index up to date"
        case "verify":
            return "Check everything and mend the index" if payload.get("repair") else "Check everything"
        case "rollback":
            return "Put the index before back in use"
        case "model":
            return f"Put the model {payload['name']} in use"
        case "calibrate":
            return "Learn how sure an answer is"
        case "train":
            return "Learn how to rank colleagues"
        case "sync":
            what = "Try out" if payload.get("dry_run") else "Read"
            return f"{what} the source {payload['source']}" + (" from the beginning" if payload.get("full") else "")
        case "load_file":
            what = "Look at" if payload.get("look") else "Load"
            return f"{what} the file {payload.get('name') or 'that was uploaded'}"
        case "export":
            return "Write everything into a file"
        case "backup":
            return "Make a backup"
        case "demo":
            return "Remove the demo organisation" if payload.get("remove") else "Load the demo organisation"
        case "connect":
            return f"Connect the source {payload['source']}"
        case "schedule":
            return f"Set how often the source {payload['source']} is read"
    return kind


def lane_of(kind: str, payload: Mapping[str, Any], settings: Settings) -> str:
    """The jobs of one lane are done one after the other. The lane of an index has the name of the lead in it, because
    only a process beside these files can do them."""
    if kind in ON_THE_INDEX:
        return index_lead(settings)
    if kind in (SYNC, LOAD_FILE):
        return f"source:{payload.get('source') or 'files'}"[:80]
    return "sources file" if kind in (CONNECT, SCHEDULE) else kind
