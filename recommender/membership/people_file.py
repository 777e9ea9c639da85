"""A list of people from a CSV file, as Excel in Finnish and English writes it: what is in it, and what it would change.

A cell that is empty changes nothing, and nobody is removed because a file leaves them out.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import false, select, update
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.account_tables import Account
from recommender.database.foreign_tables import person_named
from recommender.database.tables import Person, Team
from recommender.errors import AccountError
from recommender.membership import people

NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"
COUNTED = (NEW, CHANGED, SAME, REFUSED)
MOST_ROWS = 20_000  # a judgement: more people than one organisation that uses one such file
_HEADINGS = {
    "handle": ("user name", "username", "user", "login", "handle", "käyttäjätunnus", "tunnus", "käyttäjänimi"),
    "name": ("name", "full name", "display name", "nimi", "koko nimi", "näyttönimi"),
    "first": ("first name", "given name", "etunimi"),
    "last": ("last name", "surname", "family name", "sukunimi"),
    "email": ("e-mail", "email", "mail", "e-mail address", "email address", "sähköposti", "sähköpostiosoite"),
    "role": ("role", "rooli"),
    "teams": ("team", "teams", "department", "tiimi", "tiimit", "osasto"),
    "left_on": ("left on", "last day", "end date", "lähtenyt", "lähtöpäivä", "viimeinen työpäivä", "päättymispäivä"),
}
"""What the heading of each column may be, in small letters."""
_ROLES = {
    "staff": ("staff", "työntekijä", "henkilöstö", "käyttäjä", "user"),
    "agent": ("agent", "käsittelijä"),
    "lead": ("lead", "team lead", "tiimin vetäjä", "tiiminvetäjä", "vetäjä", "esihenkilö"),
    "admin": ("admin", "administrator", "pääkäyttäjä", "ylläpitäjä"),
}
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y")


class UnreadableFile(AccountError):
    """The file is no list of people; `reason` is "file", "headings" or "rows"."""


@dataclass(frozen=True)
class Row:
    """What became of a line of the file, or would: `what` is NEW, CHANGED, SAME or REFUSED, `fields` are those that
    change, `problem` is why it was refused, and `reason` a word for that, as in AccountError. `role` and `teams`
    (names) are those that somebody new has, or that change; else they are empty."""

    line: int
    handle: str
    name: str
    what: str
    fields: tuple[str, ...] = ()
    problem: str = ""
    reason: str = ""
    role: str = ""
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """The rows of a file, and the headings of columns that are not used."""

    rows: tuple[Row, ...]
    unused: tuple[str, ...] = field(default=())

    def count(self, what: str) -> int:
        """How many rows are NEW, CHANGED, SAME or REFUSED."""
        return sum(row.what == what for row in self.rows)

    def count_given(self, role: str) -> int:
        """How many people get this role who do not have it now."""
        return sum(row.role == role for row in self.rows)


def decoded(content: bytes) -> str:
    """The text of a file: UTF-8 or UTF-16 by their marks, else UTF-8, else Windows-1252, as Excel writes them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def import_people(
    session: Session, text: str, by: int | None = None, tell: str | None = None, most: int | None = None
) -> Imported:
    """Add and change people as the file says, and say what became of each line; a line that cannot be used changes
    nothing. Who gets another address is told at the one before in the language `tell`. `people_preview.preview` says
    the same without writing. Raises UnreadableFile, also for more than `most` people (MOST_ROWS unless it is said)."""
    lines, unused = lines_of(text, most or MOST_ROWS)
    teams = handles_by_name(session)
    rows: list[Row] = []
    seen: set[int] = set()
    # begins the transaction: in SQLite, a savepoint outside of one would store its rows for good when it is released
    session.execute(update(Person).where(false()).values(name=Person.name))
    for line, cells in lines:
        try:
            with session.begin_nested():
                person, what, changed = _put(session, wanted(cells, teams), seen, by, tell)
            seen.add(person.id)
            rows.append(_row(line, person, what, changed))
        except AccountError as error:
            rows.append(refused(line, cells, error))
    return Imported(tuple(rows), unused)


@dataclass(frozen=True)
class Wanted:
    """What a line wants: empty texts, no teams and no day change nothing. `teams` are handles."""

    handle: str
    email: str
    name: str
    role: str
    teams: tuple[str, ...]
    left_on: date | None

    @property
    def new_handle(self) -> str:
        """The user name of somebody new: without one, what stands before the @."""
        return self.handle or self.email.partition("@")[0]


def handles_by_name(session: Session) -> dict[str, str]:
    """The handles of the teams by what a file may call them."""
    return {name: team.handle for team in session.scalars(select(Team)) for name in _names_of(team)}


def wanted(cells: Mapping[str, str], teams: Mapping[str, str]) -> Wanted:
    """What the cells of a line want. Raises AccountError for what cannot be understood."""
    role = _role(cells.get("role", ""))
    joined, last_day = _teams(cells.get("teams", ""), teams), _day(cells.get("left_on", ""))
    email = cells.get("email", "").lower()
    return Wanted(cells.get("handle", ""), email, _name_of(cells), role, tuple(dict.fromkeys(joined)), last_day)


