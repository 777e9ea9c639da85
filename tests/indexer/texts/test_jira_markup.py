"""texts/jira_markup.py: wiki markup as Markdown; code stays as it is, and no text takes long."""

import time

import pytest

from indexer.texts.jira_markup import from_jira_markup


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("h3. Steps\nfirst", "### Steps\n\nfirst"),
        ("*bold* and _slanted_ and +under+ and ~low~ and ^high^", "bold and slanted and under and low and high"),
        ("snake_case_name, 2*3*4, C++ and D++, ~/.ssh/config", "snake_case_name, 2*3*4, C++ and D++, ~/.ssh/config"),
        ("{*}in{*}side and {color:red}red{color}", "inside and red"),
        ("-gone- but a-b-c and ls -l -a", "~~gone~~ but a-b-c and ls -l -a"),
        ("run {{ls *.txt}} now", "run `ls *.txt` now"),
        ("before\n{code:java|title=Main.java}\nint *a*;\n{code}\nafter",
         "before\nMain.java\n```java\nint *a*;\n```\nafter"),
        ("{code}x{code}", "```\nx\n```"),
        ("{noformat}\n{quote} [a|b]\n{noformat}", "```\n{quote} [a|b]\n```"),
        ("{code}\nnever closed", "never closed"),
        ("{quote}\none\n\ntwo\n{quote}\nanswer", "> one\n>\n> two\n\nanswer"),
        ("bq. said", "> said"),
        ("{panel:title=Mind|borderStyle=solid}\nthe *gap*\n{panel}", "> Mind\n>\n> the gap"),
        ("{panel}{quote}in{quote} out{panel}", "> > in\n>\n> out"),
        ("[the guide|https://x.example/a(1)]", "[the guide](<https://x.example/a(1)>)"),
        ("[https://x.example/a_b_c]", "https://x.example/a_b_c"),
        ("[mail us|mailto:help@x.example] or [mailto:help@x.example]",
         "[mail us](mailto:help@x.example) or help@x.example"),
        ("[~aino] and [~accountid:712020:ab-1]", "@Aino V and @712020:ab-1"),
        ("[^log.txt] and !screen shot.png|thumbnail! and !https://x.example/i.png!",
         "log.txt and screen shot.png and ![](https://x.example/i.png)"),
        ("no! really! [INFO] started [x]", "no! really! [INFO] started [x]"),
        ("[Other page|Some Page]", "Other page"),
        (r"C:\temp\new and \\server\share and \*kept\* and a \\ b",
         "C:\\temp\\new and \\\\server\\share and *kept* and a\nb"),
        ("a&nbsp;b &auml;", "a b ä"),
        ("a\n----\nb", "a\n\n---\n\nb"),
        ("{toc}\n{unknown:x}text{unknown}", "{unknown:x}text{unknown}"),
    ],
)  # fmt: skip
def test_markup_becomes_markdown(markup: str, markdown: str) -> None:
    assert from_jira_markup(markup, {"aino": "Aino V"}) == markdown


def test_lists_keep_their_depth_and_count_on_after_code() -> None:
    markup = "# one\n{code}\nls\n{code}\n# two\n#* below\n## numbered\nstill two\n\n* new\n** deeper\n- dash"
    assert from_jira_markup(markup) == (
        "1. one\n   ```\n   ls\n   ```\n"
        "2. two\n   - below\n   1. numbered\n      still two\n\n- new\n  - deeper\n- dash"
    )


def test_a_table_keeps_its_rows_and_bars_in_code_and_links_part_no_cells() -> None:
    markup = (
        "||Name||Value||\n|a|{{x|y}}|\n|two\nlines|[link|https://x.example]|\n|{code}q|r{code}|!i.png|width=1!|\nend"
    )
    assert from_jira_markup(markup) == (
        "| Name | Value |\n| --- | --- |\n| a | `x\\|y` |\n| two lines | [link](https://x.example) |\n"
        "| `q\\|r` | i.png |\n\nend"
    )


@pytest.mark.parametrize(
    "part",
    ["[", "*a", "{quote}", "{panel:", "{panel:title=x}", "|", "!a", "{{", "_a ", "-a", "??a", "{code}", "* a\n", "\\",
     "!a.bc|", "{quote}{panel}", "|a\n", "||", "\0"],
)  # fmt: skip
def test_no_text_takes_long(part: str) -> None:
    started = time.process_time()
    from_jira_markup(part * (60_000 // len(part)))
    assert time.process_time() - started < 5
