"""Sources that are asked: JSON that is none of the system is told in a sentence, and nothing is taken for deleted."""

from typing import Any

import pytest

from indexer.sources.kinds import KINDS
from indexer.sources.records import Located
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, Reply, serving


class Other:
    """A system that answers everything with the same JSON."""

    def __init__(self, value: Any) -> None:
        self.desk, self.address, self.value = Desk(), "", value

    def allows(self, headers: dict[str, str]) -> bool:
        return True

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        return Reply(self.value)


@pytest.mark.parametrize("value", [{}, [], "text", 7, None, {"results": 1, "items": {}, "query": [], "topic_list": []}])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("confluence", {}),
        ("confluence", {"v2": True}),
        ("mediawiki", {}),
        ("discourse", {}),
        ("stackexchange-api", {}),
    ],
)
def test_an_answer_that_is_none_of_the_system_is_told(
    kind: str, options: dict[str, Any], value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_WIKI_TOKEN", TOKEN)
    with serving(Other(value)) as server:
        made = KINDS[kind].options().model_validate({"place": server.url, **options})
        with pytest.raises(SourceError, match=r"Check the address|Give the address"):
            list(KINDS[kind].open("wiki", made).read())


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "type": "page", "body": {"storage": {"value": "<p>x</p>"}}},
        {"id": "1", "type": "page", "title": "T", "body": {"storage": {"value": "<p>x</p>"}}, "version": {"when": "x"}},
        {"id": "1", "type": "page", "title": ["T"], "body": {"storage": {"value": "<p>x</p>"}}, "version": []},
        {"id": None, "type": "page", "title": "T", "body": {"storage": {"value": "<p>x</p>"}}, "ancestors": "x"},
    ],
)
def test_a_page_with_other_fields_than_documented_is_one_problem(row: dict[str, Any]) -> None:
    from indexer.sources.confluence.fields import located

    found = list(located(row, "wiki", "UTC", None, frozenset(), "https://wiki.example", set()))
    assert [isinstance(each, Located) and each.record is None and bool(each.problem) for each in found] == [True]
