"""Reads the passwords and tokens of sources: from the environment, or from a file that only its owner can read.

They are never in sources.toml, in the database, in a log or in an error.
"""

import stat
from pathlib import Path

from recommender.accounts.source_secret import secret_of, secret_variable
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

_WORDS = {"token": Sentence("token"), "password": Sentence("password")}


def read_secret(source: str, what: str = "token", file: Path | None = None) -> str:
    """The secret of a source: the content of `file`, or of the variable KOLLEGA_<SOURCE>_<WHAT> when no file is given.

    Raises SourceError when there is none, or when others than its owner can read the file.
    """
    word = _WORDS.get(what, what)
    if file is None:
        value = secret_of(source, what)
        if not value:
            raise SourceError(
                Sentence(
                    "%(source)s: there is no %(secret)s. Set %(variable)s, or write it to a file of mode 600 and name "
                    "that file as %(option)s.",
                    source=source, secret=word, variable=secret_variable(source, what), option=f"{what}_file",
                )
            )  # fmt: skip
        return value
    named = {"source": source, "file": file}
    try:
        mode = file.stat().st_mode
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else Sentence("it is not UTF-8")
        said = Sentence(
            "%(source)s: %(file)s cannot be read: %(reason)s. Write the %(secret)s to it.",
            **named, reason=reason, secret=word,
        )  # fmt: skip
        raise SourceError(said) from error
    if stat.S_IMODE(mode) & 0o077:
        raise SourceError(Sentence("%(source)s: others can read %(file)s. Run: chmod 600 %(file)s", **named))
    if not value:
        said = Sentence("%(source)s: %(file)s is empty. Write the %(secret)s to it.", **named, secret=word)
        raise SourceError(said)
    return value
