"""The index, the model and what was learned: whether they are there, whole, and up to date with the database."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from recommender import learned
from recommender.checksums import SEAL, problem_of
from recommender.encoder import Encoder
from recommender.encoder.load import load_encoder, name_and_dimension
from recommender.encoder.packaged import MINILM, NAME, folder_in
from recommender.errors import IndexDamaged, IndexUnavailable, KeywordsUnopened
from recommender.index import generations
from recommender.index.base import has_other_keywords
from recommender.index.engines import Engine
from recommender.index.generations import Manifest
from recommender.index.model_in_use import model_in_use, with_model_in_use
from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer
from recommender.language.synonyms import SynonymsFile
from recommender.monitoring import freshness
from recommender.monitoring.checks.finding import Finding, fine, problem, warning
from recommender.sentences.sentence import Value
from recommender.settings import Settings

_QUESTION = "Miten vaihdan salasanani?"
_EXPECTED = {
    f"{NAME} 8e3250e47611 384": (0.1207, -0.0896, -0.0929, -0.0731, 0.0520, -0.0716, 0.0152, -0.0094),
}
"""The first numbers of the vector of the question, by the key of the model's card; OpenVINO and PyTorch agreed in
them to 0.00004."""
_NEAR = 0.02
_BEHIND = 60.0  # minutes: a judgement


def index(settings: Settings, engine: Engine, deep: bool) -> Iterator[Finding]:
    """The live generation; with `deep`, all of its files are read and compared with their checksums and each other."""
    name = generations.live_name(settings.index_dir)
    if name is None or not (settings.index_dir / name).is_dir():
        yield problem("index", "index_missing")
        return
    try:
        manifest = Manifest.read(settings.index_dir / name)
        counts = {"items": manifest.items, "passages": manifest.passages}
        yield fine("index", "index", generation=name, day=_day(manifest.created_at), **counts)
        if settings.model not in ("", manifest.model.name):
            yield problem("index", "model_other")
        if manifest.analysis != ANALYSIS_VERSION:
            yield problem("index", "index_of_other_version")
            return
        if has_other_keywords(settings.index_dir / name, manifest):
            yield problem("index", "index_keywords_of_earlier_version")
            return
        if deep:
            manifest.check_files(settings.index_dir / name)
            whole = not any(engine.problems(settings.index_dir / name))
            yield fine("index", "index_whole") if whole else problem("index", "index_damaged")
    except IndexUnavailable:
        yield problem("index", "index_away")
    except KeywordsUnopened:
        yield problem("index", "index_unopened")
    except (IndexDamaged, RuntimeError, OSError):  # RuntimeError: of FAISS
        yield problem("index", "index_damaged")


def _day(written: str) -> date | str:
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return written[:10]


def agreement(settings: Settings, session: Session) -> Iterator[Finding]:
    """How far the index is behind the database."""
    if generations.live_name(settings.index_dir) is None:
        return
    lag = freshness.lag(session, settings.index_dir)
    if lag is None:
        yield warning("index", "index_unknown")
    elif not lag.waiting:
        yield fine("index", "index_current")
    else:
        minutes = lag.age.total_seconds() / 60
        values = {"waiting": lag.waiting, "minutes": round(minutes)}
        yield (
            warning("index", "index_behind", **values) if minutes > _BEHIND else fine("index", "index_waits", **values)
        )


def model(settings: Settings, encoder: Encoder | None = None) -> Iterator[Finding]:
    """Whether the model can be run and gives the vector that it should; `encoder` is one that is loaded already. A
    model whose files are missing is not made again here."""
    if encoder is None:
        if any(map(problem_of, sealed(settings))):
            yield problem("model", "model_damaged")
            return
        try:
            encoder = load_encoder(with_model_in_use(settings))
        except Exception as error:  # of many libraries
            yield problem("model", "model_missing", error=type(error).__name__)
            return
    card = encoder.card
    vector = encoder.encode_queries([_QUESTION])[0]
    values: dict[str, Value] = {"model": _shown(card.name), "dimension": card.dimension, "backend": encoder.backend}
    expected = _EXPECTED.get(card.key)
    is_right = vector.shape == (card.dimension,) and bool(np.isclose(np.linalg.norm(vector), 1.0, atol=0.01))
    if is_right and expected is not None:
        is_right = bool(np.allclose(vector[: len(expected)], expected, atol=_NEAR))
    if not is_right:
        yield problem("model", "model_wrong")
    else:
        yield fine("model", "model_unchecked" if expected is None else "model", **values)


def words(settings: Settings) -> Iterator[Finding]:
    """The organisation's synonyms."""
    file = SynonymsFile(settings.synonyms_path, Analyzer(settings.models_dir / "dictionaries"))
    rules = len(file.synonyms.rules)
    if file.problem:
        number = file.problem.partition(": line ")[2].partition(" ")[0]
        yield problem("synonyms", "synonyms_wrong", line=number if number.isdecimal() else "?")
    else:
        yield fine("synonyms", "synonyms", rules=rules)


def learned_models(settings: Settings) -> Iterator[Finding]:
    """What was learned for the live generation."""
    name = generations.live_name(settings.index_dir)
    if name is None:
        return
    directory = settings.index_dir / name
    files = (learned.ANSWER_MODEL, learned.RANKER)
    if not all(file.usable(directory) for file in files):
        yield warning("learned", "learned_wrong")
    elif any(file.file_version(directory) for file in files):
        yield fine("learned", "learned")
    else:
        yield fine("learned", "learned_none")


def sealed(settings: Settings) -> Iterator[Path]:
    """The folders that have to be whole: those of the model and the dictionaries, if they were made here."""
    folders = [settings.models_dir / "dictionaries"]
    if name_and_dimension(model_in_use(settings))[0] == NAME:
        folders.append(folder_in(settings.models_dir))
    yield from dict.fromkeys([*folders, *(seal.parent for seal in sorted(settings.models_dir.glob(f"*/{SEAL}")))])


def _shown(name: str) -> str:
    """The name of a model, unless it may be that of a folder."""
    return name if name_and_dimension(name)[0] in (NAME, MINILM) else "a model of your own"
