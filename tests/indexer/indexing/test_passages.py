"""indexing/passages.py: how items are cut into passages. A token is a word here, so lengths can be computed by hand."""

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.indexing.passages import Section, make_passages, sections
from recommender.datatypes import Item, Kind, Passage, Role


def _words(text: str) -> int:
    return len(text.split())


def _without_opening(item: Item, count_tokens: Callable[[str], int], max_tokens: int) -> list[Passage]:
    """The passages without the opening, which is the last."""
    *passages, opening = make_passages(item, count_tokens, max_tokens)
    assert opening.role is Role.OPENING and opening.position == len(passages)
    return passages


def _item(title: str = "T", body: str = "", answer: str = "", kind: Kind = Kind.REQUEST) -> Item:
    at = datetime(2026, 1, 1)
    return Item(f"{kind}:1", kind, title, body, answer, "en", None, frozenset({"everyone"}), at)


def test_a_request_is_its_question_and_its_answer_with_the_title_as_context() -> None:
    assert _without_opening(_item("Printer stuck", " It jams. ", "Open the back."), _words, 64) == [
        Passage("request:1", Role.QUESTION, 0, "Printer stuck", "It jams.", "en"),
        Passage("request:1", Role.ANSWER, 1, "Printer stuck", "Open the back.", "en"),
    ]


@pytest.mark.parametrize(("kind", "role"), [(Kind.REQUEST, Role.QUESTION), (Kind.DOCUMENT, Role.SECTION)])
def test_an_item_without_text_is_found_by_its_title(kind: Kind, role: Role) -> None:
    assert _without_opening(_item("Printer stuck", " \n", kind=kind), _words, 64) == [
        Passage(f"{kind}:1", role, 0, "", "Printer stuck", "en")
    ]
    assert _without_opening(_item("", kind=kind), _words, 64)[0].text == "-"


def test_a_long_answer_is_cut_at_sentences_into_what_the_model_can_read() -> None:
    answer = "one two three four. " * 20
    passages = _without_opening(_item("Printer stuck", "", answer), _words, 50)
    # 50 less two words of the title and a reserve of eight leaves 40 words, which are ten sentences
    assert [_words(passage.text) for passage in passages] == [40, 40]
    assert all(passage.text.endswith("four.") for passage in passages)
    assert [passage.position for passage in passages] == [0, 1]
    assert " ".join(passage.text for passage in passages).split() == answer.split()


def test_a_title_that_would_fill_the_passage_leaves_room_for_the_text() -> None:
    passages = _without_opening(_item("w " * 400, "", "one two three four. " * 16), _words, 64)
    assert all(0 < _words(passage.context) <= 32 for passage in passages)
    assert all(_words(f"{passage.context} {passage.text}") <= 64 for passage in passages)
    assert sum(_words(passage.text) for passage in passages) == 64


def test_text_in_html_blocks_is_kept() -> None:
    markdown = "<details>\n<summary>Paper</summary>\nUse the <b>upper</b> tray.\n</details>\n\nThe end."
    (section,) = sections("G", markdown)
    assert " ".join(section.text.split()) == "Paper Use the upper tray. The end."


def test_a_document_is_cut_at_its_headings_and_each_section_has_its_path_as_context() -> None:
    markdown = (
        "Before.\n\n# Guide\nFirst\nline.\n\n## Paper\n- upper *tray*\n- lower `tray`\n\n### A3\nAsk **IT**.\n\n"
        "## Ink\n\n1. open\n2. close\n\n```sh\nlpstat -t\n```\n\n## Empty\n\n## Table\n\n|a|b|\n|-|-|\n|1|2|\n"
    )
    assert list(sections("Guide", markdown)) == [
        Section("Guide", "Before."),
        Section("Guide", "First line."),
        Section("Guide › Paper", "• upper tray\n• lower tray"),
        Section("Guide › Paper › A3", "Ask IT."),
        Section("Guide › Ink", "• open\n• close\nlpstat -t"),
        Section("Guide › Table", "a: 1; b: 2"),
    ]


