"""formatting.py: Markdown and marked words become HTML in which nothing runs."""

import re

import pytest

from web.formatting import marked
from web.markdown import markdown


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](vbscript:x)",
        "<a href='javascript:alert(1)'>x</a>",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_script_links_in_any_spelling_do_not_become_links(text: str) -> None:
    assert re.findall(r"<a[^>]*script:", str(markdown(text)), re.IGNORECASE) == []
    assert "<a href='" not in str(markdown(text))


def test_marks_surround_their_words_and_all_text_is_escaped() -> None:
    assert str(marked("a <b> & printer", [(2, 5), (8, 15)])) == "a <mark>&lt;b&gt;</mark> &amp; <mark>printer</mark>"
    assert str(marked("<none>", [])) == "&lt;none&gt;"


def test_line_breaks_are_kept_in_messages_only() -> None:
    assert str(markdown("one\ntwo", breaks=True)) == "<p>one<br>\ntwo</p>\n"
    assert str(markdown("one\ntwo")) == "<p>one\ntwo</p>\n"
