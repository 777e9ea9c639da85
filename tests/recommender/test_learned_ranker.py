"""ranker_file.py: learned weights are kept, read again when they change, and passed over when they cannot be used."""

import json
import os
from pathlib import Path

import pytest

from recommender.encoder import ModelCard
from recommender.index import generations
from recommender.index.generations import FORMAT, Manifest
from recommender.people.ranker import SHIPPED, VERSION, Ranker
from recommender.ranker_file import RankerFile, load, remove, save


@pytest.fixture
def generation(tmp_path: Path) -> Path:
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "CURRENT").write_text("gen-000001")
    return tmp_path / "gen-000001"


def test_what_is_saved_is_loaded(generation: Path) -> None:
    save(generation, Ranker({"votes": 1.5, "lately": -0.25}, {"questions": 300}))
    found = load(generation)
    assert found.weights == {"votes": 1.5, "lately": -0.25}
    assert found.trained == {"questions": 300}


def test_the_shipped_weights_are_in_force_until_there_are_others_and_after_they_are_removed(generation: Path) -> None:
    file = RankerFile(generation.parent)
    assert file.of("gen-000001") is file.of(None) is SHIPPED
    save(generation, Ranker({"votes": 2.0}))
    assert file.of("gen-000001").weights == {"votes": 2.0}
    save(generation, Ranker({"votes": 3.0}))
    os.utime(generation / "experts.json", ns=(1, 1))
    assert file.of("gen-000001").weights == {"votes": 3.0}
    remove(generation)
    assert file.of("gen-000001") is SHIPPED


@pytest.mark.parametrize(
    "held",
    [
        "{", "[]", json.dumps({"version": VERSION + 1, "weights": {}}), json.dumps({"version": VERSION}),
        json.dumps({"version": VERSION, "weights": {"charm": 1.0}}),
        json.dumps({"version": VERSION, "weights": {"votes": "much"}}),
        json.dumps({"version": VERSION, "weights": {"votes": float("nan")}}),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_used_are_named_and_passed_over(
    generation: Path, held: str, caplog: pytest.LogCaptureFixture
) -> None:
    (generation / "experts.json").write_text(held)
    assert RankerFile(generation.parent).of("gen-000001") is SHIPPED
    assert "Run: kollega train-experts" in caplog.text


def test_learned_weights_go_along_to_the_next_generation(generation: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = ModelCard("m", "1", 64, 512)
    Manifest(FORMAT, 1, "gen-000001", "2026", model, 0, 0, 0, False, 0.0, "", "").write(generation)
    save(generation, Ranker({"votes": 2.0}))
    assert load(generations.begin(generation.parent, model)).weights == {"votes": 2.0}
    told = (generation / "manifest.json").read_text()
    (generation / "manifest.json").write_text(told.replace(f'"format": {FORMAT}', f'"format": {FORMAT - 1}'))
    assert load(generations.begin(generation.parent, model)).weights == {"votes": 2.0}
    (generation / "manifest.json").write_text("{")  # it is not known by which model
    (generation.parent / "gen-000002").mkdir(exist_ok=True)
    assert list(generations.begin(generation.parent, model).iterdir()) == []
    assert "experts.json of gen-000001 belong to another model" in caplog.text
