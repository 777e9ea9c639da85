"""answer_model_file.py: a calibration of one's own is kept, read again when it changes, passed over when not usable."""

import json
import os
from pathlib import Path

import pytest

from recommender.answer_model_file import AnswerModelFile, load, remove, save
from recommender.encoder import ModelCard
from recommender.index import generations
from recommender.index.generations import FORMAT, Manifest
from recommender.search.calibration import SHIPPED, VERSION, AnswerModel


@pytest.fixture
def generation(tmp_path: Path) -> Path:
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "CURRENT").write_text("gen-000001")
    return tmp_path / "gen-000001"


def test_the_shipped_one_is_in_force_until_there_is_another_and_after_it_is_removed(generation: Path) -> None:
    file = AnswerModelFile(generation.parent)
    assert file.of("gen-000001") is file.of(None) is SHIPPED
    save(generation, AnswerModel(-1.0, 0.5, 2.0, {"questions": 300}))
    assert load(generation) == file.of("gen-000001") == AnswerModel(-1.0, 0.5, 2.0, {"questions": 300})
    save(generation, AnswerModel(-2.0, 0.5, 2.0))
    os.utime(generation / "calibration.json", ns=(1, 1))
    assert file.of("gen-000001").constant == -2.0
    remove(generation)
    assert file.of("gen-000001") is SHIPPED


_USABLE = {"constant": -1.0, "best": 0.5, "together": 2.0}


@pytest.mark.parametrize(
    "held",
    [
        "{", "[]", json.dumps({"version": VERSION + 1, "weights": _USABLE}), json.dumps({"version": VERSION}),
        json.dumps({"version": VERSION, "weights": {**_USABLE, "charm": 1.0}}),
        json.dumps({"version": VERSION, "weights": {**_USABLE, "best": "much"}}),
        json.dumps({"version": VERSION, "weights": {**_USABLE, "best": float("nan")}}),
        json.dumps({"version": VERSION, "weights": {**_USABLE, "together": -1.0}}),
        json.dumps({"version": VERSION, "weights": _USABLE, "fitted": [1]}),
    ],
)  # fmt: skip
def test_one_that_cannot_be_used_is_named_and_passed_over(
    generation: Path, held: str, caplog: pytest.LogCaptureFixture
) -> None:
    (generation / "calibration.json").write_text(held)
    assert AnswerModelFile(generation.parent).of("gen-000001") is SHIPPED
    assert "Run: kollega calibrate" in caplog.text


def test_it_goes_along_to_the_next_generation(generation: Path) -> None:
    model = ModelCard("m", "1", 64, 512)
    Manifest(FORMAT, 1, "gen-000001", "2026", model, 0, 0, 0, False, 0.0, "", "").write(generation)
    save(generation, AnswerModel(-1.0, 0.5, 2.0))
    assert load(generations.begin(generation.parent, model)) == AnswerModel(-1.0, 0.5, 2.0)
    assert list(generations.begin(generation.parent, ModelCard("other", "1", 64, 512)).iterdir()) == []
