"""A calibration of the organisation's own on disk: `calibration.json` in the generation that it belongs to."""

import math
from pathlib import Path

from recommender import learned
from recommender.index.generations import CALIBRATION
from recommender.learned import LearnedFile
from recommender.search.calibration import SHIPPED, VERSION, AnswerModel


def save(directory: Path, answer_model: AnswerModel) -> None:
    """Put the weights into a generation's directory in one atomic step."""
    weights = {"constant": answer_model.constant, "best": answer_model.best, "together": answer_model.together}
    learned.write(
        directory / CALIBRATION, {"version": VERSION, "weights": weights, "fitted": dict(answer_model.fitted)}
    )


def remove(directory: Path) -> None:
    """Go back to the shipped weights."""
    (directory / CALIBRATION).unlink(missing_ok=True)


def load(directory: Path) -> AnswerModel:
    """The weights of a generation. Raises OSError when there are none, ValueError when they cannot be used."""
    held = learned.read(directory / CALIBRATION, VERSION)
    weights, fitted = held.get("weights"), held.get("fitted") or {}
    if not isinstance(weights, dict) or weights.keys() != {"constant", "best", "together"}:
        raise ValueError("they name features that are not known")
    if not all(isinstance(weight, int | float) and math.isfinite(weight) for weight in weights.values()):
        raise ValueError("a weight is not a number")
    if min(weights["best"], weights["together"]) < 0 or not isinstance(fitted, dict):
        raise ValueError("a better match would tell against an answer")
    return AnswerModel(**weights, fitted=fitted)


class AnswerModelFile(LearnedFile[AnswerModel]):
    """The weights in force: the live generation's own, read again when they change, else the shipped ones."""

    def __init__(self, index_dir: Path) -> None:
        super().__init__(index_dir, CALIBRATION, load, SHIPPED, "kollega calibrate")
