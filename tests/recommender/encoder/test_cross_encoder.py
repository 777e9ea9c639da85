"""A cross-encoder by KOLLEGA_RERANKER: a tiny one of random weights that is made here, and stand-ins for its order."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recommender.access import ANYONE
from recommender.encoder import CrossEncoder
from recommender.encoder.load import load_cross_encoder
from recommender.errors import ModelError
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search.features import NAMES
from recommender.search.newer import PAIR_NAMES, PairModel
from recommender.search.question import QuestionAnalyzer
from recommender.search.rerank import RerankModel
from recommender.search.trees import Trees
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.recommender.conftest import Add, Build, add_unrelated_requests

WORDS = ("printer", "jam", "open", "the", "tray", "salary", "is", "late", "how")
LEAF = Trees.from_json(
    {"start": 1.5, "depth": 1, "feature": [[0]], "threshold": [[0.0]], "left": [[0]], "right": [[0]], "value": [[0.0]]}
)


def _save_model(folder: Path, labels: int = 1) -> Settings:
    """Save a cross-encoder of one small layer in a folder, and return the settings that name it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)), encoding="utf-8")
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=5 + len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=labels, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return Settings.from_environment({"KOLLEGA_RERANKER": str(folder), "KOLLEGA_HOME": str(folder.parent)})


def test_the_setting_loads_a_cross_encoder_that_reads_question_and_text_together(tmp_path: Path) -> None:
    settings = _save_model(tmp_path / "tiny")
    cross_encoder = load_cross_encoder(settings)
    assert cross_encoder is not None and cross_encoder.name == str(tmp_path / "tiny")
    texts = ["open the tray", "salary is late", "open the tray"]
    scores = cross_encoder.scores("printer jam", texts)
    assert (scores.shape, scores.dtype) == ((3,), np.float32)
    assert scores[0] == pytest.approx(scores[2], abs=1e-5) and abs(scores[0] - scores[1]) > 1e-4
    np.testing.assert_allclose(cross_encoder.scores("printer jam", texts[1:]), scores[1:], atol=1e-5)
    other_question = cross_encoder.scores("how is the salary", texts)
    assert abs((other_question[0] - other_question[1]) - (scores[0] - scores[1])) > 1e-4


@pytest.mark.parametrize("reranker", ["features", "none"])
def test_the_built_in_values_name_no_cross_encoder(reranker: str) -> None:
    assert load_cross_encoder(Settings(reranker=reranker)) is None


def test_a_model_that_cannot_be_loaded_says_what_to_do_and_the_recommender_opens_without_it(
    tmp_path: Path, real_settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    settings = replace(real_settings, reranker=str(tmp_path / "empty"))
    with pytest.raises(ModelError, match=r"empty cannot be loaded .*\. Set KOLLEGA_RERANKER to another one, or unset"):
        load_cross_encoder(settings)
    monkeypatch.setattr("recommender.opening.parts.load_encoder", lambda _settings: FakeEncoder())
    with caplog.at_level(logging.ERROR):
        recommender = Recommender.open(settings)
    assert "Set KOLLEGA_RERANKER" in caplog.text and recommender._cross_encoder is None


def test_a_model_with_several_numbers_for_a_text_is_refused(tmp_path: Path) -> None:
    cross_encoder = load_cross_encoder(_save_model(tmp_path / "three", labels=3))
    assert cross_encoder is not None
    with pytest.raises(ValueError, match=r"gives \(3,\) numbers for a text, not one"):
        cross_encoder.scores("printer jam", ["open the tray", "salary"])


# in the search


class Stand:
    """A cross-encoder that prefers texts with a word, and remembers what it read; or fails."""

    name = "stand-in"

    def __init__(self, word: str, error: Exception | None = None) -> None:
        self.word, self.error = word, error
        self.read: list[tuple[str, tuple[str, ...]]] = []

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.read.append((question, tuple(texts)))
        if self.error:
            raise self.error
        return np.array([float(self.word in text) for text in texts], np.float32)


Open = Callable[[CrossEncoder | None], Recommender]


@pytest.fixture
def opened(build: Build, settings: Settings, analyzer: Analyzer, encoder: FakeEncoder, add_request: Add) -> Open:
    """Opens a recommender on some items. Its own second look orders by the fused score."""
    add_unrelated_requests(add_request)
    for place in ("upstairs", "downstairs", "outside"):
        add_request(f"printer jam {place}", answer=f"open the tray {place}")
    build()

    def made(cross_encoder: CrossEncoder | None) -> Recommender:
        weights = np.array([float(name == "score") for name in NAMES])
        model = RerankModel(weights, PairModel(np.zeros(len(PAIR_NAMES)), -20.0), LEAF, LEAF)
        own = Settings(home=settings.home, model="fake", reranker="stand-in")
        live = Live(own.index_dir, Snapshot(LocalIndex.open(own.index_dir, encoder.card), encoder, ()))
        return Recommender(own, QuestionAnalyzer.load(analyzer, own), live, model, cross_encoder)

    return made


def _titles(recommender: Recommender, session: Session, typing: bool = False) -> list[str]:
    found = recommender.recommend("printer jam", ANYONE, session, typing=typing)
    return [suggestion.item.title for suggestion in found.suggestions][:3]


def test_the_cross_encoder_reads_the_first_candidates_and_changes_their_order(opened: Open, session: Session) -> None:
    usual = _titles(opened(None), session)
    for title in usual:
        stand = Stand(title)
        assert _titles(opened(stand), session)[0] == title
        ((question, texts),) = stand.read
        assert question == "printer jam" and any(title in text and "open the tray" in text for text in texts)


def test_a_cross_encoder_that_fails_leaves_the_order(
    opened: Open, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    usual = opened(None).recommend("printer jam", ANYONE, session)
    failing = Stand("", RuntimeError("out of memory"))
    found = opened(failing).recommend("printer jam", ANYONE, session)
    assert (found.suggestions, found.verdict, found.exists) == (usual.suggestions, usual.verdict, usual.exists)
    assert len(failing.read) == 1
    assert "The cross-encoder stand-in failed; the order without it stands" in caplog.text


def test_while_somebody_types_the_cross_encoder_does_not_run(opened: Open, session: Session) -> None:
    usual = _titles(opened(None), session)
    stand = Stand(usual[-1])
    recommender = opened(stand)
    assert _titles(recommender, session, typing=True) == usual and stand.read == []
    assert _titles(recommender, session)[0] == usual[-1] and len(stand.read) == 1
