"""Which words say nothing of what is asked, since all teams are asked with them alike."""

from collections import Counter, defaultdict

from recommender.insights.topics.words import CAPITAL, MOSTLY, Words

_FEWEST_WITH_NAME, _OF_A_TEAM = 3, 0.5
"""A name with a capital letter may name a topic when more than this share of its items, of which there are at least the
first number, is of one team, such as the name of a program. Judgements, as all numbers here."""
_FEWEST_OF_TEAMS = 4
"""A word is common when it is in at least so many items."""
_IN_TEAMS = 0.5
"""A common word is in more than this share of the teams that so many items would be in if they were spread by chance: a
subject that a few of many teams are asked about alike says something."""


class WordsOfTeams:
    """In how many items each word is, and of which teams these are. Items are counted one after the other, so that the
    words of few of them are in memory."""

    def __init__(self) -> None:
        self._sizes = Counter[int | None]()
        self._capitals, self._written = Counter[str](), Counter[str]()
        self._teams = defaultdict[str, Counter[int | None]](Counter)

    def add(self, item: Words, team: int | None) -> None:
        """Count an item that this team handles."""
        self._sizes[team] += 1
        self._written.update(item.capitals.keys())
        self._capitals.update([term for term, letters in item.capitals.items() if letters == CAPITAL])
        for term in item.weights:
            self._teams[term][team] += 1

    def counts(self) -> Counter[str]:
        """The number of items with each term."""
        return Counter({term: teams.total() for term, teams in self._teams.items()})

    def of_all_teams(self, share: float) -> frozenset[str]:
        """The terms of whose items no team has more than this share and most teams have some, such as "customer", and
        those that begin with a capital letter inside of sentences, like those of places and months, and of whose items
        no team has more than half."""
        names = {term for term, count in self._capitals.items() if count > MOSTLY * self._written[term]}
        limits = {True: (_FEWEST_WITH_NAME, _OF_A_TEAM), False: (_FEWEST_OF_TEAMS, share)}
        found = set()
        for term, counts in self._teams.items():
            (fewest, most), items = limits[term in names], counts.total()
            even = items >= fewest and max(counts.values()) <= most * items
            if even and (term in names or len(counts) > _IN_TEAMS * self._teams_by_chance(items)):
                found.add(term)
        return frozenset(found)

    def _teams_by_chance(self, count: int) -> float:
        """In how many teams so many items are on average when they are drawn by chance, given the items of each."""
        items = self._sizes.total()
        return sum(1.0 - (1.0 - size / items) ** count for size in self._sizes.values())
