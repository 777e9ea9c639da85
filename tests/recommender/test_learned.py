"""learned.py: models are saved, loaded, removed and copied to the next generation; unusable files are ignored."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from recommender.encoder import ModelCard
from recommender.index import generations
from recommender.index.generations import FORMAT, Manifest
from recommender.learned import ANSWER_MODEL, RANKER, LearnedFile
from recommender.people import ranker
from recommender.people.ranker import Ranker
from recommender.search import calibration
from recommender.search.calibration import AnswerModel

MODEL = ModelCard("m", "1", 64, 512)
FITTED = AnswerModel(-1.0, 0.5, {"questions": 300})


@pytest.fixture
def generation(tmp_path: Path) -> Path:
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "CURRENT").write_text("gen-000001")
    return tmp_path / "gen-000001"


def test_a_saved_ranker_is_loaded(generation: Path) -> None:
    RANKER.save(generation, Ranker({"votes": 1.5, "lately": -0.25}, {"questions": 300}))
    loaded = RANKER.load(generation)
    assert loaded.weights == {"votes": 1.5, "lately": -0.25}
    assert loaded.trained == {"questions": 300}


def test_the_shipped_ranker_is_used_until_another_is_saved_and_after_it_is_removed(generation: Path) -> None:
    assert RANKER.in_force(generation) is ranker.SHIPPED and RANKER.file_version(generation) is None
    RANKER.save(generation, Ranker({"votes": 2.0}))
    assert RANKER.in_force(generation).weights == {"votes": 2.0}
    first = RANKER.file_version(generation)
    RANKER.save(generation, Ranker({"votes": 3.0}))
    os.utime(generation / "experts.json", ns=(1, 1))
    assert RANKER.in_force(generation).weights == {"votes": 3.0} and RANKER.file_version(generation) != first
    RANKER.remove(generation)
    assert RANKER.in_force(generation) is ranker.SHIPPED and RANKER.file_version(generation) is None


def test_the_shipped_answer_model_is_used_until_another_is_saved_and_after_it_is_removed(generation: Path) -> None:
    assert ANSWER_MODEL.in_force(generation) is calibration.SHIPPED
    ANSWER_MODEL.save(generation, FITTED)
    assert ANSWER_MODEL.load(generation) == ANSWER_MODEL.in_force(generation) == FITTED
    ANSWER_MODEL.save(generation, AnswerModel(-2.0, 0.5))
    assert ANSWER_MODEL.in_force(generation).constant == -2.0
    ANSWER_MODEL.remove(generation)
    assert ANSWER_MODEL.in_force(generation) is calibration.SHIPPED


VERSION = ranker.VERSION


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", json.dumps({"version": VERSION + 1, "weights": {}}), json.dumps({"version": VERSION}),
        json.dumps({"version": VERSION, "weights": {"charm": 1.0}}),
        json.dumps({"version": VERSION, "weights": {"votes": "much"}}),
        json.dumps({"version": VERSION, "weights": {"votes": float("nan")}}),
        json.dumps({"version": VERSION, "weights": {"votes": 1.0}, "trained": [1]}),
    ],
)  # fmt: skip
def test_an_unusable_ranker_is_logged_and_ignored(
    generation: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (generation / "experts.json").write_text(content)
    assert RANKER.in_force(generation) is ranker.SHIPPED
    assert "experts.json of gen-000001 cannot be used" in caplog.text
    assert "Run: kollega train-experts" in caplog.text


_USABLE = {"constant": -1.0, "slope": 0.5}


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", json.dumps({"version": calibration.VERSION + 1, "weights": _USABLE}),
        json.dumps({"version": calibration.VERSION}),
        json.dumps({"version": calibration.VERSION, "weights": {**_USABLE, "charm": 1.0}}),
        json.dumps({"version": calibration.VERSION, "weights": {**_USABLE, "slope": "much"}}),
        json.dumps({"version": calibration.VERSION, "weights": {**_USABLE, "slope": float("nan")}}),
        json.dumps({"version": calibration.VERSION, "weights": {**_USABLE, "slope": -1.0}}),
        json.dumps({"version": calibration.VERSION, "weights": _USABLE, "fitted": [1]}),
        json.dumps({"version": calibration.VERSION, "weights": {"constant": -1.0, "best": 0.5, "together": 2.0}}),
        json.dumps({"version": 1, "weights": {"constant": -1.0, "best": 0.5, "together": 2.0}}),  # earlier
    ],
)  # fmt: skip
def test_an_unusable_answer_model_is_logged_and_ignored(
    generation: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (generation / "calibration.json").write_text(content)
    assert ANSWER_MODEL.in_force(generation) is calibration.SHIPPED
    assert "calibration.json of gen-000001 cannot be used" in caplog.text
    assert "Run: kollega calibrate" in caplog.text


@pytest.mark.parametrize("file", [RANKER, ANSWER_MODEL])
def test_only_an_unusable_file_is_removed(generation: Path, file: LearnedFile[Any]) -> None:
    file.remove_unusable(generation)  # a missing file is no error
    file.save(generation, file.shipped)
    file.remove_unusable(generation)
    assert file.load(generation) == file.shipped or file.load(generation).weights == file.shipped.weights
    (generation / file.name).write_text("{")
    file.remove_unusable(generation)
    assert not (generation / file.name).exists()


def test_a_learned_answer_model_is_copied_to_the_next_generation_of_the_same_model(generation: Path) -> None:
    Manifest(FORMAT, 1, "gen-000001", "2026", MODEL, 0, 0, 0, False, 0.0, "").write(generation)
    ANSWER_MODEL.save(generation, AnswerModel(-1.0, 0.5))
    assert ANSWER_MODEL.load(generations.begin(generation.parent, MODEL)) == AnswerModel(-1.0, 0.5)
    assert list(generations.begin(generation.parent, ModelCard("other", "1", 64, 512)).iterdir()) == []


def test_a_learned_ranker_is_copied_to_the_next_generation_of_the_same_model(
    generation: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Manifest(FORMAT, 1, "gen-000001", "2026", MODEL, 0, 0, 0, False, 0.0, "").write(generation)
    RANKER.save(generation, Ranker({"votes": 2.0}))
    assert RANKER.load(generations.begin(generation.parent, MODEL)).weights == {"votes": 2.0}
    manifest = (generation / "manifest.json").read_text()
    (generation / "manifest.json").write_text(manifest.replace(f'"format": {FORMAT}', f'"format": {FORMAT - 1}'))
    assert RANKER.load(generations.begin(generation.parent, MODEL)).weights == {"votes": 2.0}
    (generation / "manifest.json").write_text("{")  # without a model
    (generation.parent / "gen-000002").mkdir(exist_ok=True)
    assert list(generations.begin(generation.parent, MODEL).iterdir()) == []
    assert "experts.json of gen-000001 belong to another model" in caplog.text
