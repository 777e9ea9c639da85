"""Which embedding model is in use: the one that KOLLEGA_MODEL names, else the one that made the live index, else the
packaged one. So all processes follow when `kollega model use` or `kollega rollback` puts another index in use."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from recommender.encoder import Encoder, warm_up
from recommender.encoder import load as loading
from recommender.encoder.packaged import NAME
from recommender.encoder.resting import RestingEncoder
from recommender.errors import IndexMismatch, ModelError
from recommender.index import generations
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

LoadModel = Callable[[str], Encoder]
"""Loads a model by its name."""


def model_in_use(settings: Settings) -> str:
    """The name or folder of the model in use."""
    return settings.model or _model_of_index(settings) or NAME


def with_model_in_use(settings: Settings) -> Settings:
    """The same settings, with the name of the model in use."""
    return replace(settings, model=model_in_use(settings))


def folder_of(model: str) -> Path | None:
    """The folder that a model's name says, without what cuts its vectors (`FOLDER@256`); None when it says none."""
    path = Path(loading.name_and_dimension(model)[0])
    return path if path.is_absolute() or (path / "modules.json").is_file() else None


def loader_of_models(settings: Settings) -> LoadModel | None:
    """What loads another model by its name when an index of that model is put in use; None when the settings name a
    model."""
    return None if settings.model else lambda name: loading.load_encoder(replace(settings, model=name))


def encoder_of_live(index_dir: Path, encoder: Encoder | None, load_model: LoadModel | None) -> Encoder | None:
    """The encoder for the live generation: another one when that is of another model. Raises ModelError when it cannot
    be loaded."""
    name = generations.live_name(index_dir)
    model = generations.model_name_of(index_dir / name) if name else None
    if load_model is None or model in (None, encoder and encoder.card.name):
        return encoder
    loaded = load_model(model)
    warm_up(loaded)
    return loaded


class Encoders(Protocol):
    """Gives the encoder to use, as FollowingEncoder does."""

    def get(self) -> Encoder:
        """The encoder to use now. Raises IndexMismatch when the model in use cannot be loaded."""

    def give_back(self, seconds: float) -> None:
        """Free the memory of the model, unless it was needed in the last `seconds`."""


class FollowingEncoder:
    """Gives the encoder of the model in use, and another one when the index in use is of another model; each loads its
    model when it is needed, if it can. Without an index, or when KOLLEGA_MODEL names a model, it is always `encoder`.
    Safe for many threads."""

    def __init__(self, settings: Settings, encoder: Encoder) -> None:
        self._settings = settings
        self._encoder = encoder
        self._follows = not settings.model
        self._loading = threading.Lock()

    @classmethod
    def load(cls, settings: Settings) -> "FollowingEncoder":
        """Begin with the model in use. Raises ModelError when it cannot be loaded, unless that is done later."""
        return cls(settings, loading.load_when_needed(with_model_in_use(settings)))

    def get(self) -> Encoder:
        """The encoder to use now. Raises IndexMismatch when another model is in use and cannot be loaded."""
        with self._loading:
            name = _model_of_index(self._settings) if self._follows else None
            if name is not None and name != self._encoder.card.name:
                try:
                    self._encoder = loading.load_when_needed(replace(self._settings, model=name))
                except ModelError as error:
                    raise IndexMismatch(
                        Sentence(
                            "The index in use was made with %(name)s, which cannot be loaded here. %(reason)s",
                            name=name,
                            reason=error,
                        )
                    ) from error
            return self._encoder

    def give_back(self, seconds: float) -> None:
        """Free the memory of the model, unless it was needed in the last `seconds` or would not be loaded again."""
        with self._loading:
            encoder = self._encoder
        if isinstance(encoder, RestingEncoder):
            encoder.give_back(seconds)


def _model_of_index(settings: Settings) -> str | None:
    """The name of the model that made the live generation; where that cannot be read, the newest one that can be."""
    names = (generations.live_name(settings.index_dir), *reversed(generations.finished(settings.index_dir)))
    models = (generations.model_name_of(settings.index_dir / name) for name in names if name)
    return next((model for model in models if model), None)
