"""insights/gaps/finding.py: each kind of gap, and what is no gap."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from recommender.datatypes import Item, Kind
from recommender.insights.gaps.finding import FoundGap, TopicMaterial, contradictions, find
from recommender.insights.gaps.gap import GapKind
from recommender.insights.gaps.half_life import Ageing
from recommender.insights.risk.answerability import AskedAgain

NOW = datetime(2026, 11, 1)
UNKNOWN = Ageing(10, 0, None)
TEN = "The limit for remote work is 10 working days in a year."
TWENTY = "The limit for remote work is 20 working days in a year."


def item(key: str, answer: str = "Open the tray.", days: int = 100, language: str = "en", **more: Any) -> Item:
    kind = Kind(key.partition(":")[0])
    text: dict[str, Any] = {"body": answer, "answer": ""} if kind is Kind.DOCUMENT else {"body": "", "answer": answer}
    audience, at = frozenset({"everyone"}), NOW - timedelta(days=days)
    made = Item(key=key, kind=kind, title=key, language=language, team="it", audience=audience, at=at, **text)
    return replace(made, **more)


def topic(items: list[Item], asked: Mapping[str, Mapping[str, float]], **more: Any) -> TopicMaterial:
    pieces = {each.key: each for each in items}
    made = TopicMaterial(
        frozenset(pieces),
        [AskedAgain(question, found) for question, found in asked.items()],
        pieces,
        {key: each.at for key, each in pieces.items() if each.kind is Kind.REQUEST},
        {key: frozenset({each.language}) for key, each in pieces.items() if each.kind is Kind.DOCUMENT},
        frozenset(),
        [],
        NOW,
    )
    return replace(made, **more)


def found(material: TopicMaterial, kind: GapKind, ageing: Ageing = UNKNOWN) -> list[FoundGap]:
    return [gap for gap in find(material, contradictions(material), ageing) if gap.kind is kind]


def test_two_answers_to_the_same_question_that_differ_contradict() -> None:
    old, new = item("request:1", TEN, 400), item("document:2", TWENTY, 10)
    (gap,) = found(topic([old, new], {"request:1": {"document:2": 0.8}}), GapKind.CONTRADICTION)
    assert gap.items == ("document:2", "request:1")
    assert (gap.said["newer"], gap.said["older"], gap.said["unit"]) == ("20 working days", "10 working days", "day")
    assert gap.said["older_sentence"] == TEN


def test_answers_to_other_questions_or_that_are_settled_do_not_contradict() -> None:
    old, new = item("request:1", TEN, 400), item("document:2", TWENTY, 10)
    unlikely = {"request:1": {"document:2": 0.29}}
    assert found(topic([old, new], unlikely), GapKind.CONTRADICTION) == []
    replaced = replace(old, replaced_by="document:2")
    assert found(topic([replaced, new], {"request:1": {"document:2": 0.8}}), GapKind.CONTRADICTION) == []


def test_a_question_asked_three_times_without_a_verified_document_is_repeated() -> None:
    requests = [item(f"request:{n}", days=10 * n) for n in (1, 2, 3)]
    asked = {"request:1": {"request:2": 0.9, "request:3": 0.6}, "request:2": {"request:1": 0.9}}
    (gap,) = found(topic(requests, asked), GapKind.REPEATED)
    assert gap.items == ("request:1", "request:2", "request:3")
    assert gap.counts == {"requests": 3, "unverified": 0}
    guide = item("document:4")
    with_guide = {"request:1": {**asked["request:1"], "document:4": 0.3}}
    (gap,) = found(topic([*requests, guide], with_guide), GapKind.REPEATED)
    assert gap.items[-1] == "document:4" and gap.counts["unverified"] == 1
    verified = replace(guide, verified_on=date(2026, 10, 1))
    assert found(topic([*requests, verified], with_guide), GapKind.REPEATED) == []
    long_ago = [replace(each, at=each.at - timedelta(days=900)) for each in requests]
    assert found(topic(long_ago, asked), GapKind.REPEATED) == []


def test_a_document_that_only_answers_in_another_language_is_a_gap_from_two_questions_on() -> None:
    requests = [item(f"request:{n}", days=n, language="fi") for n in (1, 2)]
    guide = item("document:4")
    asked = {request.key: {"document:4": 0.7} for request in requests}
    (gap,) = found(topic([*requests, guide], asked), GapKind.ONE_LANGUAGE)
    assert gap.items == ("document:4", "request:1", "request:2") and gap.said == {"language": "fi"}
    translated = topic([*requests, guide], asked, languages={"document:4": frozenset({"en", "fi"})})
    assert found(translated, GapKind.ONE_LANGUAGE) == []
    other = item("document:5", language="fi")
    both = {key: {**match, "document:5": 0.3} for key, match in asked.items()}
    assert found(topic([*requests, guide, other], both), GapKind.ONE_LANGUAGE) == []
    assert found(topic([*requests[:1], guide], asked), GapKind.ONE_LANGUAGE) == []


def test_a_document_that_no_question_finds_and_nobody_opened_is_unseen() -> None:
    requests = [item(f"request:{n}") for n in range(1, 6)]
    guide, asked = item("document:7"), {each.key: {"request:9": 0.9} for each in requests}
    (gap,) = found(topic([*requests, guide], asked), GapKind.UNSEEN)
    assert gap.items == ("document:7",) and gap.counts == {"questions": 5}
    assert found(topic([*requests, guide], asked, seen=frozenset({"document:7"})), GapKind.UNSEEN) == []
    assert found(topic([*requests, replace(guide, at=NOW)], asked), GapKind.UNSEEN) == []
    few = dict(list(asked.items())[:4])
    assert found(topic([*requests, guide], few), GapKind.UNSEEN) == []


def test_a_document_beside_which_an_answer_was_replaced_later_is_out_of_date() -> None:
    request, guide = item("request:1", days=900), item("document:2", days=200)
    asked = {"request:1": {"document:2": 0.9}}
    later = [("request:1", NOW - timedelta(days=20))]
    (gap,) = found(topic([request, guide], asked, changes=later), GapKind.CHANGED)
    assert gap.items == ("document:2", "request:1") and gap.counts == {"changes": 1}
    earlier = [("request:1", NOW - timedelta(days=300))]
    assert found(topic([request, guide], asked, changes=earlier), GapKind.CHANGED) == []
    assert found(topic([request, guide], {"request:1": {}}, changes=later), GapKind.CHANGED) == []


def test_a_document_that_is_older_than_the_half_life_is_out_of_date() -> None:
    guide = item("document:2", days=200)
    (gap,) = found(topic([guide], {}), GapKind.CHANGED, Ageing(10, 6, 150.4))
    assert gap.counts == {"days": 200, "half_life_days": 150}
    assert found(topic([guide], {}), GapKind.CHANGED, Ageing(10, 6, 250.0)) == []


def test_a_topic_without_anything_has_no_gaps() -> None:
    empty = topic([], {})
    assert list(find(empty, contradictions(empty), UNKNOWN)) == []
    gone = topic([], {"request:1": {"document:2": 0.9}, "request:3": {}})
    assert list(find(gone, contradictions(gone), UNKNOWN)) == []