def refused(line: int, cells: Mapping[str, str], error: AccountError) -> Row:
    """The row of a line that cannot be used."""
    shown = cells.get("handle", "") or cells.get("email", "")
    return Row(line, shown, _name_of(cells), REFUSED, (), str(error), error.reason)


def _row(line: int, person: Person, what: str, changed: tuple[str, ...]) -> Row:
    role = person.role if what == NEW or "role" in changed else ""
    teams = tuple(team.name for team in person.teams) if what == NEW or "teams" in changed else ()
    return Row(line, person.handle, person.name, what, changed, role=role, teams=teams)


def _put(
    session: Session, line: Wanted, seen: set[int], by: int | None, tell: str | None
) -> tuple[Person, str, tuple[str, ...]]:
    """Add or change the person of a line: (person, what, the fields that changed)."""
    person = _known(session, line.handle, line.email)
    what = SAME if person is not None else NEW
    if person is None:
        person = people.add(session, line.new_handle, line.name, by)
        accounts.open_account(session, person)
    elif person.id in seen:
        raise twice()
    before = _state(session, person)
    people.rename(session, person, line.name, by)
    if line.role:
        people.set_role(session, person, line.role, by)
    if line.teams and set(line.teams) != {team.handle for team in person.teams}:
        people.set_teams(session, person, line.teams, by)
    if line.email and line.email != before["email"]:
        accounts.set_email(session, person, line.email, by, tell)
    if line.left_on is not None:
        people.set_left(session, person, line.left_on, by)
    after = _state(session, person)
    changed = tuple(name for name in before if before[name] != after[name])
    if what == NEW:
        return person, NEW, ()
    return person, CHANGED if changed else SAME, changed


def twice() -> AccountError:
    """The error about a person of whom an earlier line of the file is."""
    return AccountError("An earlier line is about the same person. Leave one of them.", "twice")


def _state(session: Session, person: Person) -> dict[str, object]:
    account = session.get(Account, person.id)
    teams = sorted(team.handle for team in person.teams)
    email = account.email if account else None
    return {"name": person.name, "email": email, "role": person.role, "teams": teams, "left_on": person.left_on}


def _known(session: Session, handle: str, email: str) -> Person | None:
    """The person of a line, by user name, else by address."""
    if handle:
        return person_named(session, handle)
    number = session.scalar(select(Account.person_id).where(Account.email == email)) if email else None
    return session.get(Person, number) if number is not None else None


def lines_of(text: str, most: int) -> tuple[list[tuple[int, dict[str, str]]], tuple[str, ...]]:
    """(line number, cells by field) of each line, and the headings that are not used. Raises UnreadableFile."""
    body = io.StringIO(text, newline="")
    says = re.match(r"\"?sep=(.)\"?\r?\n", text, re.IGNORECASE)
    first = text[says.end() :] if says else text
    heading = first.partition("\n")[0]
    separator = says[1] if says else max(";\t,", key=heading.count)
    body.seek(says.end() if says else 0)
    try:
        table = list(csv.reader(body, delimiter=separator))
    except csv.Error as error:
        raise UnreadableFile(f"This is no CSV file: {error}.", "file") from error
    if not table:
        raise UnreadableFile("The file is empty.", "file")
    columns = [_field_of(text) for text in table[0]]
    if not {"handle", "email"} & set(columns) or not {"name", "last"} & set(columns):
        raise UnreadableFile(
            "The first line must name the columns: user name or e-mail, and name; also role, teams, last day.",
            "headings",
        )
    if len(table) - 1 > most:
        raise UnreadableFile(f"A file has at most {most} people. Divide it.", "rows")
    unused = tuple(text.strip() for text, name in zip(table[0], columns, strict=True) if not name and text.strip())
    start = 2 + bool(says)
    return list(_lines(table[1:], columns, start)), unused


def _lines(table: list[list[str]], columns: list[str], start: int) -> Iterator[tuple[int, dict[str, str]]]:
    for number, cells in enumerate(table, start):
        if any(cell.strip() for cell in cells):
            yield number, {name: " ".join(cell.split()) for name, cell in zip(columns, cells, strict=False) if name}


def _field_of(heading: str) -> str:
    text = " ".join(heading.replace("_", " ").split()).casefold()
    return next((name for name, headings in _HEADINGS.items() if text in headings), "")


def _name_of(cells: Mapping[str, str]) -> str:
    return cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()


def _role(text: str) -> str:
    if not text:
        return ""
    role = next((role for role, words in _ROLES.items() if text.casefold() in words), "")
    if not role:
        raise AccountError(f"{text!r} is no role: write staff, agent, lead or admin.", "role")
    return role


def _names_of(team: Team) -> set[str]:
    return {name.casefold() for name in (team.handle, team.name, team.name_fi) if name}


def _teams(text: str, known: Mapping[str, str]) -> list[str]:
    named = [name.strip() for name in re.split(r"[,;|]", text) if name.strip()]
    unknown = next((name for name in named if name.casefold() not in known), None)
    if unknown is not None:
        raise AccountError(f"There is no team {unknown!r}. Make it first, or correct the name.", "team")
    return [known[name.casefold()] for name in named]


def _day(text: str) -> date | None:
    for form in _DAYS if text else ():
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    if text:
        raise AccountError(f"{text!r} is no day: write it as 2027-01-31 or 31.1.2027.", "day")
    return None
