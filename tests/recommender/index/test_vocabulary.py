"""spelling.py: edits counted by hand."""

import pytest

from recommender.index.vocabulary import Vocabulary

WORDS = ("password", "printer", "sprinter", "badge", "badges", "authentication", "vpn", "kayttooikeus")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pasword", [("password", 1)]),
        ("passwrod", [("password", 1)]),  # two neighbours changed places
        ("printr", [("printer", 1)]),  # and not sprinter, which begins otherwise
        ("badgee", [("badge", 1), ("badges", 1)]),
        ("authetnicaton", [("authentication", 2)]),  # a long word may have two
        ("pasowrdd", []),  # a shorter one may not
        ("kayttoikeus", [("kayttooikeus", 1)]),
        ("vpm", []),  # too short to tell
        ("password", []),  # it is there
        ("kjhsdkhkashfk", []),
        ("pasword1", []),  # an exact token is what it is
        ("", []),
    ],
)
def test_near_words_are_an_edit_or_two_away_and_begin_alike(written: str, meant: list[tuple[str, int]]) -> None:
    assert Vocabulary(WORDS).near(written) == meant
