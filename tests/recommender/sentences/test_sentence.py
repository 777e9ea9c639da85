"""sentences/: a sentence is a text like any other, and keeps its parts wherever it goes."""

import ast
import errno
import json
import pickle
import socket
from datetime import date, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, Field, ValidationError

import indexer
from recommender import errors
from recommender.errors import SourceError, wrong_value
from recommender.sentences.sentence import Sentence, Size, joined, reason_of, with_values_changed
from recommender.sentences.stored import packed, unpacked

MISSING = Sentence(
    "%(file)s has %(num)s rows of %(size)s on %(day)s.", file=Path("a%b.csv"), num=3, size=Size(12_340_000),
    day=date(2026, 11, 29),
)  # fmt: skip


def test_a_sentence_is_english_for_whoever_prints_compares_or_stores_it() -> None:
    assert MISSING == "a%b.csv has 3 rows of 12.3 MB on 2026-11-29."
    assert f"{MISSING}!" == "a%b.csv has 3 rows of 12.3 MB on 2026-11-29.!"
    assert json.dumps([MISSING]) == '["a%b.csv has 3 rows of 12.3 MB on 2026-11-29."]'
    assert Sentence("100 % of it") == "100 % of it"


def test_the_message_of_an_error_stays_a_sentence() -> None:
    said = str(SourceError(MISSING))
    assert isinstance(said, Sentence) and said.values["num"] == 3


@pytest.mark.parametrize("sentence", [
    MISSING,
    joined(["tickets.csv:7", Sentence("it is missing")], ": "),
    Sentence("%(a)s", a=Sentence("%(b)s", b=datetime(2026, 1, 31, 12, 5))),
    Sentence(""),
])  # fmt: skip
def test_a_sentence_is_whole_after_being_stored_or_sent_to_another_process(sentence: Sentence) -> None:
    stored = unpacked(json.loads(json.dumps(packed({"problems": [sentence, "old row"], "n": 1}))))
    assert stored == {"problems": [sentence, "old row"], "n": 1} and type(stored["problems"][1]) is str
    for back in (stored["problems"][0], pickle.loads(pickle.dumps(sentence))):  # noqa: S301
        assert isinstance(back, Sentence) and (back.text, dict(back.values)) == (sentence.text, dict(sentence.values))


def test_what_looks_like_a_sentence_in_somebodys_table_stays_what_it_is() -> None:
    words = {"sentence": "open", "values": "resolved", "bytes": 7}
    assert unpacked(json.loads(json.dumps(packed({"status": words})))) == {"status": words}


def test_only_the_values_of_a_sentence_are_changed_also_those_of_sentences_in_it() -> None:
    line = joined(["/srv/x.csv:2", Sentence("%(file)s is no x.csv", file="/srv/x.csv")], ": ")
    changed = with_values_changed(line, lambda text: text.replace("/srv/x.csv", "Tiketit.csv"))
    assert changed == "Tiketit.csv:2: Tiketit.csv is no x.csv" and isinstance(changed, Sentence)
    assert with_values_changed("x", str.upper) == "X"


@pytest.mark.parametrize(("error", "said"), [
    (FileNotFoundError(errno.ENOENT, "x"), "No such file or directory"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "Connection refused"),
    (TimeoutError("timed out"), "Connection timed out"),
    (socket.gaierror(socket.EAI_NONAME, "x"), "Name or service not known"),
])  # fmt: skip
def test_what_often_keeps_a_file_or_a_connection_from_being_used_is_a_sentence(error: OSError, said: str) -> None:
    assert reason_of(error) == said and isinstance(reason_of(error), Sentence)


class _Limited(BaseModel):
    name: str = Field(max_length=5)
    count: int = 0


@pytest.mark.parametrize(("values", "said"), [
    ({"name": "far too long"}, "it should have at most 5 characters"),
    ({"name": "a", "count": "many"}, "it should be a whole number"),
])  # fmt: skip
def test_what_is_wrong_with_a_value_is_a_sentence(values: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Limited.model_validate(values)
    found = wrong_value(caught.value.errors()[0])
    assert found == said and isinstance(found, Sentence)


def _plain_messages(path: Path) -> list[str]:
    """Where a module raises an error, or gives up a record, with a text that no page could translate."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        is_error = name == "ValueError" or ((name.endswith("Error") or name == "SourceBusy") and hasattr(errors, name))
        place = 0 if is_error else 3 if name in ("Located", "Exported") else None
        said = node.args[place] if place is not None and len(node.args) > place else None
        if isinstance(said, ast.JoinedStr) or (isinstance(said, ast.Constant) and said.value):
            found.append(f"{path}:{node.lineno}")
    return found


@pytest.mark.parametrize("folder", ["sources", "syncing", "jobs"])
def test_what_sources_and_jobs_say_is_a_sentence(folder: str) -> None:
    modules = sorted((Path(indexer.__file__).parent / folder).rglob("*.py"))
    assert modules and [place for module in modules for place in _plain_messages(module)] == []
