"""Learned weights of colleagues on disk: `experts.json` in the generation that they belong to."""

import json
import logging
import math
import os
from pathlib import Path

from recommender.expert_ranker import FEATURES, USUAL, VERSION, Ranker
from recommender.index.generations import EXPERTS

log = logging.getLogger(__name__)


def save(directory: Path, ranker: Ranker) -> None:
    """Put the weights into a generation's directory in one atomic step."""
    beside = directory / f"{EXPERTS}.new"
    held = {"version": VERSION, "weights": dict(ranker.weights), "trained": dict(ranker.trained)}
    beside.write_text(json.dumps(held, indent=1), encoding="utf-8")
    os.replace(beside, directory / EXPERTS)


def remove(directory: Path) -> None:
    """Go back to the shipped weights."""
    (directory / EXPERTS).unlink(missing_ok=True)


def load(directory: Path) -> Ranker:
    """The weights of a generation. Raises OSError when there are none, ValueError when they cannot be used."""
    held = json.loads((directory / EXPERTS).read_text(encoding="utf-8"))
    if not isinstance(held, dict) or held.get("version") != VERSION:
        raise ValueError("they are of another version")
    weights = held.get("weights")
    if not isinstance(weights, dict) or not weights.keys() <= set(FEATURES):
        raise ValueError("they name features that are not known")
    if not all(isinstance(weight, int | float) and math.isfinite(weight) for weight in weights.values()):
        raise ValueError("a weight is not a number")
    return Ranker(weights, held.get("trained") or {})


class RankerFile:
    """The weights in force: the live generation's own, read again when they change, else the shipped ones."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir
        self._seen: tuple[str, int, int] | None = None
        self._ranker = USUAL

    def of(self, generation: str | None) -> Ranker:
        """The weights that go with a generation; one that cannot be read is named in the log and passed over."""
        try:
            found = (self._index_dir / (generation or "") / EXPERTS).stat()
        except OSError:
            self._seen, self._ranker = None, USUAL
            return self._ranker
        seen = (generation or "", found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            try:
                self._ranker = load(self._index_dir / (generation or ""))
            except (OSError, ValueError) as error:
                log.error(
                    "The learned weights of %s cannot be used (%s). Run: kollega train-experts", generation, error
                )
                self._ranker = USUAL
            self._seen = seen
        return self._ranker
