"""The mapping file of a table: which column is what, and which words mean that a request is solved."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from indexer.sources.records import first_problem
from indexer.sources.tables.dates import Order
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

Kind = Literal["request", "document", "person"]
Markup = Literal["text", "html", "markdown", "jira"]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int) else value


Columns = Annotated[tuple[str | int, ...], BeforeValidator(_listed)]
"""Headings, or numbers of columns from 1. A heading that is there several times means all of its columns."""
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnsOf(_Part):
    """What the columns are. Of several columns of a text all are joined, of others the first that is not empty
    counts."""

    id: Columns = ()  # what tells a row from others, and stays
    title: Columns = ()
    body: Columns = ()  # the question, or the text of a document
    answer: Columns = ()  # what solved it
    group: Columns = ()  # team, queue, project or space there
    asker: Columns = ()  # name, login or mail address
    asker_email: Columns = ()
    asker_id: Columns = ()
    agent: Columns = ()  # who answered: name, login or mail address
    agent_email: Columns = ()
    agent_id: Columns = ()
    owner: Columns = ()  # of a document
    owner_email: Columns = ()
    created: Columns = ()
    resolved: Columns = ()
    updated: Columns = ()
    verified: Columns = ()  # the day on which a document was found to be right
    status: Columns = ()  # its words are below, in [status]
    outcome: Columns = ()  # how it ended; words that mean no answer are in [status], as cancelled
    duplicate_of: Columns = ()  # id of the request that this one was merged into
    comments: Columns = ()  # what was written later, for everybody
    notes: Columns = ()  # what was written later, for those who answer
    readers: Columns = ()  # names of groups that may read it
    private: Columns = ()  # yes or no: only for the team
    public: Columns = ()  # yes or no: no means only for the team
    tags: Columns = ()
    language: Columns = ()
    url: Columns = ()
    attachments: Columns = ()  # names of files
    properties: Columns = ()  # kept by their heading, such as the priority
    name: Columns = ()  # of a person; given name and family name may be two columns
    email: Columns = ()  # of a person


class StatusWords(_Part):
    """Words of the columns `status` and `outcome`. Other words mean open."""

    open: Words = ()
    resolved: Words = ()
    cancelled: Words = ()


class Mapping(_Part):
    """How a table is read."""

    kind: Kind = "request"
    encoding: str = ""
    separator: str = Field(default="", max_length=1)
    quote: str = Field(default="", max_length=1)
    sheet: str = ""
    headings: bool = True
    dates: Order | None = None
    markup: Markup = "text"
    people_by_name: bool = False
    columns: ColumnsOf
    status: StatusWords = StatusWords()


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises SourceError."""
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise SourceError(
            Sentence("%(file)s cannot be read: %(reason)s. Check the path.", file=path, reason=reason_of(error))
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(
            Sentence(
                "%(file)s is not TOML: %(reason)s. Correct it, or write a new one with --guess.",
                file=path,
                reason=error,
            )
        ) from error
    except ValidationError as error:
        raise SourceError(
            Sentence(
                "%(file)s: %(reason)s. docs/sources/csv.md describes the mapping.",
                file=path,
                reason=first_problem(error),
            )
        ) from error


def toml_of(mapping: Mapping, about: str, reasons: dict[str, str]) -> str:
    """The text of a mapping file with the reasons of a guess as comments."""
    lines = [f"# {line}" for line in about.splitlines()]
    for name, value in mapping.model_dump(
        exclude={"columns", "status"}, exclude_none=True, exclude_defaults=True
    ).items():
        lines.append(_line(name, value, reasons.get(name, "")))
    if "kind" not in mapping.model_dump(exclude_defaults=True):
        lines.append(_line("kind", mapping.kind, reasons.get("kind", "")))
    lines += ["", "[columns]"]
    for name, columns in mapping.columns.model_dump(exclude_defaults=True).items():
        lines.append(_line(name, columns[0] if len(columns) == 1 else list(columns), reasons.get(name, "")))
    words = mapping.status.model_dump(exclude_defaults=True)
    if words:
        lines += ["", "[status]", *(_line(name, list(values), "") for name, values in words.items())]
    return "\n".join(lines) + "\n"


def _line(name: str, value: Any, reason: str) -> str:
    written = str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
    return f"{name} = {written}" + (f"  # {' '.join(reason.split())}" if reason else "")
