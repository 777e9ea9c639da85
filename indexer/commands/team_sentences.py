"""The sentences of `kollega team`: what was changed, what is set, and what would happen."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.lengths import LONGEST_CONTACT
from recommender.database.tables import Team, utc_now
from recommender.knowledge import retention
from recommender.settings import Settings
from recommender.teams import removing, summary, team


def changed(
    settings: Settings,
    session: Session,
    handle: str,
    given: Mapping[str, Any],
    values: tuple[str, ...],
    makes: bool,
    may_exist: bool,
) -> Iterator[str]:
    """Make the changes that are `given` to a team, which is made first if `makes`, unless it is there and `may_exist`.
    A sentence about each. Raises AccountError or SettingsError for what cannot be used."""
    names = {name: str(given[name]) for name in ("name", "name_fi", "name_sv") if name in given}
    if makes and not (may_exist and team.find(session, handle)):
        row = team.add(session, handle, names, audit.COMMAND)
        yield f"{handle} is the new team {row.name}"
    else:
        row = team.get_team(session, handle)
        if names:
            team.rename(session, row, names, audit.COMMAND)
            also = [getattr(row, name) for name in ("name_fi", "name_sv") if names.get(name)]
            yield f"{handle} is called {' and '.join([row.name, *also])}"
    if "restricted" in given:
        yield restrict(session, handle, given["restricted"])
    if "keep_days" in given or "keep_forever" in given:
        yield from _keep(session, row, given.get("keep_days"))
    reached = {name: str(given[name]) for name in LONGEST_CONTACT if name in given}
    if reached:
        yield contact(session, handle, reached)
    if "private_matters" in given:
        yield handle_private_matters(session, handle, given["private_matters"])
    if "send_to" in given or "send_again" in given:
        from indexer.commands import destinations

        if "send_to" in given:
            yield destinations.set_destination(settings, session, handle, given["send_to"], values)
        if "send_again" in given:
            yield destinations.send_again(session, handle)


def restrict(session: Session, handle: str, restricted: bool) -> str:
    """Set who may read new requests to a team by default; a sentence about it."""
    team.restrict(session, team.get_team(session, handle), restricted, audit.COMMAND)
    return f"new requests to {handle} are by default for " + ("those in the request" if restricted else "everyone")


def contact(session: Session, handle: str, changes: Mapping[str, str]) -> str:
    """Set how a team is reached; a sentence about it."""
    row = team.get_team(session, handle)
    team.set_contact(session, row, changes, audit.COMMAND)
    known = [text for text in (row.phone, row.hours, row.hours_fi, row.hours_sv) if text]
    return f"{handle} is reached at: {', '.join(known)}" if known else f"how {handle} is reached is not said"


def handle_private_matters(session: Session, handle: str, handles: bool) -> str:
    """Set whether private matters are offered to a team first; a sentence about it."""
    team.handle_private_matters(session, team.get_team(session, handle), handles, audit.COMMAND)
    return f"private matters are offered to {handle} first" if handles else f"{handle} is like any other team"


def _keep(session: Session, row: Team, days: int | None) -> Iterator[str]:
    team.keep(session, row, days, audit.COMMAND)
    how_long = "forever" if days is None else f"for {days} day{'' if days == 1 else 's'}"
    yield f"solved requests of {row.handle} are kept {how_long}"
    due = retention.count_due(session, row, days, utc_now()) if days is not None else 0
    if due:
        are = "is" if due == 1 else "are"
        yield f"{due} of them {are} older and will be deleted for good when `kollega watch` does so next, once a day"


def shown(session: Session, row: Team) -> Iterator[str]:
    """Lines about a team: what is set, its members, and how much belongs to it."""
    found = summary.summary_of(session, row)
    others = [text for text in (found.name_fi, found.name_sv) if text]
    yield f"{found.handle}: {found.name}" + (f" ({', '.join(others)})" if others else "")
    yield "new requests: by default for " + ("those in the request" if found.restricted else "everyone")
    yield f"requests go to: {'this installation' if found.send_to == 'here' else found.send_to}"
    yield f"solved requests are kept: {'forever' if found.keep_days is None else f'{found.keep_days} days'}"
    yield f"telephone: {found.phone or 'not said'}"
    hours = [text for text in (found.hours, found.hours_fi, found.hours_sv) if text]
    yield f"hours: {', '.join(hours) or 'not said'}"
    yield f"private matters: {'offered to this team first' if found.private_matters else 'like any other team'}"
    yield f"members: {', '.join(sorted(person.handle for person in row.members)) or 'nobody'}"
    yield f"{found.open_requests} open requests, {found.solved_requests} solved requests, {found.documents} guides"


def of_removing(session: Session, row: Team, into: Team | None) -> Iterator[str]:
    """What would happen if a team were removed, or merged into another one."""
    of = removing.belongings(session, row)
    yield (
        f"{row.handle} has {of.members} members, {of.open_requests} open and {of.solved_requests} solved requests, "
        f"{of.documents} guides, {of.notes} internal notes, {of.canned_replies} canned replies, {of.measures} success "
        f"measures; {of.shared} items of others name it as a reader."
    )
    if into is None:
        if not of.keep_it:
            yield "Its memberships and settings will be deleted. Nothing else belongs to it."
        return
    means = removing.what_merging_means(session, row, into)
    yield f"All of this will belong to {into.handle}, and {row.handle} will be gone."
    yield (
        f"{means.joining} people join {into.handle}, and may then read {means.for_joining} of its items that are not "
        f"for everyone."
    )
    yield (
        f"{means.others} people who are in {into.handle} only may then read {means.for_others} items of {row.handle} "
        f"that are not for everyone."
    )
    if of.sent_on:
        yield f"{of.sent_on} requests were sent on to where {row.handle} works; later replies stay here."
