"""texts/html.py: texts as people read them, and code as it was written."""

import time

import pytest

from indexer.texts.html import decoded, elements, plain


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&quot;K&auml;ytt&ouml;oikeudet&quot; puuttuvat", '"Käyttöoikeudet" puuttuvat'),
        ("&#228;&#xE4;&nbsp;x &unknown; AT&T R&D; a&lt b", "ää x &unknown; AT&T R&D; a&lt b"),
        ("https://x.example/?a=1&copy=2&lang=fi", "https://x.example/?a=1&copy=2&lang=fi"),
        ("&amp;lt; once", "&lt; once"),
        ("if a &lt; b then", "if a < b then"),
        ("write `a &lt; b` or &lt;", "write `a &lt; b` or <"),
        ("```html\n<b>a &lt; b</b>\n```\n&auml;", "```html\n<b>a &lt; b</b>\n```\nä"),
        ("Code:\n\n    <p>a &lt; b</p>\n\n<p>&auml;</p>", "Code:\n\n    <p>a &lt; b</p>\n\nä\n"),
        ("The <b> tag and <service> and mail <a@b.example>", "The <b> tag and <service> and mail <a@b.example>"),
        ("Hei,<br>tulostin <b>ei</b> toimi<br/>T. Aino", "Hei,\ntulostin ei toimi\nT. Aino"),
        ("line one\nline <i>two</i>", "line one\nline two"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<configuration><add key='x'/></configuration>", "<configuration><add key='x'/></configuration>"),
    ],
)
def test_tags_and_entities_are_read_and_code_stays(written: str, read: str) -> None:
    assert plain(written) == read


def test_html_becomes_markdown_with_lists_tables_links_code_and_pictures() -> None:
    html = (
        "<h2>K&auml;ytt&ouml;</h2><p>Avaa <a href='https://x.example/'>sivu</a> &amp; kirjaudu.</p><ul><li>yksi</li>"
        "<li>kaksi</li></ul><table><tr><td>Maa</td><td>Raha</td></tr><tr><td>Viro</td><td>60</td></tr></table>"
        '<pre><code>if a &lt; b:</code></pre><img alt="kuva" src="data:image/png;base64,AAAA">'
    )
    read = plain(html)
    for part in (
        "## Käyttö", "Avaa [sivu](https://x.example/) & kirjaudu.", "- yksi\n- kaksi", "| Maa | Raha |",
        "| Viro | 60 |", "```\nif a < b:\n```", "![kuva](data:image/png;base64,AAAA)",
    ):  # fmt: skip
        assert part in read
    assert "<" not in read.replace("a < b", "")


def test_html_within_markdown_loses_its_tags_and_the_markdown_stays() -> None:
    written = (
        "# Ohje\n\n| Vaihe | Teko |\n|---|---|\n| 1 | Lataa<br/>asennus |\n\n<details><summary>Lisää</summary>\n\n"
        "Aja <code>a &lt; b</code>&nbsp;ja &lt;palvelu&gt;.\n\n<pre>\nx &lt; y\n</pre>\n</details>\n"
    )
    read = plain(written, markdown=True)
    assert "| 1 | Lataa asennus |" in read and "Aja `a < b` ja &lt;palvelu&gt;." in read
    assert "```\nx < y\n```" in read and "details" not in read and "summary" not in read


def test_a_picture_in_a_text_keeps_its_address() -> None:
    assert plain('see <img src="data:image/png;base64,AA" alt="jam"> here') == (
        "see ![jam](data:image/png;base64,AA) here"
    )


def test_a_script_is_no_text_and_deep_nesting_is_no_problem() -> None:
    assert plain("<p>a</p><style>p {x: y}</style><script>let a = 1 < 2</script> b") == "a\n b"
    assert "deep" in plain("<div>" * 5000 + "deep" + "</div>" * 5000)


def test_only_elements_count_as_html() -> None:
    assert elements("<p>a</p> <b> <BR> <service></service>") == {"p", "br"}
    assert decoded("&auml; &lt;b&gt; &amp;", keep="<>&") == "ä &lt;b&gt; &amp;"


def test_lines_may_end_as_on_windows() -> None:
    written = "&auml;\r\n```\r\n&auml;\r\n```\r\n&auml;<br>x\r\n\r\n    &auml; <br>\r\n\r\n&auml;\r\n"
    assert plain(written) == "ä\r\n```\r\n&auml;\r\n```\r\nä\nx\r\n\r\n    &auml; <br>\r\n\r\nä\r\n"


@pytest.mark.parametrize("part", ["<!--", "<script>", "<pre>", "<code>", "`a ", "<p ", "&auml", "```\n", "<b>"])
def test_a_long_broken_text_takes_no_time(part: str) -> None:
    started = time.thread_time()
    plain("x " + part * (300_000 // len(part)) + "</b> & <")
    assert time.thread_time() - started < 5
