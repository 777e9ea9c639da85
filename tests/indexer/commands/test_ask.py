"""commands/ask.py: a recommendation as text for a terminal and as JSON."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.ask import answer, as_text
from recommender.database.tables import Person, Team
from recommender.datatypes import (
    Contribution,
    Evidence,
    Expert,
    Heading,
    Item,
    Kind,
    Passage,
    Recommendation,
    Role,
    Suggestion,
    Verdict,
    Why,
)
from recommender.errors import IndexNotFound, KollegaError
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines

DAY = datetime(2026, 1, 2, 10)
ITEM = Item(
    "request:17", Kind.REQUEST, "Printer stuck", "", "", "en", "it", frozenset({"everyone"}), DAY,
    contributions=(Contribution(1, 1.0, DAY),),
)  # fmt: skip
PASSAGE = Passage("request:17", Role.ANSWER, 1, "Printer stuck", "Open the back.\nPull the paper.", "en")
SUGGESTION = Suggestion(ITEM, PASSAGE, 0.456, PASSAGE.text, ((9, 13), (24, 29)), Why(("paper", "back"), 0.5))
AINO_EXPERT = Expert(1, "aino", "Aino", ("it",), ("fi",), None, 1, 0, 0, 0, DAY, (Evidence(ITEM, 0.9, DAY),))


def test_a_recommendation_is_printed_in_a_few_lines_with_matching_words_in_brackets() -> None:
    assert as_text(Recommendation("q", "en", Verdict.ANSWER, (SUGGESTION,), (AINO_EXPERT,)), 0).splitlines() == [
        "Found",
        "",
        "1. Printer stuck",
        "   it, request, en, 2026-01-02, request:17 - match 0.46",
        "   | Open the [back].",
        "   | Pull the [paper].",
        "   why: the same words: paper, back",
        "",
        "Colleagues who can help:",
        "- Aino (it): similar requests answered: 1, last 2026-01-02, e.g. 'Printer stuck'",
    ]


def test_a_colleague_who_is_away_or_without_a_team_is_described_so() -> None:
    away = Expert(2, "m", "Matti", (), (), date(2026, 5, 1), 1, 0, 0, 0, DAY, (Evidence(ITEM, 0.9, DAY),))
    line = as_text(Recommendation("q", "en", Verdict.MAYBE, (), (away,)), 0).splitlines()[-1]
    assert line.startswith("- Matti (no team, away until 2026-05-01): similar requests answered: 1")


@pytest.mark.parametrize(
    ("verdict", "notices", "lines"),
    [
        (Verdict.UNKNOWN, (), ["Nothing found yet"]),
        (Verdict.MAYBE, (), ["Possibly related"]),
        (
            Verdict.UNKNOWN,
            ("dense_missing",),
            [
                "The model or its vectors cannot be used, so keyword search alone answers. Run: kollega status",
                "Nothing found yet",
            ],
        ),
        (
            Verdict.UNKNOWN,
            ("index_mismatch",),
            [
                "The index is of another model, so keyword search alone answers. Run: kollega reindex --full",
                "Nothing found yet",
            ],
        ),
    ],
)
def test_verdict_and_notices_come_first(verdict: Verdict, notices: tuple[str, ...], lines: list[str]) -> None:
    assert as_text(Recommendation("q", "en", verdict, notices=notices), 0).splitlines() == lines


def test_what_the_page_says_of_a_suggestion_is_printed_below_its_title() -> None:
    newer = Heading("document:4", Kind.DOCUMENT, "Printers", "en", None)
    old = replace(ITEM, at=datetime(2020, 5, 1))
    suggestions = (
        replace(SUGGESTION, asked=12, last_at=datetime(2026, 5, 4), newer=newer),
        replace(SUGGESTION, item=old, other_language=replace(newer, language="fi", title="Tulostimet")),
    )
    lines = as_text(Recommendation("q", "en", Verdict.MAYBE, suggestions, missing=("807", "E-52")), 18).splitlines()
    assert lines[:2] == ["Possibly related", "None of these mentions 807 or E-52."]
    assert lines[5:7] == [
        "   asked 12 times, last on 2026-05-04",
        "   there is a newer answer: Printers (document:4)",
    ]
    second = lines.index("2. Printer stuck")
    assert lines[second + 2 : second + 4] == [
        "   older than 18 months: check that it is still right",
        "   also in fi: Tulostimet (document:4)",
    ]
    alone = as_text(Recommendation("q", "en", Verdict.MAYBE, suggestions[:1], missing=("807",)), 0).splitlines()
    assert alone[1] == "This does not mention 807." and not any("older than" in line for line in alone)


def test_a_vague_question_is_answered_with_a_question() -> None:
    text = as_text(Recommendation("apua", "fi", Verdict.UNKNOWN, vague=True), 18)
    assert text == "Tell a little more: which program, device or matter is it about? What does it say or do?"


@pytest.fixture
def indexed(
    settings: Settings,
    open_recommender: Callable[[], Recommender],
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One request for everyone, one for HR; the model is the fake one."""
    add_request("Printer on floor two is stuck", "", "Open the back cover", by="aino", team="it")
    add_request("Salary table of the board", "", "Ask the board", by="helena", team="hr", audience=["team:hr"])
    (settings.home / "models").symlink_to(MODELS, target_is_directory=True)
    monkeypatch.setattr("recommender.opening.parts.load_encoder", lambda _settings: encoder)
    open_recommender()


