"""opening/parts.py: the index is opened while the model is loaded, and never answers with another model's vectors."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from recommender.access import ANYONE
from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH
from recommender.encoder import Encoder
from recommender.encoder.resting import RestingEncoder
from recommender.errors import ModelError
from recommender.index.local import LocalIndex
from recommender.opening import parts
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.recommender.conftest import Build, add_unrelated_requests, item_ids
from tests.timing import LONG

Load = Callable[[], Encoder]


@pytest.fixture
def opening(
    settings: Settings,
    build: Build,
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Load], Settings]:
    """The settings of a home with an index. The vectors of its model are known before that is loaded, with `load`."""
    add_unrelated_requests(add_request)
    add_request("printer jam")
    build()
    (settings.home / "models").symlink_to(MODELS, target_is_directory=True)

    def prepared(load: Load) -> Settings:
        monkeypatch.setattr(parts, "known_card", lambda _settings: encoder.card)
        monkeypatch.setattr(parts, "load_when_needed", lambda _settings: RestingEncoder(encoder.card, "fake", load))
        monkeypatch.setattr(parts, "load_encoder", lambda _settings: load())
        return settings

    return prepared


def test_the_index_is_opened_while_the_model_is_loaded(
    opening: Callable[[Load], Settings], encoder: FakeEncoder, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()
    open_generation = LocalIndex.open_generation

    def noted(*given: object) -> LocalIndex:
        found = open_generation(*given)  # type: ignore[arg-type]
        opened.set()
        return found

    def load() -> Encoder:
        assert opened.wait(LONG)
        return encoder

    monkeypatch.setattr(LocalIndex, "open_generation", noted)
    recommender = Recommender.open(opening(load))
    assert recommender.snapshot.encoder is encoder and recommender.notices == ()
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == () and result.suggestions[0].item.title == "printer jam"


def test_a_model_that_cannot_be_loaded_is_a_notice(
    opening: Callable[[Load], Settings], session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> Encoder:
        raise ModelError("It is gone.")

    recommender = Recommender.open(opening(load))
    assert recommender.snapshot.encoder is None and "It is gone." in caplog.text
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,) and len(item_ids(result.suggestions)) == 1


def test_a_model_that_makes_other_vectors_than_was_expected_is_not_used(
    opening: Callable[[Load], Settings], encoder: FakeEncoder
) -> None:
    other = FakeEncoder()
    other.card = replace(encoder.card, revision="another")
    recommender = Recommender.open(opening(lambda: other))
    assert recommender.notices == (INDEX_MISMATCH,)


def test_another_model_that_was_put_in_use_meanwhile_stays(
    opening: Callable[[Load], Settings], encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use = FakeEncoder()
    monkeypatch.setattr("recommender.live.encoder_of_live", lambda *_given: in_use)
    assert Recommender.open(opening(lambda: encoder)).snapshot.encoder is in_use
