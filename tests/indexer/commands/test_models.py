"""`kollega model use` puts another model in use while the one before goes on answering, and goes back to it."""

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.access import ANYONE
from recommender.database.engine import open_database
from recommender.datatypes import DENSE_MISSING
from recommender.encoder import Encoder
from recommender.encoder.packaged import NAME
from recommender.errors import ModelError
from recommender.index import generations
from recommender.index.journal import Journal
from recommender.index.model_in_use import FollowingEncoder, loader_of_models, model_in_use
from recommender.learned import ANSWER_MODEL
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines
from tests.timing import LONG

HR = {**TEAM, "id": "hr", "name": "HR"}
OTHER = {**REQUEST, "id": "r2", "title": "Another one"}
TITLE = str(REQUEST["title"])
OLD, NEW = NAME, "new-model"


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeEncoder]:
    """The encoders by the names of their models; only these two can be loaded."""
    known = {name: FakeEncoder(name) for name in (OLD, NEW)}

    def load(settings: Settings) -> FakeEncoder:
        if (settings.model or OLD) not in known:
            raise ModelError(f"The model {settings.model} cannot be found.")
        return known[settings.model or OLD]

    for name, module in list(sys.modules.items()):
        if name.startswith("recommender.") and hasattr(module, "load_encoder"):
            monkeypatch.setattr(module, "load_encoder", load)
    monkeypatch.setattr("recommender.encoder.load.find_model", lambda settings: load(settings) and Path())
    monkeypatch.setattr("recommender.encoder.load.card_of_export", lambda *_given: None)  # that of the real model
    return known


