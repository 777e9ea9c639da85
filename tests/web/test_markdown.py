"""markdown.py: no text takes long to render, however it is made, and none is rendered twice."""

import gc
import time
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from web.formatting import markdown_of_page
from web.markdown import MOST_ON_A_PAGE, markdown

LONGEST = 100_000  # characters of a text that can be sent
LIMIT = 1.0  # seconds of the processor; measured 0.4, and most texts take less than 0.1


@pytest.fixture(autouse=True)
def no_other_objects_are_collected() -> Iterator[None]:
    """As `kollega serve` does: otherwise the garbage collector looks through all that earlier tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


PIECES = (
    "![", "[", "[a](", "*", "**a", "_", "_a ", "`", "``a`", "<", "</", "<a ", "<!--", "&", "&a;", ">", "> ", "|", "a|",
    "(", ")", "- ", "* ", "1. ", "\\", "~", "#", "# ", "- a\n", "> a\n", "  - ", "[a]: b\n", "[a]\n", "a\n\n", "\t",
    "|a|b|\n|-|-|\n", "![a](b)", "[[", "](", "*_", "***", "<http://a>", "http://a ", "![]([", "[x][", "`a", "\n",
    "a*b*", "*a", "[`", "![`", "|a\n", "a\r", "\u2028", "[a](b \"",
    "- - - - - - a\n", "1. 1) 1. 1) 1. a\n", "+ - + - + - a\n", "- - a\n", "> - > - a\n", ">- >- a\n", "-\n", "- - -\n",
    "://", "http://", "http://a.b/(", "https://a.b/x ", "a@", "a@b.c ", "a.", "mailto:", "-a@b.c", "http://a]", "@a.",
)  # fmt: skip


def _seconds(text: str) -> float:
    """Seconds of the processor; tried again where it took long, since other programs slow the processor down."""
    seconds = LIMIT
    for _ in range(3):
        start = time.thread_time()
        markdown(text)
        seconds = min(seconds, time.thread_time() - start)
        if seconds < LIMIT:
            break
    return seconds


@pytest.mark.parametrize("filler", ["", "x", "x ", "x\n\n"])
def test_no_repeated_piece_takes_long(filler: str) -> None:
    for piece in PIECES:
        for times in (2, 40, 1_200, 2_400, 4_900, LONGEST):
            text = piece * min(times, LONGEST // len(piece))
            text += filler * ((LONGEST - len(text)) // max(1, len(filler)))
            assert _seconds(text) < LIMIT, (piece, times, filler)


@pytest.mark.parametrize("columns", [2, 50, 1_000, 20_000])
def test_no_table_takes_long_or_grows_without_bound(columns: int) -> None:
    text = ("|" + "a|" * columns + "\n|" + "-|" * columns + "\n" + "|x\n" * 4_900)[:LONGEST]
    start = time.thread_time()
    assert len(markdown(text)) < 20 * LONGEST
    assert time.thread_time() - start < LIMIT


def test_fifty_thousand_begun_images_are_shown_as_they_are() -> None:
    shown = markdown("![" * 50_000)
    assert shown == f'<pre class="plain">{"![" * 50_000}</pre>'
    assert markdown("<script>" * 5_000).startswith('<pre class="plain">&lt;script&gt;')


def test_a_long_guide_is_still_rendered() -> None:
    guide = "# Guide\n\n" + "".join(
        f"## Step {n}\n\nPress **{n}**, see [that](/documents/{n}).\n\n- one\n- two\n\n" for n in range(300)
    )
    table = "|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 500
    assert markdown(guide).count("<h2>") == 301
    assert markdown(f"{guide}\n\n{table}").count("<tr>") == 501


def test_markers_of_nested_lists_count_as_signs() -> None:
    assert markdown("- - - - - - a\n" * 4_990).startswith('<pre class="plain">')
    assert markdown("- - - - - - a\n" * 400).count("<li>") == 2_400
    assert markdown("10-20 - 1.5 - a-b\n" * 2_000).startswith("<p>")  # dashes of prose


def test_a_page_of_many_slow_texts_takes_a_bounded_time(open_client: Callable[[], FlaskClient]) -> None:
    app = open_client().application
    texts = [f"{n}\n\n" + "- - - - - - a\n" * 800 for n in range(40)]
    with app.test_request_context("/"):
        start = time.process_time()
        shown = [markdown_of_page(text) for text in texts]
        assert time.process_time() - start < LIMIT * MOST_ON_A_PAGE
        rendered = [page.startswith("<p>") for page in shown]
        assert rendered == [True] * 2 + [False] * 38  # each is 0.96 for its signs and 0.16 for its lines
        assert markdown_of_page("a *short* reply below") == "<p>a <em>short</em> reply below</p>\n"


def test_a_text_is_rendered_once() -> None:
    markdown.cache_clear()
    first = markdown("*again*")
    assert markdown("*again*") is first and markdown.cache_info().hits == 1
