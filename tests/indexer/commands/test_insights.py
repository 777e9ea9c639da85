"""commands/insights.py: `kollega insights` and `kollega insights update`."""

import json
from collections.abc import Callable

import pytest

from recommender.index.local import LocalIndex
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.indexer.commands.conftest import Run


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder) -> None:
    monkeypatch.setattr("recommender.encoder.load.load_encoder", lambda _settings: encoder)


def test_topics_are_computed_and_printed_with_their_names_and_items(
    run: Run,
    fake_model: None,
    add_request: Callable[..., int],
    reindexed: Callable[..., LocalIndex],
    settings: Settings,
) -> None:
    assert run("insights").stdout == "There are no topics with figures yet. Run: kollega insights update\n"
    items = {
        subject: {f"request:{add_request(f'{subject} {subject}', subject, subject)}" for _number in range(6)}
        for subject in ("printer", "invoice")
    }
    reindexed()
    updated = run("insights", "update")
    assert updated.exit_code == 0, updated.stderr
    assert updated.stdout.startswith("topics 2, items 12, in no topic 0, new 2, ended 0, renamed 0, ")
    assert "figures of 2 topics, questions asked 12, reused 0, " in updated.stdout
    found = json.loads(run("insights", "--json").stdout)
    assert len(found["topics"]) == 2
    for topic in found["topics"]:
        (subject,) = (subject for subject, keys in items.items() if keys == set(topic["items"]))
        assert topic["names"]["en"] == subject and topic["audience"] == "everyone"
    assert {topic["names"]["fi"] for topic in found["topics"]} == {"printer", "invoice"}  # nobody here writes Finnish
    assert "Printer (everyone)" in run("insights").stdout
    assert run("insights", "update", "--again").stdout.startswith("topics 2, items 12, in no topic 0, new 0, ended 0, ")


def test_it_is_said_what_is_missing(
    run: Run, fake_model: None, add_request: Callable[..., int], reindexed: Callable[..., LocalIndex]
) -> None:
    without = run("insights", "update")
    assert without.exit_code == 1 and "kollega reindex" in without.stderr
    add_request("printer printer")
    reindexed()
    few = run("insights", "update")
    assert few.exit_code == 0 and "fewer than 5" in few.stderr and few.stdout.startswith("topics 0, ")


def test_an_index_of_another_model_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, add_request: Callable[..., int], reindexed: Callable[..., LocalIndex]
) -> None:
    add_request("printer printer")
    reindexed()
    monkeypatch.setattr("recommender.encoder.load.load_encoder", lambda _settings: FakeEncoder("other"))
    result = run("insights", "update")
    assert result.exit_code == 1 and "kollega reindex --full" in result.stderr
