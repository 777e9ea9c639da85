"""web/chat/mrkdwn.py: Markdown in the form of Slack."""

import pytest

from web.chat.mrkdwn import mrkdwn


@pytest.mark.parametrize(
    ("markdown", "written"),
    [
        ("Open **Settings** and _then_ `a <b>`", "Open *Settings* and _then_ `a &lt;b&gt;`"),
        ("# Fix *it*\n\nNow", "*Fix _it_*\n\nNow"),
        ("See [this | page](https://example.org/a?b=1|2&c).", "See <https://example.org/a?b=1%7C2&amp;c|this ¦ page>."),
        ("[here](/local) and [x](javascript:alert)", "here and [x](javascript:alert)"),
        ("1. One\n   - deep\n2. Two\n   more", "1. One\n    • deep\n2. Two\n    more"),
        ("3. Three\n4. Four", "3. Three\n4. Four"),
        ("> one **b**\n> two", "> one *b*\n> two"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("```sh\nping <host>\n\n# no heading", "```\nping &lt;host&gt;\n\n# no heading\n```"),
        ("one\ntwo\n\n---\n\n![a picture](x.png)", "one\ntwo\n\n———\n\na picture"),
        ("<!channel> <@U1> &amp; <b>x</b>", "&lt;!channel&gt; &lt;@U1&gt; &amp; &lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_markdown_is_written_as_slack_writes_it(markdown: str, written: str) -> None:
    assert mrkdwn(markdown) == written


@pytest.mark.parametrize("text", ["", "**", "``", "- ", "[](", "> ", "| |\n|-|", "1.", "#", "[a](b", "<"])
def test_unfinished_markdown_is_no_error(text: str) -> None:
    assert isinstance(mrkdwn(text), str)
