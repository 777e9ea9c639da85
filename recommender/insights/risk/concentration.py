"""How what is known of a topic is spread over people: who has a share of it, and how many would have to leave.

The bus factor follows Avelino, Passos, Hora and Valente (2016), "A Novel Approach for Estimating Truck Factors": the
person who stands for most is taken away, again and again, until more than half is lost. An item takes the place of a
file, those who stand for it (`holders.py`) that of its authors, and an item weighs less the older it is.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from recommender.datatypes import Contribution
from recommender.insights.risk.holders import Holders

_DAY = 86_400.0
"""Seconds."""


def decayed(part: Contribution, now: datetime, half_life_days: float) -> float:
    """The weight of a contribution, halved for each half-life that has passed since it was made."""
    age = max(0.0, (now - part.at).total_seconds() / _DAY)
    return part.weight * float(0.5 ** (age / half_life_days))


@dataclass(frozen=True)
class Known:
    """What is known of some items: for each item that somebody stands for, in the order of their keys, who stands for
    it and what that weighs by now; and how many items belong to the team alone."""

    items: Sequence[Sequence[tuple[int, float]]]
    of_team: int = 0

    @classmethod
    def of(cls, holders: Holders, items: Collection[str], now: datetime, half_life_days: float) -> "Known":
        """What is known of these items now."""
        parts = [holders.parts[item] for item in sorted(items) if item in holders.parts]
        weights = [[(part.person_id, decayed(part, now, half_life_days)) for part in each] for each in parts]
        return cls(weights, len(holders.of_team.intersection(items)))

    def shares(self) -> dict[int, float]:
        """The part of it that each person knows, by id; together 1, or nothing at all."""
        known = defaultdict[int, float](float)
        for parts in self.items:
            for person, weight in parts:
                known[person] += weight
        whole = sum(known.values())
        return {person: weight / whole for person, weight in known.items()} if whole > 0 else {}

    def bus_factor(self) -> int | None:
        """The fewest people whose leaving loses more than half of what is known, found greedily; 0 when nothing is
        known, None when more than half stays whoever leaves.

        An item weighs as much as the best contribution to it; a document of the team as much as the heaviest other
        item, and is not lost.
        """
        weights = [max([weight for _person, weight in parts]) for parts in self.items]
        people = [{person for person, _weight in parts} for parts in self.items]
        whole = sum(weights) + self.of_team * max(weights, default=1.0)
        if whole <= 0:
            return 0
        known = defaultdict[int, float](float)
        for weight, who in zip(weights, people, strict=True):
            for person in who:
                known[person] += weight
        # What is left of a person's items as others leave stays the same: an item is lost with the last of its people.
        leaving = sorted(known, key=lambda person: (-known[person], person))
        place = {person: number for number, person in enumerate(leaving)}
        lost_with: list[list[float]] = [[] for _person in leaving]
        for weight, who in zip(weights, people, strict=True):
            lost_with[max([place[person] for person in who])].append(weight)
        lost = 0.0
        for gone, lost_weights in enumerate(lost_with, 1):
            lost += sum(lost_weights)
            if lost > whole / 2:
                return gone
        return None
