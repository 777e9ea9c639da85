"""errors.py: what pydantic says of a wrong value, in plain words, wherever a person can meet it."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from indexer.sources.kinds import KINDS
from indexer.sources.records import Record, first_problem
from recommender.errors import wrong_value
from web.api import schemas

VALUES = ([3], {"a": 1}, 3, 0.5, "", "x" * 100_000, "?", None, True, -(10**12), 10**12, [], ["?"] * 600)
"""Values one of which every field refuses."""
ENGLISH_OF_PYDANTIC = ("Input", "valid ", "Field required", "pattern", "String", "Extra inputs", "unable to parse")


def _models() -> list[type[BaseModel]]:
    sent = [
        each
        for each in vars(schemas).values()
        if isinstance(each, type) and issubclass(each, schemas.Sent) and each.model_fields
    ]
    return [*get_args(Record), *(kind.options() for kind in KINDS.values()), *sent]


@pytest.mark.parametrize("model", _models(), ids=lambda model: model.__name__)
def test_no_field_that_people_fill_in_answers_a_wrong_value_in_the_words_of_pydantic(model: type[BaseModel]) -> None:
    told = set()
    for name, field in model.model_fields.items():
        for value in VALUES:
            try:
                model.model_validate({field.alias or name: value})
            except ValidationError as error:
                told |= {wrong_value(detail) for detail in error.errors(include_url=False)}
    assert told
    assert [words for words in told if any(part in words for part in ENGLISH_OF_PYDANTIC)] == []


@pytest.mark.parametrize(
    ("wanted", "value", "words"),
    [
        (tuple[str, ...], "a", 'it should be a list, such as ["a", "b"]'),
        (dict[str, str], "a", 'it should be names with values: in JSON {"name": "value"}, in TOML {name = "value"}'),
        (int, "many", "it should be a whole number"),
        (bool, "perhaps", "it should be true or false"),
        (str, 3, "it should be a text in quotes"),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_expected(wanted: Any, value: object, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(wanted).validate_python(value)
    assert first_problem(caught.value) == words
