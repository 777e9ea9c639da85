"""What the rows of a generation are: which item, role and readers each of them has.

Generations that share a file of vectors (`dense.py`) have the same passages in its rows, except those that were removed
since. So of a newer one only that is read which is in other rows.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from recommender.index.catalogue import Catalogue
from recommender.index.dense import Rows
from recommender.index.nearness import ROLES
from recommender.index.readable import passages_by_token

_NUMBER_OF_ROLE = {role.value: number for number, role in enumerate(ROLES)}


@dataclass(frozen=True)
class Members:
    """The items of a generation, numbered in the order of their first rows, and what each row is.

    `items` has the key of each item and `languages` its language. `item_of` has the item's number for each row, shape
    (rows,), -1 for a removed passage; `roles` the number of the passage's role. `by_token` has the rows that each
    reader token may read. An item of which all rows were removed may still have a number.
    """

    items: list[str]
    languages: list[str]
    item_of: NDArray[np.int32]
    roles: NDArray[np.uint8]
    by_token: dict[str, NDArray[np.int64]]

    @classmethod
    def read(cls, catalogue: Catalogue, rows: int) -> "Members":
        """Those of all rows."""
        nothing = cls([], [], np.zeros(0, np.int32), np.zeros(0, np.uint8), {})
        return nothing._with_rows_from(catalogue, 0, rows)

    def followed_by(self, catalogue: Catalogue, shared: int, rows: int) -> "Members | None":
        """Those of another generation that has the first `shared` rows in common with this one; None when it has
        passages there that this one does not know."""
        present = np.zeros(rows, np.bool_)
        present[catalogue.ids()] = True
        present = present[:shared]
        known = self.item_of[:shared]
        if (present & (known < 0)).any():
            return None
        item_of = np.where(present, known, np.int32(-1))
        count = int(known.max(initial=-1)) + 1
        of_shared = {token: ids[: np.searchsorted(ids, shared)] for token, ids in self.by_token.items()}
        by_token = {token: ids[present[ids]] for token, ids in of_shared.items()}
        here = Members(self.items[:count], self.languages[:count], item_of, self.roles[:shared], by_token)
        return here._with_rows_from(catalogue, shared, rows)

    def _with_rows_from(self, catalogue: Catalogue, first: int, rows: int) -> "Members":
        """These, which are of the rows before `first`, and those of the rows from there on."""
        ids, keys, roles = catalogue.members_and_roles(first)
        numbers: dict[str, int] = {}
        item_of, of_role = np.full(rows, -1, np.int32), np.zeros(rows, np.uint8)
        item_of[:first], of_role[:first] = self.item_of, self.roles
        item_of[np.array(ids, np.int64)] = [len(self.items) + numbers.setdefault(key, len(numbers)) for key in keys]
        of_role[np.array(ids, np.int64)] = [_NUMBER_OF_ROLE[role] for role in roles]
        language = catalogue.languages(first)
        audiences = [(key, audience) for key, audience in catalogue.audiences(first) if key in numbers]
        by_token = dict(self.by_token)
        here = np.where(item_of[first:] < 0, -1, item_of[first:] - len(self.items))
        for token, found in passages_by_token(audiences, numbers, here).items():
            by_token[token] = np.concatenate([by_token.get(token, np.zeros(0, np.int64)), found + first])
        languages = [*self.languages, *(language[key] for key in numbers)]
        return Members([*self.items, *numbers], languages, item_of, of_role, by_token)

    def numbers(self) -> dict[str, int]:
        """The number of each item that has rows, by key."""
        numbers = {key: number for number, key in enumerate(self.items)}  # the later one of a key has its rows
        without = np.bincount(self.item_of[self.item_of >= 0], minlength=len(self.items)) == 0
        for number in np.flatnonzero(without).tolist():
            if numbers[self.items[number]] == number:
                del numbers[self.items[number]]
        return numbers

    def languages_by_token(self) -> dict[str, set[str]]:
        """The languages of the items that each reader token may read."""
        names = sorted(set(self.languages))
        places = {name: place for place, name in enumerate(names)}
        language_of = np.array([places[name] for name in self.languages], np.int32)
        return {
            token: {names[place] for place in np.unique(language_of[self.item_of[rows]])}
            for token, rows in self.by_token.items()
            if len(rows)
        }


_known: WeakKeyDictionary[Rows, Members] = WeakKeyDictionary()  # of the generation that was opened last with these rows


def members_of(catalogue: Catalogue, rows: int, shared: Rows | None) -> Members:
    """The members of a generation with as many `rows`, the first of which are `shared`. What an index that has these in
    memory knows of them is not read again."""
    if shared is None:
        return Members.read(catalogue, rows)
    before = _known.get(shared)
    found = before.followed_by(catalogue, len(shared), rows) if before is not None else None
    members = _known[shared] = found if found is not None else Members.read(catalogue, rows)
    return members
