"""Which items a generation has. Of a million of them only the numbers are read, and digests when they are asked for."""

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from recommender.index.item_numbers import Keys, Numbers, numbers_of


class Known(Mapping[str, str]):
    """The digest of each item by its key. `numbers` are those of all items in order, and `digests_of` gives the digests
    of some of them by key, without those that are not there."""

    def __init__(self, numbers: Numbers, digests_of: Callable[[Collection[str]], dict[str, str]]) -> None:
        self.numbers, self.digests_of = numbers, digests_of

    @classmethod
    def of(cls, digests: Mapping[str, str]) -> "Known":
        """Those of which all is in memory."""
        return cls(numbers_of(digests), lambda keys: {key: digests[key] for key in keys if key in digests})

    @classmethod
    def nothing(cls) -> "Known":
        """No item."""
        return cls(np.zeros(0, np.int64), lambda _keys: {})

    def __getitem__(self, key: str) -> str:
        return self.digests_of([key])[key]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(Keys(self.numbers))
