"""The key that signs session cookies: made once, stored in the home directory, readable by its owner only."""

import secrets
from pathlib import Path


def load_secret_key(home: Path) -> str:
    """The key of this home, made when there is none yet."""
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