def test_a_row_of_a_table_is_one_line_with_the_headings_of_its_columns() -> None:
    markdown = (
        "| Country | **Per diem** | |\n|---|---|---|\n| Estonia | 60 €<br>from May | note |\n"
        "| Latvia | | x |\n\nThe end.\n\n"
        "| only | headings |\n|---|---|\n\n| | Mon: |\n|---|---|\n| Library | 9&ndash;17 |\n"
    )
    assert list(sections("G", markdown)) == [
        Section(
            "G",
            "Country: Estonia; Per diem: 60 € from May; note\nCountry: Latvia; x\nThe end.\nonly; headings\n"
            "Library; Mon: 9–17",
        )
    ]


def test_each_row_of_a_long_table_has_its_headings_in_every_passage() -> None:
    table = "| Country | Per diem |\n|---|---|\n" + "".join(f"| Land{n} | {n} euros |\n" for n in range(30))
    passages = _without_opening(_item("Guide", table, kind=Kind.DOCUMENT), _words, 50)
    assert len(passages) > 3
    lines = [line for passage in passages for line in passage.text.splitlines()]
    assert lines == [f"Country: Land{n}; Per diem: {n} euros" for n in range(30)]


def test_tags_are_not_text_but_words_in_angle_brackets_are() -> None:
    markdown = (
        "Press <kbd>Ctrl</kbd>, run `a <b>` for <service>.<br/>The <b> tag is bold.\n\n<!-- hidden -->\n\n"
        "<details>\n<summary>More</summary>\nFor <user>.\n</details>\n"
    )
    (section,) = sections("G", markdown)
    words = " ".join(section.text.split())
    assert words == "Press Ctrl, run a <b> for <service>. The <b> tag is bold. More For <user>."


def test_fields_before_a_document_are_neither_heading_nor_text_but_text_between_two_rules_is() -> None:
    assert list(sections("G", "---\ntitle: G\ntags:\n  - vpn\n---\n# VPN\nAsk.")) == [Section("G › VPN", "Ask.")]
    assert list(sections("G", "---\r\ntitle: G\r\n---\r\nAsk.")) == [Section("G", "Ask.")]
    assert list(sections("G", "---\n\nRead this.\n\n---\nAsk.")) == [Section("G", "Read this.\nAsk.")]


_PICTURE = "data:image/png;base64," + "iVBORw0KGgo/+" * 300


