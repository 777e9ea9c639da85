"""What was read of a generation lately. Nothing makes it wrong: what a generation sees never changes, and another
generation has other ones of these. What may be read, and what was erased, is not decided by it."""

from collections.abc import Callable, Collection, Hashable, Mapping
from itertools import islice
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most `most` values by their keys; all are forgotten when there would be more. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[Key, Value] = {}

    def of(self, keys: Collection[Key], read: Callable[[list[Key]], Mapping[Key, Value]]) -> dict[Key, Value]:
        """The values of these keys. `read` gives those that are not kept, and leaves out unknown ones."""
        values = self._values  # nothing is taken out of it, so that another thread does no harm
        found = {key: values[key] for key in keys if key in values}
        if missing := [key for key in dict.fromkeys(keys) if key not in found]:
            new = read(missing)
            self.keep(new)
            found |= new
        return found

    def keep(self, new: Mapping[Key, Value]) -> None:
        """Keep these values too."""
        values = self._values
        fresh = {key: value for key, value in new.items() if key not in values}
        if len(values) + len(fresh) > self._most:
            values = self._values = {}
        values.update(islice(fresh.items(), self._most))
