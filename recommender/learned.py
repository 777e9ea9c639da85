"""Models fitted to an organisation's own history: one small JSON file each, in the index generation it belongs to.

This module owns the files: reading, writing, removing, and which model is in force. Fitting is done by
`indexer/learning`, and what a model computes is defined in `search/calibration.py` and `people/ranker.py`.
"""

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from recommender.index.generations import CALIBRATION, EXPERTS, WAS_LEARNED
from recommender.people import ranker
from recommender.people.features import FEATURES
from recommender.people.ranker import Ranker
from recommender.search import calibration
from recommender.search.calibration import AnswerModel

Model = TypeVar("Model")
FileVersion = tuple[int, int]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearnedFile(Generic[Model]):
    """One kind of learned model on disk, called `name` in each generation's directory.

    `version` is the version of the file's form, `command` what an administrator runs to fit the model again, `shipped`
    the model that comes with Kollega. `parse` makes a model of the file's values and raises ValueError when they cannot
    be used; `values` is its reverse.
    """

    name: str
    version: int
    command: str
    shipped: Model
    parse: Callable[[Mapping[str, Any]], Model]
    values: Callable[[Model], Mapping[str, Any]]

    def save(self, directory: Path, model: Model) -> None:
        """Write a model into a generation's directory in one atomic step."""
        path = directory / self.name
        new = path.with_name(f"{self.name}.new")
        values = {"version": self.version, **self.values(model)}
        new.write_text(json.dumps({**values, "checksum": _checksum(values)}, indent=1), encoding="utf-8")
        os.replace(new, path)
        (directory / f"{self.name}{WAS_LEARNED}").touch()

    def load(self, directory: Path) -> Model:
        """The model of a generation. Raises OSError when there is no file, ValueError when it cannot be used."""
        values = json.loads((directory / self.name).read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("version") != self.version:
            raise ValueError("the file has another version")
        written = values.pop("checksum", None)  # files of earlier versions have none
        if written is not None and written != _checksum(values):
            raise ValueError("the file is damaged")
        if values.keys() != {"version", *self.values(self.shipped)}:
            raise ValueError("the file has other fields than those of this version")
        return self.parse(values)

    def remove(self, directory: Path) -> None:
        """Go back to the shipped model."""
        (directory / f"{self.name}{WAS_LEARNED}").unlink(missing_ok=True)
        (directory / self.name).unlink(missing_ok=True)

    def remove_unusable(self, directory: Path) -> None:
        """Remove a generation's file if it cannot be used."""
        try:
            self.load(directory)
        except ValueError:
            self.remove(directory)
        except OSError:
            pass

    def usable(self, directory: Path) -> bool:
        """False when there is a file that cannot be used, or one was lost."""
        try:
            self.load(directory)
        except FileNotFoundError:
            return not (directory / f"{self.name}{WAS_LEARNED}").exists()
        except (OSError, ValueError):
            return False
        return True

    def in_force(self, directory: Path) -> Model:
        """The model of a generation, or the shipped one when there is no file or it cannot be used, which is logged."""
        try:
            return self.load(directory)
        except FileNotFoundError:
            return self.shipped
        except (OSError, ValueError) as error:
            message = "%s of %s cannot be used (%s); the shipped model is used instead. Run: %s"
            log.error(message, self.name, directory.name, error, self.command)
            return self.shipped

    def file_version(self, directory: Path) -> FileVersion | None:
        """(modification time in nanoseconds, size in bytes) of a generation's file; None when there is none. It differs
        when the file was written again."""
        try:
            status = (directory / self.name).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _parse_answer_model(values: Mapping[str, Any]) -> AnswerModel:
    weights, fitted = values.get("weights"), values.get("fitted") or {}
    if not isinstance(weights, dict) or weights.keys() != {"constant", "slope"}:
        raise ValueError("its weights are not those of this version")
    _require_numbers(weights)
    if weights["slope"] < 0:
        raise ValueError("with a negative slope a better match would make an answer less probable")
    if not isinstance(fitted, dict):
        raise ValueError("it does not say what it was fitted on")
    return AnswerModel(**weights, fitted=fitted)


def _answer_model_values(model: AnswerModel) -> Mapping[str, Any]:
    return {"weights": {"constant": model.constant, "slope": model.slope}, "fitted": dict(model.fitted)}


def _parse_ranker(values: Mapping[str, Any]) -> Ranker:
    weights, trained = values.get("weights"), values.get("trained") or {}
    if not isinstance(weights, dict) or not weights.keys() <= set(FEATURES):
        raise ValueError("its features are not those of this version")
    _require_numbers(weights)
    if not isinstance(trained, dict):
        raise ValueError("it does not say what it was trained on")
    return Ranker(weights, trained)


def _ranker_values(model: Ranker) -> Mapping[str, Any]:
    return {"weights": dict(model.weights), "trained": dict(model.trained)}


def _require_numbers(weights: Mapping[str, Any]) -> None:
    if not all(isinstance(weight, int | float) and math.isfinite(weight) for weight in weights.values()):
        raise ValueError("a weight is not a number")


ANSWER_MODEL = LearnedFile(
    CALIBRATION,
    calibration.VERSION,
    "kollega calibrate",
    calibration.SHIPPED,
    _parse_answer_model,
    _answer_model_values,
)
"""How probable it is that a question has an answer."""
RANKER = LearnedFile(EXPERTS, ranker.VERSION, "kollega train-experts", ranker.SHIPPED, _parse_ranker, _ranker_values)
"""How colleagues are ranked."""
