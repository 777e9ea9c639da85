"""encoder/resting.py: a model is loaded when it is needed, and given back after a while."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.checksums import SEAL
from recommender.encoder import Encoder
from recommender.encoder import load as loading
from recommender.encoder.load import load_ahead, load_encoder, load_when_needed
from recommender.encoder.openvino import card_of_export, exported_in
from recommender.encoder.packaged import NAME, folder_in
from recommender.encoder.resting import RestingEncoder
from recommender.errors import ModelError
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder


@pytest.fixture
def loads() -> list[FakeEncoder]:
    """The encoders that were loaded."""
    return []


@pytest.fixture
def resting(loads: list[FakeEncoder]) -> RestingEncoder:
    """An encoder that loads a FakeEncoder."""

    def load() -> FakeEncoder:
        loads.append(FakeEncoder())
        return loads[-1]

    return RestingEncoder(FakeEncoder().card, "fake", load)


@pytest.mark.parametrize(
    "work",
    [
        lambda encoder: encoder.encode_queries(["printer"]),
        lambda encoder: encoder.encode_passages(["printer"]),
        lambda encoder: encoder.count_tokens("printer"),
    ],
)
def test_the_model_is_loaded_when_it_is_needed_and_not_again(
    resting: RestingEncoder, loads: list[FakeEncoder], work: Callable[..., object]
) -> None:
    assert resting.card == FakeEncoder().card and loads == []
    found = work(resting)
    assert len(loads) == 1 and np.array_equal(np.asarray(found), np.asarray(work(FakeEncoder())))
    work(resting)
    assert len(loads) == 1


def test_the_model_is_given_back_when_it_was_not_needed_for_a_while(
    resting: RestingEncoder, loads: list[FakeEncoder]
) -> None:
    resting.encode_queries(["printer"])
    resting.give_back(3600.0)
    assert resting.is_loaded
    resting.give_back(0.0)
    assert not resting.is_loaded
    resting.encode_queries(["printer"])
    assert len(loads) == 2


def test_a_model_that_is_another_one_by_now_encodes_nothing() -> None:
    resting = RestingEncoder(FakeEncoder().card, "fake", lambda: FakeEncoder("another"))
    with pytest.raises(ModelError, match="The files of fake were changed"):
        resting.encode_queries(["printer"])


def test_the_files_of_a_model_are_watched_while_it_is_loaded(tmp_path: Path) -> None:
    class WithFiles(FakeEncoder):
        files = ((tmp_path, 1, 2, 3),)

    resting = RestingEncoder(FakeEncoder().card, "fake", WithFiles)
    assert resting.files == ()
    resting.encode_queries(["printer"])
    assert resting.files == WithFiles.files


@pytest.fixture
def packaged(tmp_path: Path) -> Settings:
    """The settings of a home whose packaged model was exported before."""
    (tmp_path / "models").symlink_to(MODELS, target_is_directory=True)
    own = Settings(home=tmp_path)
    if card_of_export(NAME, folder_in(own.models_dir), own.models_dir) is None:
        load_encoder(own)
    return own


@pytest.mark.parametrize("name", ["", f"{NAME}@128"])
def test_what_a_model_makes_is_known_before_it_is_loaded(packaged: Settings, name: str) -> None:
    own = replace(packaged, model=name)
    encoder = load_when_needed(own)
    assert isinstance(encoder, RestingEncoder) and not encoder.is_loaded
    real = load_encoder(own)
    assert (encoder.card, encoder.backend) == (real.card, real.backend)
    assert np.array_equal(encoder.encode_queries(["tulostin"]), real.encode_queries(["tulostin"]))


def test_more_numbers_than_a_model_has_are_refused_at_once(packaged: Settings) -> None:
    with pytest.raises(ModelError, match="makes vectors of 384 numbers; 385 is no part of them"):
        load_when_needed(replace(packaged, model=f"{NAME}@385"))


@pytest.mark.parametrize("changed", [{"backend": "torch"}, {"model": "unknown-model"}])
def test_a_model_of_which_nothing_is_known_is_loaded_at_once(
    packaged: Settings, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    fake = FakeEncoder()
    monkeypatch.setattr(loading, "load_encoder", lambda _settings: fake)
    assert load_when_needed(replace(packaged, **changed)) is fake  # type: ignore[arg-type]


def test_a_model_that_is_loaded_ahead_is_told_once_when_it_is_needed(packaged: Settings) -> None:
    told: list[Encoder] = []
    with ThreadPoolExecutor(1) as beside:
        encoder = load_ahead(packaged, beside, told.append)
        assert encoder is not None and encoder.card == load_encoder(packaged).card and told == []
        for _ in range(2):
            encoder.load()
        assert len(told) == 1 and told[0].card == encoder.card
        assert encoder.count_tokens("tulostin") == told[0].count_tokens("tulostin")


def test_a_model_that_cannot_be_loaded_ahead_says_so_where_it_is_needed(
    packaged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_settings: Settings) -> Encoder:
        raise ModelError("no model")

    monkeypatch.setattr(loading, "load_encoder", fail)
    with ThreadPoolExecutor(1) as beside:
        encoder = load_ahead(packaged, beside, lambda _encoder: None)
        assert encoder is not None
        with pytest.raises(ModelError, match="no model"):
            encoder.count_tokens("tulostin")


@pytest.mark.parametrize("changed", [{"backend": "torch"}, {"model": "unknown-model"}])
def test_a_model_of_which_nothing_is_known_is_not_loaded_ahead(packaged: Settings, changed: dict[str, str]) -> None:
    with ThreadPoolExecutor(1) as beside:
        assert load_ahead(replace(packaged, **changed), beside, lambda _encoder: None) is None  # type: ignore[arg-type]


def test_a_card_that_was_changed_says_nothing_about_the_model(packaged: Settings, tmp_path: Path) -> None:
    card = card_of_export(NAME, folder_in(packaged.models_dir), packaged.models_dir)
    assert card is not None
    exported = exported_in(packaged.models_dir, NAME, card.revision)
    copy = exported_in(tmp_path / "copied", NAME, card.revision)
    copy.mkdir(parents=True)
    for name in ("card.json", SEAL):
        (copy / name).write_bytes((exported / name).read_bytes())
    assert card_of_export(NAME, folder_in(packaged.models_dir), copy.parent) == card
    text = (copy / "card.json").read_text(encoding="utf-8")
    (copy / "card.json").write_text(text.replace("512", "511"), encoding="utf-8")
    assert card_of_export(NAME, folder_in(packaged.models_dir), copy.parent) is None
