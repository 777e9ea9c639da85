"""Who may read a page there: who may see its space, and who may see it and every page above it.

Each of these is a *level*: the names of groups (`hr`) and people (`person:aino`) of whom one is enough. A reader needs
to pass all levels, so that names of several levels are joined: `hr & managers` are those that are in both.
"""

from collections.abc import Iterable

Level = frozenset[str]

EVERYBODY: Level = frozenset({"public"})
"""The level of what can be read without signing in."""
ALL_USERS: Level = frozenset({"confluence-users"})
"""The group that every account of a new Confluence belongs to."""
UNKNOWN: Level = frozenset({"not known"})
"""The level of a restriction that cannot be read, for instance of a page above that is missing in an export."""
_MOST = 50  # names: a judgement


def space_level(key: str) -> Level:
    """The level of a space that does not say who may see it: only a rule for this name lets anybody in."""
    return frozenset({f"space {key}"}) if key else UNKNOWN


def person(name: str) -> str:
    """The name of a person in a level."""
    return f"person:{name}"


def readers(
    space: Level | None, restrictions: Iterable[Level | None], everyone: frozenset[str]
) -> tuple[str, ...] | None:
    """The names of who may read, in order; None when neither space nor pages say it.

    A level that names a group of `everyone`, to which all belong, keeps nobody out: what no other level limits is
    public. ALL_USERS keeps nobody out either, but is not everybody here unless a rule or `everyone` says so.
    """
    open_to_all = everyone | ALL_USERS
    narrow = [level for level in restrictions if level is not None and not level & open_to_all]
    if space is not None and space != EVERYBODY and not space & open_to_all:
        narrow.insert(0, space)
    if not narrow:
        return None if space is None else ("public",) if space & everyone else tuple(sorted(space & ALL_USERS or space))
    passed = {frozenset({name}) for name in narrow[0]}
    for level in narrow[1:]:
        passed = _smallest({group | {name} for group in passed for name in level})
        if len(passed) > _MOST:
            passed = {frozenset(UNKNOWN)}
    return tuple(sorted(" & ".join(sorted(group)) for group in passed))


def _smallest(groups: set[frozenset[str]]) -> set[frozenset[str]]:
    """The groups that do not ask for more than another one does: `hr` without `hr & managers`."""
    return {group for group in groups if not any(other < group for other in groups)}
