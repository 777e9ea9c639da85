"""The handles of people and teams: which characters they may have, and what is made of ids of other systems.

A handle stands in addresses (`/people/aino`), in audiences (`team:it`) and in commands, and people compare it by eye.
So it has no spaces and none of `/ ? # %`, nothing that is invisible or changes the direction of writing, and it is
not `.`, `..` or `me`.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache

LONGEST_HANDLES = {"team": 64, "person": 120}
"""Characters, as in the tables."""
RULE = "without spaces, invisible characters and / ? # %"
_RESERVED = frozenset({".", "..", "me"})
_FORBIDDEN = frozenset("/?#%")
_INVISIBLE = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\U000e0100-\\U000e01ef]"
)
_UNSEEN_IN_A_LINE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200b\\u2028-\\u202e\\u2060\\u2066-\\u2069\\ufeff]")
"""Control characters, spaces without width, and marks that turn the direction of what follows. Those that scripts and
emoji need (U+200C to U+200F) are not among them."""


def is_usable(handle: str, kind: str = "person") -> bool:
    """True for a text that may be the handle of a team or a person (`kind`)."""
    return bool(handle) and usable_handle(handle, kind) == handle


@lru_cache(maxsize=4096)  # an import asks for the same people again and again
def usable_handle(identifier: str, kind: str = "person") -> str:
    """The handle of a team or person (`kind`) of this id: the id itself if it may be one; else what can be kept of its
    beginning, with a digest of the whole, so that two ids never become one."""
    identifier, longest = identifier.strip(), LONGEST_HANDLES[kind]
    words = re.sub("-*\\0+", "-", "".join("\0" if _is_forbidden(each) else each for each in identifier))
    if words == identifier and len(identifier) <= longest and identifier not in _RESERVED:
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words[: longest - 9]}-{digest}"


def visible(line: str) -> str:
    """A title, name or tag without what cannot be seen in it and could make it look like another one."""
    return line if line.isprintable() else _UNSEEN_IN_A_LINE.sub("", line)


def _is_forbidden(character: str) -> bool:
    return (
        character in _FORBIDDEN or unicodedata.category(character)[0] in "CZ" or _INVISIBLE.match(character) is not None
    )
