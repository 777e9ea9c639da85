"""The three-way comparison of one record: what its source said when it was last imported (`before`), what is in the
database, and what the source says now (`stated`).

What has not changed in the source stays as it is here. What has changed only in the source is taken. What has changed
in both stays as it is here, and is listed. Values are compared by their digests, so that they need not be stored twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.database.import_tables import ERASED, UNLISTED, digest

Stated = dict[str, Any]
"""A digest for each field that a record states; `replies` and `notes` have such a dictionary for each reply, by its
id."""
DELETED = "deleted"
"""The field that a source states of an item that it has deleted, and then no other one."""


def digest_of_handle(handle: str | None, listed: bool, erased: bool = False) -> str:
    """The digest of a user name that a record names; another one while nobody here has it, and ERASED in place of it
    while the person who had it is erased."""
    if handle is None or listed:
        return digest(handle)
    return ERASED if erased else UNLISTED + digest(handle)


def is_same(before: str | None, coming: str) -> bool:
    """True when the source says what it said before. A person who has been deleted here meanwhile is the same one, and
    where an erased person was named, whoever has the user name now is nobody."""
    return before is not None and (before in (coming, ERASED) or coming == UNLISTED + before)


def remembered(before: Mapping[str, Any], stated: Stated) -> Stated:
    """What to store of a source: what it says now. Where that is the same, what is stored stays, so that it is known
    who was listed here once."""
    fields = {field: value for field, value in before.items() if field != DELETED}
    for field, coming in stated.items():
        known = before.get(field)
        if isinstance(coming, dict):
            parts = known if isinstance(known, dict) else {}
            fields[field] = {name: remembered(parts.get(name, {}), part) for name, part in coming.items()}
        elif not is_same(known, coming):
            fields[field] = coming
    return fields


def all_same(before: Mapping[str, Any], stated: Stated) -> bool:
    """True when a source says of an item what it said before."""
    if DELETED in before and DELETED not in stated:
        return False
    for field, coming in stated.items():
        known = before.get(field)
        if isinstance(coming, dict):
            if not isinstance(known, dict) or known.keys() != coming.keys():
                return False
            if not all(all_same(known[name], part) for name, part in coming.items()):
                return False
        elif not is_same(known, coming):
            return False
    return True


class Merge:
    """The comparison of one record, and what came of it: the fields that were `taken` from the source, those that were
    `kept` because they have changed here too, those that were not taken because more people could then read
    (`not_widened`), and those that are here what the source says (`agreed`).

    `before` is None when the source says something about this item for the first time; `elsewhere` is what other
    sources said of it. `new` is set for an item that is not in the database, and `set_here` are fields that somebody is
    known to have set here since, which a source does not change when it speaks of them for the first time."""

    def __init__(
        self, stated: Stated, before: Mapping[str, Any] | None = None, elsewhere: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.stated, self.new = stated, False
        self.set_here: frozenset[str] = frozenset()
        self._before, self._elsewhere = before, elsewhere
        self.taken: list[str] = []
        self.kept: list[str] = []
        self.not_widened: list[str] = []
        self.agreed: list[str] = []

    @property
    def was_imported(self) -> bool:
        """True when a source has said something about this item before."""
        return self._before is not None or bool(self._elsewhere)

    @property
    def is_first(self) -> bool:
        """True when it is not known what this source said before, as of items imported by an older version."""
        return self._before is None

    def said_before(self, field: str) -> Any:
        """What the source said of a field before, as a digest; None when that is not known."""
        return None if self._before is None else self._before.get(field)

    def has_changed(self, field: str) -> bool:
        """True when the source says something else than before, or it is not known what it said before."""
        return field in self.stated and not is_same(self.said_before(field), self.stated[field])

    def is_newly_listed(self, field: str) -> bool:
        """True when the source names the same person as before, who was not known here then."""
        return bool(self.said_before(field) == UNLISTED + self.stated[field])

    def differs(self, field: str, now: Any) -> bool:
        """True when the source has changed a field of an existing item, and it is not `now` what the source says."""
        if field in self.stated and digest(now) == _value(self.stated[field]):
            self.agreed.append(field)
            return False
        return self.has_changed(field)

    def is_untouched(self, field: str, now: Any, editable: bool = True) -> bool:
        """True when nobody has changed the field here: it is what a source said before. Where no source is known to
        have said anything, only a field that nobody could change here (not `editable`) is untouched. What other sources
        said counts only while none of them said what comes now: then somebody has taken that back here."""
        before, have = self.said_before(field), digest(now)
        if before is not None:
            return bool(have == _value(before))
        if field in self.set_here:
            return False
        said = {said.get(field) for said in self._elsewhere}
        return not editable or (have in said and self.stated.get(field) not in said)

    def takes(self, field: str, now: Any, editable: bool = True) -> bool:
        """True when the field is to be set to what the source says; notes what was decided."""
        if self.new:
            return field in self.stated
        if not self.differs(field, now):
            return False
        untouched = self.is_untouched(field, now, editable)
        (self.taken if untouched else self.kept).append(field)
        return untouched

    def remember(self, field: str, value: Any) -> None:
        """Remember the value of a field that the record leaves out, as if it had stated it."""
        self.stated = {field: digest(value)} | self.stated

    def about(self, stated: Stated, before: Mapping[str, Any] | None) -> "Merge":
        """The comparison of something else than this record, of which the same sources speak."""
        return Merge(stated, before)

    def part(self, field: str, name: str) -> "Merge":
        """The comparison of a part of a field: of one reply."""
        known = self.said_before(field) or {}
        return Merge(self.stated[field][name], known.get(name))


def _value(digest_: str) -> str:
    return digest(None) if digest_ == ERASED or digest_.startswith(UNLISTED) else digest_
