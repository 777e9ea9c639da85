"""Reads the passwords and tokens of sources: from the environment, or from a file that only its owner can read.

They are never in sources.toml, in the database, in a log or in an error.
"""

import stat
from pathlib import Path

from recommender.accounts.source_secret import secret_of, secret_variable
from recommender.errors import SourceError


def read_secret(source: str, what: str = "token", file: Path | None = None) -> str:
    """The secret of a source: the content of `file`, or of the variable KOLLEGA_<SOURCE>_<WHAT> when no file is given.

    Raises SourceError when there is none, or when others than its owner can read the file.
    """
    variable = secret_variable(source, what)
    if file is None:
        value = secret_of(source, what)
        if not value:
            raise SourceError(
                f"{source}: there is no {what}. Set {variable}, or write it to a file of mode 600 and name that file "
                f"as {what}_file."
            )
        return value
    try:
        mode = file.stat().st_mode
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SourceError(f"{source}: {file} cannot be read: {reason}. Write the {what} to it.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise SourceError(f"{source}: others can read {file}. Run: chmod 600 {file}")
    if not value:
        raise SourceError(f"{source}: {file} is empty. Write the {what} to it.")
    return value