@pytest.mark.parametrize(
    "pasted",
    [
        f"![a jam]({_PICTURE})",
        f'![a jam]({_PICTURE} "photo")',
        f'a jam <img width="3" src="{_PICTURE}">',
        f"a jam {_PICTURE}",
        f"a jam\n{'A' * 5}bC3{'z' * 1000}",
        "a jam\n" + "\n".join(["QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"] * 6 + ["Zg==\n"]),
        f"a jam {'=' * 400}",
    ],
)
@pytest.mark.parametrize("kind", list(Kind))
def test_files_in_a_text_and_unbroken_runs_never_become_passages(pasted: str, kind: Kind) -> None:
    told: list[str] = []
    item = _item("Printer", f"See this: {pasted} and help.", "", kind)
    passages = make_passages(item, _words, 64, 200, told.append)
    assert [" ".join(passage.text.split()) for passage in passages] == ["See this: a jam and help."] * 2
    assert len(told) == 1 and "were left out" in told[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"error":"ECONNREFUSED","host":"db01","path":"/var/lib/app","code":111,"stack":"connect"},' * 5,
        "https://example.org/search?q=printer&sort=newest&page=2&from=2026-01-01&until=2026-02-01&team=it&" * 3,
        "印刷机卡纸了请打开后盖取出纸张" * 30,
        "The data: address is 1, 2, 3",
    ],
)
def test_long_lines_that_have_words_stay(text: str) -> None:
    told: list[str] = []
    passages = make_passages(_item("T", text), lambda words: len(words) // 4, 5000, 200, told.append)
    assert passages[0].text == text.strip() and told == []


def test_an_item_of_nothing_but_a_file_has_its_title_or_else_a_dash() -> None:
    assert [passage.text for passage in make_passages(_item("Photo", _PICTURE), _words, 64)] == ["Photo", "Photo"]
    assert [passage.text for passage in make_passages(_item("x" * 500, _PICTURE), _words, 64)] == ["-", "-"]


@pytest.mark.parametrize(
    ("question", "answer", "roles"),
    [(400, 1, (9, 1)), (400, 400, (5, 5)), (2, 400, (1, 9)), (40, 40, (1, 1))],
)
def test_a_long_log_in_the_question_leaves_room_for_the_answer(
    question: int, answer: int, roles: tuple[int, ...]
) -> None:
    told: list[str] = []
    item = _item("T", "one two three four. " * question, "five six seven eight. " * answer)
    passages = make_passages(item, _words, 100, 10, told.append)[:-1]
    assert (len(passages) <= 10, bool(told)) == (True, sum(roles) == 10)
    found = [passage.role for passage in passages]
    assert (found.count(Role.QUESTION), found.count(Role.ANSWER)) == roles or sum(roles) < 10
    assert [passage.position for passage in passages] == list(range(len(passages)))


def test_of_a_long_document_the_first_passages_are_taken_and_the_rest_is_told() -> None:
    told: list[str] = []
    body = "\n\n".join(f"## Part {n}\nText {n}." for n in range(30))
    passages = make_passages(_item("Guide", body, kind=Kind.DOCUMENT), _words, 64, 20, told.append)
    assert [passage.text for passage in passages[:-1]] == [f"Text {n}." for n in range(20)]
    assert told == ["only 20 of 30 passages are indexed (KOLLEGA_MAX_PASSAGES)"]


def test_a_code_block_that_looks_like_a_heading_is_text() -> None:
    assert list(sections("G", "## Run\n```\n# not a heading\n```")) == [Section("G › Run", "# not a heading")]


def test_the_words_of_links_and_images_are_kept() -> None:
    result = list(sections("G", "See [the guide](https://x.example/) and ![a red light](i.png)."))
    assert result == [Section("G", "See the guide and a red light.")]


def test_a_documents_sections_are_passages_in_order() -> None:
    passages = _without_opening(_item("Guide", "## One\nA.\n\n## Two\nB.", kind=Kind.DOCUMENT), _words, 64)
    assert [(p.role, p.position, p.context, p.text) for p in passages] == [
        (Role.SECTION, 0, "Guide › One", "A."),
        (Role.SECTION, 1, "Guide › Two", "B."),
    ]


_RANDOM_TEXT = st.text(st.sampled_from("ab .\n#-*`|é\u00a0"), max_size=400)


@given(title=_RANDOM_TEXT, body=_RANDOM_TEXT, answer=_RANDOM_TEXT, kind=st.sampled_from(Kind))
def test_no_passage_is_empty_or_longer_than_the_model_reads(title: str, body: str, answer: str, kind: Kind) -> None:
    passages = make_passages(_item(title, body, answer, kind), _words, 64)
    assert passages and [passage.position for passage in passages] == list(range(len(passages)))
    for passage in passages:
        assert passage.text
        assert _words(passage.text) <= max(32, 64 - 8 - _words(passage.context))


@given(body=_RANDOM_TEXT, answer=_RANDOM_TEXT)
def test_no_word_of_a_request_is_lost(body: str, answer: str) -> None:
    passages = _without_opening(_item("T", body, answer), _words, 40)
    if body.strip() or answer.strip():
        assert "".join("".join(p.text.split()) for p in passages) == "".join((body + answer).split())


@pytest.mark.parametrize(
    ("item", "context", "text"),
    [
        (_item("Printer stuck", " It\njams. ", "Open the back."), "Printer stuck", "It jams."),
        (_item("Printer stuck", "w " * 50, "Open the back."), "Printer stuck", " ".join(["w"] * 30)),
        (_item("Printer stuck", "", "Open the back."), "", "Printer stuck"),
        (_item("Guide", "## One\nA.\n\n## Two\nB.", kind=Kind.DOCUMENT), "Guide › One", "A."),
        (_item("Guide", "", kind=Kind.DOCUMENT), "", "Guide"),
        (_item("", "It jams.", "Open."), "", "It jams."),
        (_item(""), "", "-"),
    ],
)
def test_the_opening_is_the_title_with_the_first_thirty_words(item: Item, context: str, text: str) -> None:
    opening = make_passages(item, _words, 64)[-1]
    assert (opening.role, opening.context, opening.text, opening.language) == (Role.OPENING, context, text, "en")


def test_the_model_can_read_an_opening_whole() -> None:
    opening = make_passages(_item("w " * 400, "one two three four. " * 16), _words, 64)[-1]
    # the title is shortened by a quarter each time until it has at most half of 64 words
    assert opening.context.split() == ["w"] * 26
    assert _words(opening.text) == 30
