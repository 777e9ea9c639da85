"""The key that signs session cookies: set by an admin, or made once and stored in the home
directory, readable by its owner only."""

import os
import secrets
import tempfile
from pathlib import Path

from recommender.errors import SettingsError


def load_secret_key(home: Path, given: str = "") -> str:
    """The key that was `given`, else the one in the home directory; it is made when there is none. Raises SettingsError
    when its file is empty."""
    if given:
        return given
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _make(path)
    key = path.read_text(encoding="ascii").strip()
    if not key:  # Flask cannot sign with an empty key: every sign-in would fail
        raise SettingsError(
            f"{path} is empty. Delete it and start Kollega again: it makes a new key, and everybody signs in once more."
        )
    return key


def _make(path: Path) -> None:
    """Write a key to a temporary file and link that to `path`, so that no other process reads an incomplete key. When
    another process was faster, its key stays."""
    descriptor, temporary = tempfile.mkstemp(prefix="secret_key.", dir=path.parent)  # only its owner can read it
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
