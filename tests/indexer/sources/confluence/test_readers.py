"""sources/confluence/readers.py: never more than who passes all levels, checked against people in groups."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from indexer.sources.confluence.readers import EVERYBODY, readers

GROUPS = ("a", "b", "c", "all")
LEVELS = st.lists(st.none() | st.frozensets(st.sampled_from(GROUPS), min_size=1), max_size=4)


@given(st.none() | st.frozensets(st.sampled_from(GROUPS), min_size=1), LEVELS)
def test_exactly_those_who_pass_all_levels_may_read(
    space: frozenset[str] | None, levels: list[frozenset[str] | None]
) -> None:
    names = readers(space, levels, frozenset({"all"}))
    names = ("all",) if names == ("public",) else names
    stated = [level for level in [space, *levels] if level is not None]
    for belongs in product((False, True), repeat=3):
        groups = {group for group, inside in zip("abc", belongs, strict=True) if inside} | {"all"}
        allowed = all(groups & level for level in stated)
        assert (names is None or any(set(name.split(" & ")) <= groups for name in names)) == allowed


def test_a_public_space_is_public_until_a_page_is_restricted() -> None:
    assert readers(EVERYBODY, [None], frozenset()) == ("public",)
    assert readers(EVERYBODY, [None, frozenset({"hr"})], frozenset()) == ("hr",)
    assert readers(None, [None], frozenset()) is None


def test_the_group_of_all_accounts_keeps_nobody_out_and_is_everybody_only_where_that_is_said() -> None:
    space = frozenset({"confluence-users", "admins"})
    assert readers(space, [None], frozenset()) == ("confluence-users",)
    assert readers(space, [frozenset({"hr"})], frozenset()) == ("hr",)
    assert readers(space, [None], frozenset({"confluence-users"})) == ("public",)
