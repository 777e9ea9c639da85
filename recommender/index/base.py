"""Which generation a new one is started from: the live one, another one of the same model, or none."""

import json
import logging
from pathlib import Path

from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexNotFound
from recommender.index import generations
from recommender.index.generations import Manifest
from recommender.index.local import LocalIndex, check_model
from recommender.language.analyzer import ANALYSIS_VERSION

log = logging.getLogger(__name__)


def find_base(index_dir: Path, model: ModelCard, full: bool, switch: bool) -> Path | None:
    """The live generation; None with `full`, when there is no live one, or when an earlier version of Kollega wrote it:
    the new one is then built beside it. With `switch` the live generation may be of another model: then this is the
    last one of `model` that is kept, or None when there is none or it is damaged.

    Raises IndexMismatch when the live generation was made with another model, IndexDamaged when it cannot be read.
    """
    if full:
        return None
    if switch:
        return _kept(index_dir, model)
    try:
        live = generations.live(index_dir)
    except IndexNotFound:
        return None
    return _checked(live, model)


def is_of_another_version(directory: Path, model: ModelCard | None = None) -> bool:
    """True when the generation has another format or analysis than this version of Kollega writes, or was made by
    another revision of the same model. False when its manifest cannot be read."""
    try:
        values = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        if (values["format"], values["analysis"]) != (generations.FORMAT, ANALYSIS_VERSION):
            return True
        return bool(model and values["model"]["name"] == model.name and values["model"]["revision"] != model.revision)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _kept(index_dir: Path, model: ModelCard) -> Path | None:
    kept = generations.newest_of(index_dir, model)
    try:
        return _checked(kept, model) if kept else None
    except IndexDamaged as error:
        log.warning("%s is not used again. %s", kept and kept.name, error)
        return None


def _checked(directory: Path, model: ModelCard) -> Path | None:
    if is_of_another_version(directory, model):
        log.info("%s was written by another version of Kollega: the index is built anew", directory.name)
        return None
    check_model(Manifest.read(directory), model)
    LocalIndex.open_generation(directory, model)  # raises when it is damaged
    return directory
