"""What an import may do to the readers of an existing item: it lets nobody read what they could not read before.

docs/import-format.md has the rules as a table. Readers are narrowed whenever the source narrows them, also when the
audience was changed here.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from indexer.loading.merge import Merge
from recommender import audit
from recommender.access import EVERYONE, audience_of, document_audience, reader_of, request_audience
from recommender.database.tables import Document, HelpRequest, Person, Team

IMPORT = audit.Actor(None, "import")
"""Who acts in the audit log: an import is run by whoever may run commands on the machine, so it has no person."""
PersonWithId = Callable[[int], Person | None]


def default_audience(private: bool) -> tuple[str, ...]:
    """The tokens of an item that states no audience; `private` is one of a restricted team."""
    return () if private else (EVERYONE,)


@dataclass(frozen=True)
class Readers:
    """Those who may read an item before an import changes it, as tokens. `person` finds a person by their id."""

    tokens: frozenset[str]
    person: PersonWithId

    def include(self, token: str) -> bool:
        """True when everybody with this token is among the readers."""
        if EVERYONE in self.tokens or token in self.tokens:
            return True
        kind, _, name = token.partition(":")
        person = self.person(int(name)) if kind == "person" else None
        return person is not None and not self.tokens.isdisjoint(reader_of(person).tokens)


def narrowed(now: Collection[str], wanted: Collection[str], readers: Readers) -> set[str]:
    """The tokens of `now` and `wanted` that let nobody read who may not read by both. `readers` are those of `now`,
    with the asker or owner and the team."""
    if EVERYONE in wanted:
        return set(now)
    allowed = Readers(frozenset(wanted), readers.person)
    staying = {token for token in now if token != EVERYONE and allowed.include(token)}
    return staying | {token for token in wanted if readers.include(token)}


def merge_audience(
    row: HelpRequest | Document, wanted: set[str], stated: bool, merge: Merge, readers: Readers
) -> set[str] | None:
    """The tokens that an existing item is to have; None when they stay. `wanted` are those that the record gives, or
    the default of its team when the audience is not `stated`."""
    now = {entry.token for entry in row.audience}
    may_read = all(readers.include(token) for token in wanted)
    if may_read:
        merge.agreed.append("audience")
    if not merge.has_changed("audience") or (merge.is_first and not stated):
        return None
    tokens = narrowed(now, wanted, readers)
    if not may_read:
        merge.not_widened.append("audience")
    if tokens == now:
        return None
    merge.taken.append("audience")
    return tokens


def merge_team(row: HelpRequest | Document, team: Team | None, merge: Merge, readers: Readers) -> bool:
    """Move an existing item to the team that its record names, unless the team could then read what it cannot read, or
    would learn who asked anonymously. Returns True when the item was moved."""
    now = row.team.handle if row.team else None
    if not merge.differs("team", now):
        return False
    if not merge.is_untouched("team", now):
        merge.kept.append("team")
        return False
    secret = isinstance(row, HelpRequest) and row.anonymous
    if team is not None and (secret or not readers.include(f"team:{team.handle}")):
        merge.not_widened.append("team")
        return False
    merge.taken.append("team")
    row.team = team
    return True


def takes_person(
    row: HelpRequest | Document, field: str, now: Person | None, then: Person | None, merge: Merge, readers: Readers
) -> bool:
    """True when the asker or owner (`field`) of an existing item is to become `then`. They may read it then, so they
    must be among the readers already, or be the one whom the source has named all the time."""
    handle = now.handle if now else None
    if not merge.differs(field, handle):
        return False
    if not merge.is_untouched(field, handle):
        merge.kept.append(field)
        return False
    secret = isinstance(row, HelpRequest) and row.anonymous  # another asker would show who wrote the replies
    known = merge.is_newly_listed(field) or (not secret and (then is None or readers.include(f"person:{then.id}")))
    (merge.taken if known else merge.not_widened).append(field)
    return known


def merge_anonymous(row: HelpRequest, anonymous: bool, merge: Merge) -> None:
    """Hide the name of an existing request's asker when the source does; an import never shows it again."""
    if merge.differs("anonymous", row.anonymous):
        (merge.taken if anonymous else merge.not_widened).append("anonymous")
        row.anonymous = row.anonymous or anonymous


def merge_restricted(row: Team, restricted: bool, merge: Merge) -> None:
    """Make an existing team restricted when the source does; an import never lets everyone read its new requests."""
    if merge.differs("restricted", row.restricted):
        (merge.taken if restricted else merge.not_widened).append("restricted")
        row.restricted = row.restricted or restricted


def request_readers(row: HelpRequest, person: PersonWithId) -> Readers:
    """Those who may read a request now."""
    return Readers(request_audience(row), person)


def document_readers(row: Document, person: PersonWithId) -> Readers:
    """Those who may read a document now; of a draft, its owner and its team."""
    return Readers(document_audience(row), person)


def readers_when_published(row: Document, person: PersonWithId) -> Readers:
    """Those who may read a document once it is no draft any more."""
    stored = [entry.token for entry in row.audience]
    return Readers(audience_of(stored, row.owner_id, row.team.handle if row.team else None), person)


def record_audience(
    session: Session, subject: str, before: Readers, after: Collection[str], nameless: Collection[str] = ()
) -> None:
    """Record in the audit log who may read an item now, unless that has stayed the same. Tokens in `nameless` are left
    out: they would name an anonymous asker."""
    if before.tokens == set(after):
        return
    details = {
        "before": sorted(before.tokens - set(nameless)),
        "after": sorted(set(after) - set(nameless)),
        "widened": not all(before.include(token) for token in after),
    }
    audit.record(session, IMPORT, f"{subject.partition(':')[0]}.audience", subject, details)
