"""index/vocabulary.py: edits counted by hand."""

import pytest

from recommender.index.vocabulary import Vocabulary

WORDS = ("password", "printer", "sprinter", "badge", "badges", "authentication", "vpn", "kayttooikeus")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("pasword", [("password", 1)]),
        ("passwrod", [("password", 1)]),  # two neighbouring letters are swapped
        ("printr", [("printer", 1)]),  # not sprinter, whose first letter differs
        ("badgee", [("badge", 1), ("badges", 1)]),
        ("authetnicaton", [("authentication", 2)]),  # two edits in a long word
        ("pasowrdd", []),  # but not in a shorter word
        ("kayttoikeus", [("kayttooikeus", 1)]),
        ("vpm", []),  # too short
        ("password", []),  # the word is known
        ("kjhsdkhkashfk", []),
        ("pasword1", []),  # an identifier
        ("", []),
    ],
)
def test_near_words_are_one_or_two_edits_away_and_start_with_the_same_letter(
    written: str, expected: list[tuple[str, int]]
) -> None:
    assert Vocabulary(WORDS).near(written) == expected
