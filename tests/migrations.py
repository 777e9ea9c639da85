"""A migration that is stopped half way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.operations import Operations


@contextmanager
def stopped_at(table: str) -> Iterator[None]:
    """Within this, a migration that is to make the table is stopped, as by Ctrl+C; and that is expected."""
    create_table = Operations.create_table

    def stop(self: Operations, name: str, *columns: Any, **options: Any) -> Any:
        if name == table:
            raise KeyboardInterrupt
        return create_table(self, name, *columns, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operations, "create_table", stop)
        with pytest.raises(KeyboardInterrupt):
            yield
