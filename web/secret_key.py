"""The key that signs session cookies: made once, stored in the home directory, readable by its owner only."""

import os
import secrets
import tempfile
from pathlib import Path

from recommender.errors import SettingsError


def load_secret_key(home: Path) -> str:
    """The key of this home, made when there is none yet. Raises SettingsError when its file is empty."""
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _make(path)
    key = path.read_text(encoding="ascii").strip()
    if not key:  # Flask signs nothing with an empty key: every sign-in would be an error
        raise SettingsError(
            f"{path} is empty. Delete it and start Kollega again: it makes a new key, and everybody signs in once more."
        )
    return key


def _make(path: Path) -> None:
    """Write a key beside and link it to its name, so that no other process ever reads a part of it. When another
    process was faster, its key stays."""
    descriptor, beside = tempfile.mkstemp(prefix="secret_key.", dir=path.parent)  # only its owner may read it
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)
