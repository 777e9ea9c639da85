"""The texts of items that topics are formed and named from: the words of their titles, and the beginnings of those that
are nearest to the middle of a topic."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from recommender.encoder import normalise
from recommender.insights.topics.clustering import Labels, Vectors
from recommender.insights.topics.naming import Namer
from recommender.insights.topics.stored import beginnings, with_teams
from recommender.insights.topics.words import Text, WordReader

_NAMED_FROM = 150
"""Items of a topic that its name is made from, the nearest to its centre; a judgement, as the next number."""
_SAMPLE = 3_000
"""Items of a token in which it is counted how common words are."""


class Texts:
    """The texts of a token's items, by their keys. `namer` names topics by words that are rarer among all of them."""

    def __init__(self, session: Session, keys: Sequence[str], reader: WordReader) -> None:
        self._session = session
        self._keys = keys
        self._reader = reader
        self.namer = Namer(reader, with_teams(session, keys[:: max(1, len(keys) // _SAMPLE)]))

    def bags(self, titles: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """The words of (language, title) by which items come together: those that may be in a name."""
        bags = [self._reader.of_title(title, language) for language, title in titles]
        for bag in bags:
            for term in self.namer.of_all_teams & bag.keys():
                del bag[term]
        return bags

    def nearest(self, vectors: Vectors, rows: Labels) -> list[Text]:
        """The texts of the items of a group, given by their rows, that are nearest to its centre."""
        centre = normalise(vectors[rows].sum(axis=0, keepdims=True))[0]
        order = np.argsort(-(vectors[rows] @ centre), kind="stable")[:_NAMED_FROM]
        return list(beginnings(self._session, [self._keys[row] for row in rows[order].tolist()]).values())
