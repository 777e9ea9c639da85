"""The parts that answer questions: words, model and index. They are loaded at the same time: much of it is work of
libraries, for which Python's lock is not needed."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from sqlalchemy.orm import Session, sessionmaker

from recommender.encoder import CrossEncoder, Encoder
from recommender.encoder.load import known_card, load_cross_encoder, load_encoder, load_when_needed
from recommender.errors import ModelError
from recommender.index.model_in_use import with_model_in_use
from recommender.index.register import Register
from recommender.knowledge.vocabulary import StoredSynonyms
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings

log = logging.getLogger(__name__)
Model = TypeVar("Model")


class Parts(NamedTuple):
    """What answers questions; no cross-encoder when the settings name none, or it cannot be loaded."""

    questions: QuestionAnalyzer
    live: Live
    cross_encoder: CrossEncoder | None


def open_parts(settings: Settings, register: Register, sessions: sessionmaker[Session] | None = None) -> Parts:
    """Load all of it; `sessions` as in `StoredSynonyms`. What is missing or damaged becomes a notice, as in
    `Live.load`. Raises SettingsError for an address of Milvus that cannot be one."""
    model_settings = with_model_in_use(settings)
    with ThreadPoolExecutor() as beside:
        encoder = beside.submit(_loaded, load_encoder, model_settings)
        live = beside.submit(_open_live, settings, model_settings, register, encoder)
        analyzer = Analyzer(settings.models_dir / "dictionaries")
        questions = QuestionAnalyzer.load(analyzer, settings, StoredSynonyms(settings, analyzer, sessions))
        return Parts(questions, live.result(), _loaded(load_cross_encoder, settings))


def _open_live(
    settings: Settings, model_settings: Settings, register: Register, loading: Future[Encoder | None]
) -> Live:
    """The live generation. It is opened while its model is being loaded, if it is known which vectors that makes; when
    the model then makes others, or cannot be loaded, it is opened again."""
    card = known_card(model_settings)
    if card is None:
        return Live.open(settings, loading.result(), register)
    expected = load_when_needed(model_settings)
    live = Live.open(settings, expected, register)
    encoder = loading.result()
    if encoder is None or encoder.card != card:
        return Live.open(settings, encoder, register)
    if live.snapshot.encoder is expected:  # and not that of another model, which has been put in use meanwhile
        live.encode_with(encoder)
    return live


def _loaded(load: Callable[[Settings], Model | None], settings: Settings) -> Model | None:
    try:
        return load(settings)
    except ModelError as error:
        log.error("%s", error)
        return None