@pytest.fixture
def loaded(
    kollega: Kollega, encoders: dict[str, FakeEncoder], write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch
) -> Kollega:
    """A home with one request, indexed by the old model; KOLLEGA_MODEL names none."""
    monkeypatch.delenv("KOLLEGA_MODEL")
    kollega("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST))
    assert kollega("reindex").exit_code == 0
    return kollega


@pytest.fixture
def own(tmp_path: Path, store_address: str) -> Settings:
    """The settings of the home that `loaded` has."""
    return Settings(home=tmp_path / "home", database=store_address)


def test_another_model_is_put_in_use_and_going_back_encodes_only_what_has_changed_since(
    loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder], write_lines: WriteLines
) -> None:
    used = loaded("model", "use", NEW)
    assert used.exit_code == 0 and f"in use: {NEW}. To go back: kollega model use {OLD}" in used.stdout
    assert model_in_use(own) == NEW and encoders[NEW].encoded
    loaded("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST, OTHER))
    for _ in range(2):  # more than the one generation before is kept
        assert loaded("reindex").exit_code == 0
        loaded("import", "jsonl", write_lines(TEAM, HR, AINO, REQUEST, OTHER | {"title": "Another title"}))
    encoders[OLD].encoded.clear()
    back = loaded("model", "use", OLD)
    assert back.exit_code == 0 and "items 2" in back.stdout and model_in_use(own) == OLD
    assert len(encoders[OLD].encoded) > 0 and not any(TITLE in text for text in encoders[OLD].encoded)
    assert loaded("verify").exit_code == 0 and loaded("status").exit_code == 0


def test_the_model_in_use_stays_when_it_is_named(loaded: Kollega, own: Settings) -> None:
    before = generations.live_name(own.index_dir)
    assert f"in use as before: {OLD}" in loaded("model", "use", OLD).stdout
    assert generations.live_name(own.index_dir) == before


def test_models_are_listed_and_those_that_are_kept_are_removed_on_demand(loaded: Kollega) -> None:
    loaded("model", "use", NEW)
    listed = json.loads(loaded("model", "list", "--json").stdout)
    assert [(each["model"], each["in_use"]) for each in listed] == [(NEW, True), (OLD, False)]
    loaded("gc", "--previous")
    assert loaded("model", "list").stdout == f"{NEW}: in use; its index is gen-000002\n"


def test_a_model_that_is_not_there_changes_nothing(loaded: Kollega, own: Settings) -> None:
    refused = loaded("model", "use", "nonsense")
    assert refused.exit_code == 1 and "The model nonsense cannot be found." in refused.stderr
    assert model_in_use(own) == OLD and generations.finished(own.index_dir) == ["gen-000001"]


def test_a_model_that_cannot_be_loaded_is_not_put_in_use_though_its_index_is_kept(
    loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded("model", "use", NEW)
    loaded("model", "use", OLD)

    def fail(_settings: Settings) -> Encoder:
        raise ModelError("Its weights are damaged.")

    monkeypatch.setattr("recommender.encoder.load.known_card", lambda _settings: encoders[NEW].card)
    monkeypatch.setattr("recommender.encoder.load.load_encoder", fail)
    monkeypatch.setattr("indexer.indexing.reindex.unrelated_cosine", lambda _encoder: None)  # small indexes need it
    refused = loaded("model", "use", NEW)
    assert refused.exit_code == 1 and "Its weights are damaged." in refused.stderr
    assert model_in_use(own) == OLD


def test_a_setting_that_names_a_model_is_not_overruled(
    loaded: Kollega, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_MODEL", OLD)
    refused = loaded("model", "use", NEW)
    assert refused.exit_code == 1 and f"KOLLEGA_MODEL is set to {OLD}" in refused.stderr
    assert model_in_use(own) == OLD


def test_what_was_learned_for_a_model_comes_back_with_it(loaded: Kollega, own: Settings) -> None:
    learned = generations.live(own.index_dir) / ANSWER_MODEL.name
    ANSWER_MODEL.save(learned.parent, ANSWER_MODEL.shipped)
    used = loaded("model", "use", NEW)
    assert "is for one model. Run: kollega calibrate" in used.stderr
    assert not (generations.live(own.index_dir) / ANSWER_MODEL.name).exists()
    loaded("model", "use", OLD)
    assert (generations.live(own.index_dir) / ANSWER_MODEL.name).exists()


def test_while_the_model_changes_every_question_is_answered(loaded: Kollega, own: Settings) -> None:
    recommender = Recommender.open(own)
    sessions = open_database(own)
    answered: list[tuple[str, int, tuple[str, ...]]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            recommender.refresh()
            with sessions() as session:
                found = recommender.recommend(TITLE, ANYONE, session)
            snapshot = recommender.snapshot
            assert snapshot.encoder is not None
            answered.append((snapshot.encoder.card.name, len(found.suggestions), found.notices))

    asking = threading.Thread(target=ask)
    asking.start()
    for model in (NEW, OLD, NEW):
        begin, now = time.monotonic(), len(answered)
        while len(answered) < now + 3 and time.monotonic() < begin + LONG:
            time.sleep(0.01)
        loaded("model", "use", model)
        recommender.refresh(wait=True)
    done.set()
    asking.join()
    sessions.kw["bind"].dispose()
    assert {(suggestions, notices) for _model, suggestions, notices in answered} == {(1, ())}
    assert {model for model, _suggestions, _notices in answered} == {OLD, NEW}


def test_watch_follows_the_model_of_the_index(loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder]) -> None:
    following = FollowingEncoder.load(own)
    assert following.get() is encoders[OLD]
    loaded("model", "use", NEW)
    assert following.get() is encoders[NEW]
    loaded("rollback")
    assert following.get() is encoders[OLD]


def test_a_server_whose_model_could_not_be_loaded_takes_the_next_one(
    loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder]
) -> None:
    old = encoders.pop(OLD)
    recommender = Recommender.open(own)
    assert recommender.notices == (DENSE_MISSING,)
    loaded("model", "use", NEW)
    recommender.refresh(wait=True)
    assert recommender.notices == () and recommender.snapshot.encoder is encoders[NEW]
    encoders[OLD] = old


def test_an_index_that_changes_while_its_model_is_loaded_is_not_answered_from_words_alone(
    loaded: Kollega, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = Recommender.open(own)
    loaded("model", "use", NEW)
    load = loader_of_models(own)
    assert load is not None

    def slow(name: str) -> Encoder:
        loaded("model", "use", OLD)  # meanwhile an admin goes back
        return load(name)

    monkeypatch.setattr(recommender._live, "_load_model", slow)
    recommender.refresh(wait=True)
    assert recommender.notices == ()
    monkeypatch.setattr(recommender._live, "_load_model", load)
    recommender.refresh(wait=True)
    snapshot = recommender.snapshot
    assert snapshot.encoder is not None and snapshot.encoder.card.name == OLD == snapshot.model
    assert recommender.notices == ()


def test_a_damaged_manifest_leaves_the_model_that_was_in_use(loaded: Kollega, own: Settings) -> None:
    loaded("model", "use", NEW)
    loaded("reindex", "--full")
    (generations.live(own.index_dir) / "manifest.json").write_text("{", encoding="utf-8")
    assert model_in_use(own) == NEW


def test_a_run_of_another_model_that_was_interrupted_is_gone_on_with(
    loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder]
) -> None:
    journal = Journal(own.index_dir, replace(encoders[NEW].card, revision="2"))
    journal.keep({"digest": np.zeros(64, np.float32)})
    journal.close()
    loaded("reindex")  # nothing has changed
    assert list(own.index_dir.glob("journal-*"))
    generations.ask_for_rewrite(own.index_dir)
    loaded("reindex")
    assert not list(own.index_dir.glob("journal-*"))  # it may have what was erased


def test_a_folder_is_named_in_full_also_when_its_vectors_are_cut(
    loaded: Kollega, own: Settings, encoders: dict[str, FakeEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gemma").mkdir()
    (tmp_path / "gemma" / "modules.json").write_text("[]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    name = f"{tmp_path}/gemma@32"
    encoders[name] = FakeEncoder(name)
    assert f"in use: {name}." in loaded("model", "use", "./gemma@32").stdout
    assert model_in_use(own) == name and loaded("verify").exit_code == 0


def test_it_is_told_how_to_go_back_also_when_an_item_could_not_be_indexed(
    loaded: Kollega, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise ValueError("too odd")

    monkeypatch.setattr("indexer.indexing.reindex.make_passages", fail)
    used = loaded("model", "use", NEW)
    assert used.exit_code == 1 and f"To go back: kollega model use {OLD}" in used.stdout
