"""The questions and passages on which the packaged model is fine-tuned, and what may not stand against each other.

Three invented organisations with judged questions (`organisations/`), titles and text of real help pages in Finnish,
Swedish and English (CC BY 4.0), and the train parts of the evaluation sets. Of the last two nothing is stored in the
project.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.evaluation.sets import EvaluationSet

PAGE_CHARACTERS = 700
"""Characters of a passage, about what the model reads of one while it learns; a judgement."""
_HELP_PAGES = "fi_libreoffice_help"
_FORUMS = ("se_quantum", "se_dba_meta", "se_matheducators")


@dataclass(frozen=True)
class Text:
    """A passage and the key of the item or page that it belongs to."""

    key: str
    text: str


@dataclass(frozen=True)
class Pair:
    """A question and its passages, of which any may be drawn, and the passages that look right but are `wrong`. The
    texts of the keys in `alike` never count as wrong for this question."""

    question: str
    passages: Sequence[Text]
    wrong: Sequence[Text] = ()
    alike: frozenset[str] = field(default_factory=frozenset)


def organisation_pairs(folder: Path) -> list[Pair]:
    """The pairs of one organisation: its judged questions with the items that answer them fully, against those that
    are outdated or stand near a near miss; and the items' own titles with their texts."""
    items = {
        f"{record['type']}:{record['id']}": record
        for record in _lines(folder / "org.jsonl")
        if record["type"] in ("request", "document")
    }
    texts = {key: list(_texts(key, item)) for key, item in items.items()}
    pairs = []
    for question in _lines(folder / "questions.jsonl"):
        grades = {found["id"]: found["grade"] for found in question["relevant"]}
        best = [text for key, grade in grades.items() if grade == 2 for text in texts[key]]
        if question["expect"] == "answer" and best:
            wrong = [text for key in question["outdated"] for text in texts[key]]
            pairs.append(Pair(question["text"], best, wrong, frozenset(grades)))
    for key, item in items.items():
        whole = [text for text in texts[key] if len(text.text) > len(item["title"]) + 40]
        if whole:
            pairs.append(Pair(item["title"], whole, (), frozenset({key})))
    return pairs


def help_title_pairs(path: Path) -> list[Pair]:
    """Titles of help pages with the text of the page, in the same language or another one."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        Pair(
            row["question"],
            [Text(f"{row['set']}:{row['page']}", _cut(row["passage"]))],
            alike=frozenset({f"{row['set']}:{row['page']}"}),
        )
        for row in rows
    ]


def set_pairs(folder: Path) -> list[Pair]:
    """The train queries of an evaluation set with what is relevant to them."""
    found = EvaluationSet.read(folder)
    answers = {
        answer["id"]: answer["body"]
        for row in found.corpus.values()
        for answer in row.get("answers") or ()
        if "id" in answer
    }
    pairs = []
    for query in found.queries:
        if (
            query.part != "train"
            or not query.relevant
            or query.protocol not in ("answer", "similar", "fi-fi", "en-en", "fi-en", "en-fi")
        ):
            continue
        texts = []
        for identifier in query.relevant:
            row = found.corpus.get(identifier)
            if row is None:
                texts.append(Text(identifier, _cut(answers[identifier])))
            else:
                page = str(row.get("pair") or identifier).partition(":")[2] or identifier
                body = row["body"] if query.protocol[2:3] == "-" else f"{row['title']}\n{row['body']}"
                texts.append(Text(page, _cut(body)))
        pairs.append(Pair(query.text, texts, alike=frozenset(text.key for text in texts)))
    return pairs


def groups(pairs: Path, sets: Path, organisations: Sequence[Path]) -> dict[str, list[list[Pair]]]:
    """The pairs by source: the file of help titles, the folder of evaluation sets, folders of organisations. The pairs
    of a batch come from one list, so that what stands against each other is alike."""
    return {
        "organisations": [organisation_pairs(folder) for folder in organisations],
        "help titles": [help_title_pairs(pairs)],
        "help pages": [set_pairs(sets / _HELP_PAGES)],
        "forums": [set_pairs(sets / name) for name in _FORUMS],
    }


def _texts(key: str, item: Mapping[str, Any]) -> Iterator[Text]:
    """The texts that stand for an item, as the index has them: a request's question and its answer, each under the
    title; the parts of a document."""
    if item["type"] == "document":
        body = item["body"]
        for start in range(0, max(1, len(body)), PAGE_CHARACTERS):
            yield Text(key, f"{item['title']}\n{body[start : start + PAGE_CHARACTERS]}")
        return
    answer = next((reply["body"] for reply in item.get("replies", ()) if reply.get("accepted")), "")
    later = [reply["body"] for reply in item.get("replies", ()) if not reply.get("accepted")]
    if answer:
        yield Text(key, f"{item['title']}\n{_cut(answer)}")
        yield Text(key, f"{item['title']}\n{item['body'][:250]}\n{_cut(answer)}")
    elif later:
        yield Text(key, f"{item['title']}\n{_cut(later[-1])}")
    yield Text(key, f"{item['title']}\n{_cut(item['body'])}")


def _cut(text: str) -> str:
    return text[:PAGE_CHARACTERS]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
