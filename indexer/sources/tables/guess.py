"""Guesses the mapping of a table by its headings and its cells, and says why, for a person to check."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from indexer.sources.tables.columns import Columns, find_headings
from indexer.sources.tables.dates import DateOrder
from indexer.sources.tables.guess_columns import ColumnSample, assign_roles
from indexer.sources.tables.mapping import ColumnsOf, Kind, Mapping, Markup, StatusWords
from indexer.sources.tables.row_reader import TIMES
from indexer.sources.tables.rows import Fault, Table
from indexer.sources.tables.words import plain_heading, state_of
from indexer.texts.html import elements
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_SAMPLE = 1000  # rows by which a column is judged; orders of dates and words of states are found in all rows
_MOST_WORDS = 60  # different words of a status; more are no states: a judgement
_DOCUMENT_ROLES = ("id", "title", "body", "answer", "group", "owner", "owner_email", "created", "updated", "verified",
                   "readers", "private", "public", "language", "url", "attachments")  # fmt: skip
_PERSON_ROLES = ("id", "name", "email")
_ABOUT_REQUESTS = ("answer", "status", "resolved", "agent", "comments", "notes", "outcome", "properties")
_NUMBERED = {**dict.fromkeys("12345", "open"), "6": "resolved", "7": "resolved", "8": "cancelled"}
"""The numbers of states in ServiceNow."""


@dataclass
class Guess:
    """A mapping, why each part of it was chosen, and what a person should look at."""

    mapping: Mapping
    reasons: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows: int = 0
    faults: int = 0

    def lines(self) -> Iterator[str]:
        """What was guessed, for a person."""
        yield f"Each row is a {self.mapping.kind}: {self.reasons['kind']}."
        for role, columns in self.mapping.columns.model_dump(exclude_defaults=True).items():
            yield f"  {role}: {', '.join(map(str, columns))} ({self.reasons.get(role, 'its heading')})"
        if self.mapping.dates:
            yield f"  dates: {self.mapping.dates} ({self.reasons['dates']})"
        if self.mapping.people_by_name:
            yield f"  people_by_name: true ({self.reasons['people_by_name']})"
        for state, words in self.mapping.status.model_dump(exclude_defaults=True).items():
            yield f"  status {state}: {', '.join(words)}"
        if self.mapping.markup != "text":
            yield f"  texts are {self.mapping.markup} ({self.reasons['markup']})"
        if self.unused:
            yield f"  not used: {', '.join(self.unused)}"
        for warning in self.warnings:
            yield f"Check: {warning}"


def guess(table: Table) -> Guess:
    """The mapping of a table. Raises SourceError when no column looks like a title or a text."""
    headings, line = find_headings(table)
    columns = [ColumnSample(number, heading) for number, heading in enumerate(headings)]
    _fill(columns, table, line)
    roles = assign_roles(columns)
    kind, why = _kind_of(roles, columns, table)
    roles = _of_kind(kind, roles)
    made = Guess(Mapping(columns=ColumnsOf()), {"kind": why})
    for role, (_found, reason) in roles.items():
        made.reasons[role] = reason
    chosen = {role: tuple(_named(headings, place) for place in found) for role, (found, _reason) in roles.items()}
    chosen = {role: tuple(dict.fromkeys(names)) for role, names in chosen.items()}
    used = {place for found, _reason in roles.values() for place in found}
    made.unused = list(
        dict.fromkeys(columns[n].heading or f"column {n + 1}" for n in range(len(columns)) if n not in used)
    )
    markup, made.reasons["markup"] = _markup_of(columns, roles, kind)
    made.mapping = Mapping(
        kind=kind, markup=markup, columns=ColumnsOf.model_validate(chosen),
        people_by_name=any(
            columns[n].are_names() for role in ("asker", "agent", "owner") for n in roles.get(role, ((), ""))[0]
            if f"{role}_id" not in roles and f"{role}_email" not in roles
        ),
    )  # fmt: skip
    if made.mapping.people_by_name:
        made.reasons["people_by_name"] = (
            "people are known by name only: two with one name become one, beside those who are here already"
        )
    if kind == "request" and "id" not in roles:
        made.warnings.append(
            Sentence(
                "no column was taken for the id, so a row whose title, time or asker changes comes as a "
                "new one. If a column has numbers or codes that stay, name it as id."
            )
        )
    _look_through(made, table)
    return made


def _fill(columns: list[ColumnSample], table: Table, line: int) -> None:
    for count, row in enumerate(row for row in table.rows() if not isinstance(row, Fault) and row.line > line):
        for column, cell in zip(columns, row.cells, strict=False):
            column.see(cell.strip())
        if count >= _SAMPLE:
            break


def _kind_of(
    roles: dict[str, tuple[tuple[int, ...], str]], columns: Sequence[ColumnSample], table: Table
) -> tuple[Kind, str]:
    has = roles.keys()
    names = [column.heading for column in columns if column.heading]
    mails = {"email", "asker_email"} & has
    if "title" not in has and "name" in has and mails and not has & {"answer", "comments"}:
        return "person", "there are names and mail addresses, and no titles"
    if "title" not in has:
        raise SourceError(
            Sentence(
                "%(name)s: no column looks like the title of a request or document. Its columns: "
                "%(names)s. If it is such a table, write the mapping by hand: docs/sources/csv.md.",
                name=table.name,
                names=", ".join(names)[:600],
            )
        )
    about = [role for role in _ABOUT_REQUESTS if role in has and role != "properties"]
    if "body" in has and not about:
        return "document", "there are titles and texts, and no states or answers"
    return "request", f"there is a column for {about[0]}" if about else "there are titles"


def _of_kind(kind: Kind, roles: dict[str, tuple[tuple[int, ...], str]]) -> dict[str, tuple[tuple[int, ...], str]]:
    if kind == "request":
        return {role: found for role, found in roles.items() if role not in ("name", "email", "owner", "owner_email")}
    if kind == "person":
        if "email" not in roles:
            roles = {**roles, "email": roles["asker_email"]}
        return {role: roles[role] for role in _PERSON_ROLES if role in roles}
    if "owner" not in roles and "asker" in roles:
        roles = {**roles, "owner": roles["asker"]}
    return {role: roles[role] for role in _DOCUMENT_ROLES if role in roles}


def _named(headings: list[str], place: int) -> str | int:
    return headings[place] or place + 1


def _markup_of(
    columns: Sequence[ColumnSample], roles: dict[str, tuple[tuple[int, ...], str]], kind: Kind
) -> tuple[Markup, str]:
    texts = [
        text
        for role in ("body", "answer", "comments")
        for n in roles.get(role, ((), ""))[0]
        for text in columns[n].texts
    ]
    headings = {plain_heading(column.heading) for column in columns}
    signs = sum(
        1 for text in texts if any(sign in text for sign in ("{code", "{noformat", "{{", "h3. ", "{quote", "|http"))
    )
    if signs and ("issue key" in headings or 5 * signs >= len(texts)):
        return "jira", "there are marks such as {code}"
    if texts and 5 * sum(1 for text in texts if elements(text)) >= len(texts):
        return "html", "there are tags such as <p>"
    return ("markdown", "") if kind == "document" else ("text", "")


def _look_through(made: Guess, table: Table) -> None:
    """Read the whole table: the order of dates, and the words of states."""
    columns = Columns(table, made.mapping, table.name)
    order, words, outcomes, seen = DateOrder(), Counter[str](), Counter[str](), Counter[str]()
    for row in columns.rows(table):
        if isinstance(row, Fault) or not row.cells:
            made.faults += isinstance(row, Fault)
            continue
        made.rows += 1
        order.see(text for role in TIMES for text in columns.several(row.cells, role))
        words.update(columns.several(row.cells, "status")[:1])
        outcomes.update(columns.several(row.cells, "outcome")[:1])
        seen.update([columns.one(row.cells, "id")] if "id" in columns.places else [])
    changes: dict[str, object] = {}
    if order.seen:
        changes["dates"], made.reasons["dates"] = order.found()
        if changes["dates"] is None:
            made.warnings.append(
                Sentence(
                    '%(why)s. Write dates = "day-first" or dates = "month-first" into the mapping, or choose on the '
                    "page which comes first.",
                    why=made.reasons["dates"],
                )
            )
    changes["status"] = _status_words(made, words, outcomes, columns)
    made.mapping = made.mapping.model_copy(update=changes)
    twice = [identifier for identifier, count in seen.most_common(3) if count > 1 and identifier]
    if twice:
        made.warnings.append(
            Sentence("ids are there more than once (%(ids)s); the last row of each counts.", ids=", ".join(twice))
        )
    if any("E+" in identifier.upper() for identifier in seen):
        made.warnings.append(
            Sentence("ids such as 1,23E+15 were cut by Excel. Export the table again, and do not open it there.")
        )
    if made.faults:
        made.warnings.append(Sentence("%(num)s rows cannot be read; the import will say which.", num=made.faults))


def _status_words(made: Guess, words: Counter[str], outcomes: Counter[str], columns: Columns) -> StatusWords:
    numbered = bool(words) and all(word in _NUMBERED for word in words) and "status" in columns.places
    numbered = numbered and "state" in plain_heading(columns.headings[columns.places["status"][0]]).split()
    found: dict[str, list[str]] = {"open": [], "resolved": [], "cancelled": []}
    unknown = []
    for word, _count in words.most_common(_MOST_WORDS):
        state = _NUMBERED[word] if numbered else state_of(word)
        found[state or "open"].append(word)
        unknown += [word] if state is None else []
    for word, _count in outcomes.most_common(_MOST_WORDS):
        if (state := state_of(word)) in ("resolved", "cancelled") and word not in found[state]:
            found[state].append(word)
    if unknown:
        made.warnings.append(
            Sentence(
                "words of the status that are not known were put under open: %(words)s.",
                words=", ".join(unknown[:20]),
            )
        )
    return StatusWords.model_validate(found)
