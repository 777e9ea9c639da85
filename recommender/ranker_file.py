"""Learned weights of colleagues on disk: `experts.json` in the generation that they belong to."""

import math
from pathlib import Path

from recommender import learned
from recommender.index.generations import EXPERTS
from recommender.learned import LearnedFile
from recommender.people.features import FEATURES
from recommender.people.ranker import SHIPPED, VERSION, Ranker


def save(directory: Path, ranker: Ranker) -> None:
    """Put the weights into a generation's directory in one atomic step."""
    held = {"version": VERSION, "weights": dict(ranker.weights), "trained": dict(ranker.trained)}
    learned.write(directory / EXPERTS, held)


def remove(directory: Path) -> None:
    """Go back to the shipped weights."""
    (directory / EXPERTS).unlink(missing_ok=True)


def load(directory: Path) -> Ranker:
    """The weights of a generation. Raises OSError when there are none, ValueError when they cannot be used."""
    held = learned.read(directory / EXPERTS, VERSION)
    weights = held.get("weights")
    if not isinstance(weights, dict) or not weights.keys() <= set(FEATURES):
        raise ValueError("they name features that are not known")
    if not all(isinstance(weight, int | float) and math.isfinite(weight) for weight in weights.values()):
        raise ValueError("a weight is not a number")
    return Ranker(weights, held.get("trained") or {})


class RankerFile(LearnedFile[Ranker]):
    """The weights in force: the live generation's own, read again when they change, else the shipped ones."""

    def __init__(self, index_dir: Path) -> None:
        super().__init__(index_dir, EXPERTS, load, SHIPPED, "kollega train-experts")