def test_without_a_person_only_what_everyone_may_read_is_searched(
    settings: Settings, sessions: sessionmaker[Session], indexed: None
) -> None:
    with sessions.begin() as session:
        session.add(Person(handle="boss", name="Boss", teams=[session.query(Team).filter_by(handle="hr").one()]))
    question = "Salary table of the board"
    assert "Salary" not in answer(settings, question, None, 3, False)
    assert "Salary" not in answer(settings, question, "aino", 3, False)
    assert "1. Salary table of the board" in answer(settings, question, "boss", 3, False)


def test_json_contains_the_same_answer_as_the_text(settings: Settings, indexed: None) -> None:
    values = json.loads(answer(settings, "Printer on floor two is stuck", None, 3, True))
    assert (values["verdict"], [s["title"] for s in values["suggestions"]]) == (
        "answer",
        ["Printer on floor two is stuck"],
    )
    assert [expert["handle"] for expert in values["experts"]] == ["aino"]


def test_an_unknown_person_and_a_missing_index_are_reported_in_one_sentence_each(
    settings: Settings, indexed: None
) -> None:
    with pytest.raises(KollegaError, match=r"^There is no person 'nobody'\. Their handle is the id they were imported"):
        answer(settings, "printer", "nobody", 3, False)
    (settings.index_dir / "CURRENT").unlink()
    with pytest.raises(IndexNotFound, match="Run: kollega reindex"):
        answer(settings, "printer", None, 3, False)


def test_ask_answers_as_text_and_as_json(kollega: Kollega, write_lines: WriteLines) -> None:
    without_index = kollega("ask", "printer")
    assert without_index.exit_code == 1 and "There is no index yet. Run: kollega reindex" in without_index.stderr
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    text = kollega("ask", "Printer on floor two is stuck")
    assert text.exit_code == 0
    assert (
        "1. Printer on floor two is stuck\n" in text.stdout
        and "- Aino (it): similar requests answered: 1" in text.stdout
    )
    values = json.loads(kollega("ask", "Printer on floor two is stuck", "--json").stdout)
    assert values["suggestions"][0]["item"] == "request:1"
    unknown_person = kollega("ask", "printer", "--as", "nobody")
    assert unknown_person.exit_code == 1 and "There is no person 'nobody'." in unknown_person.stderr
    assert kollega("ask", "printer", "-n", "0").exit_code == 2
