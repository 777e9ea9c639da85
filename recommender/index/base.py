"""Which generation a new one is started from: the live one, another one of the same model, or none."""

import logging
from pathlib import Path

from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexNotFound
from recommender.index import generations
from recommender.index.generation_files import check_model
from recommender.index.generations import LEXICAL, Manifest
from recommender.index.keyword_entries import is_of_this_version
from recommender.language.analyzer import ANALYSIS_VERSION

log = logging.getLogger(__name__)


def find_base(index_dir: Path, model: ModelCard, full: bool, switch: bool, engine: str) -> Path | None:
    """The live generation; None with `full`, when there is no live one, or when an earlier version of Kollega or
    another engine wrote it: the new one is then built beside it. With `switch` the live generation may be of another
    model: then this is the last one of `model` that is kept, or None when there is none.

    Raises IndexMismatch when the live generation was made with another model, IndexDamaged when its manifest cannot be
    read.
    """
    if full:
        return None
    try:
        base = generations.newest_of(index_dir, model) if switch else generations.live(index_dir)
    except IndexNotFound:
        return None
    if base is None:
        return None
    if is_of_another_version(base, model):
        log.info("%s was written by another version of Kollega: the index is built anew", base.name)
        return None
    try:
        manifest = Manifest.read(base)
    except IndexDamaged:
        if not switch:
            raise
        return None
    if manifest.engine != engine:
        log.info("%s is not of the index %r of the settings: the index is built anew", base.name, engine)
        return None
    check_model(manifest, model)
    return base


def is_of_another_version(directory: Path, model: ModelCard | None = None) -> bool:
    """True when the generation has another format or analysis than this version of Kollega writes, or was made by
    another revision of the same model. False when its manifest cannot be read."""
    values = generations.values_of(directory)
    try:
        if (values["format"], values["analysis"]) != (generations.FORMAT, ANALYSIS_VERSION):
            return True
        return bool(model and values["model"]["name"] == model.name and values["model"]["revision"] != model.revision)
    except (TypeError, KeyError):
        return False


def has_other_keywords(directory: Path, manifest: Manifest) -> bool:
    """True when the generation has a keyword index of another version, so that the next run writes it anew, from the
    vectors that are there. Raises IndexDamaged when that cannot be read."""
    try:
        return manifest.engine == generations.ENGINE and not is_of_this_version(directory / LEXICAL)
    except (OSError, ValueError, LookupError) as error:
        raise IndexDamaged(f"The keyword index cannot be read ({error}). Run: kollega reindex --full") from error
