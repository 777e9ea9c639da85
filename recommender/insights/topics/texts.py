"""What topics are formed and named from: the words of titles, the texts of the items that are nearest to the middle of
a topic, and whether its items belong together by what they mean and not by a common word alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

from recommender.encoder import normalise
from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import Labels, Vectors
from recommender.insights.topics.naming import Namer
from recommender.insights.topics.stored import beginnings, with_teams
from recommender.insights.topics.topic import LANGUAGES
from recommender.insights.topics.word_vectors import meanings_in
from recommender.insights.topics.words import Text, WordReader

_NAMED_FROM = 150
"""Items of a topic that its name is made from, the nearest to its centre; a judgement, as the next number."""
_LOOKED_AT, _NEAREST, _TOGETHER = 10, 5, 0.2
"""Items of a topic are looked at to see whether it holds together: of the items that are nearest in meaning to each,
this share is in the topic too. Groups that only share a word such as "data" have less; judgements."""
WITH_BODIES = 20_000
"""Items of which more than the titles are compared: reading the words of so many takes 3 s; a judgement."""
_SHORTEST = np.float32(1e-6)
_SAMPLE = 3_000
"""Items of a token in which it is counted how common words are."""


class Texts:
    """The texts of a token's items, by their keys. `namer` names topics by words that are rarer among all of them."""

    def __init__(self, session: Session, keys: Sequence[str], reader: WordReader) -> None:
        self._session = session
        self._keys = keys
        self._reader = reader
        self._lengths: tuple[Vectors | None, Vectors] = None, np.zeros(0, np.float32)  # as in `_meanings`
        self._last: tuple[Vectors | None, Labels | None, list[Text]] = None, None, []  # as in `nearest`
        self.namer = Namer(reader, with_teams(session, keys[:: max(1, len(keys) // _SAMPLE)]))

    def bags(self, texts: Iterable[Text]) -> Bags:
        """The words of texts by which items come together: those that may be in a name."""
        reader = self._reader
        return Bags.of_written(map(reader.written_words, texts), reader.says, self.namer.of_all_teams)

    def names(
        self, vectors: Vectors, rows: Labels, taken: Mapping[str, Collection[str]], renamed: bool = False
    ) -> dict[str, str]:
        """The names of a topic of the items in these rows, a new one or one that had a name (`renamed`); empty when no
        words describe it, or when its items have little in common but a word."""
        names = self.namer.names(self.nearest(vectors, rows), taken, renamed)
        return names if any(names.values()) and self.hold_together(vectors, rows) else dict.fromkeys(LANGUAGES, "")

    def hold_together(self, vectors: Vectors, rows: Labels) -> bool:
        """True when the items that are nearest in meaning to those of a group often are in it too. `vectors` are those
        of all items, as `with_words` makes them."""
        looked_at = rows[:: max(1, len(rows) // _LOOKED_AT)][:_LOOKED_AT]
        meanings = meanings_in(vectors)
        if self._lengths[0] is not vectors:
            self._lengths = vectors, np.maximum(np.sqrt(np.einsum("ij,ij->i", meanings, meanings)), _SHORTEST)
        cosines = meanings[looked_at] @ meanings.T / self._lengths[1]
        cosines[np.arange(len(looked_at)), looked_at] = -2.0
        count = min(_NEAREST, cosines.shape[1] - 1, len(rows) - 1)
        if count < 1:
            return False
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        return float(np.isin(nearest, rows).mean()) >= _TOGETHER

    def nearest(self, vectors: Vectors, rows: Labels) -> list[Text]:
        """The texts of the items of a group, given by their rows, that are nearest to its centre."""
        if self._last[0] is vectors and self._last[1] is not None and np.array_equal(self._last[1], rows):
            return self._last[2]
        centre = normalise(vectors[rows].sum(axis=0, keepdims=True))[0]
        order = np.argsort(-(vectors[rows] @ centre), kind="stable")[:_NAMED_FROM]
        texts = list(beginnings(self._session, [self._keys[row] for row in rows[order].tolist()]).values())
        self._last = vectors, rows, texts
        return texts
