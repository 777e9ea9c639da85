"""Where it is kept which generation is live when several machines search the same index: in the database, which
`database/index_register.py` does."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class Register(Protocol):
    """The finished generations of one installation, with the small files of their directories."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep all other processes, on any machine, from writing the index. Raises IndexLocked when another one
        does."""
        ...

    def store(self) -> str:
        """The beginning of the names of this installation's collections."""
        ...

    def live(self) -> str | None:
        """The name of the live generation; None when there is none."""
        ...

    def names(self) -> list[str]:
        """The names of all generations, oldest first."""
        ...

    def files(self, name: str) -> dict[str, bytes]:
        """The small files of a generation by name; none when it is gone."""
        ...

    def publish(self, name: str, files: Mapping[str, bytes], kept: Collection[str]) -> None:
        """Make a new generation the live one, and forget all others but the one before and those `kept`, in one step.
        Raises IndexLocked when the lock was lost meanwhile."""
        ...

    def make_live(self, name: str) -> None:
        """Make another generation the live one. Raises IndexNotFound when it is not known."""
        ...

    def forget_others(self) -> None:
        """Forget all generations but the live one."""
        ...

    def forget_all(self) -> None:
        """Forget all generations."""
        ...
