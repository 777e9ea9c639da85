"""texts/wikitext.py: pages of MediaWiki as Markdown; no text takes long."""

import time

import pytest

from indexer.texts.wikitext import from_wikitext, redirect_of


@pytest.mark.parametrize(
    ("wikitext", "markdown"),
    [
        ("== VPN ==\n'''Bold''' and ''slanted''", "## VPN\n\nBold and slanted"),
        ("{{Stub}}\n__TOC__\n=== A ===\ntext<!-- hidden -->", "### A\n\ntext"),
        ("see [[Other page|the page]], [[Some_page]] and [[:Luokka:X]]", "see the page, Some page and Luokka:X"),
        ("[[Luokka:Ohjeet]][[Category:Guides]]text", "text"),
        ("[[Tiedosto:a.png|thumb|200px|The error]] [[File:b.png]]", "The error b.png"),
        ("[https://x.example/a the guide] or https://y.example", "[the guide](https://x.example/a) or https://y.example"),
        ("so<ref name='a'>Board, 3 March</ref> it is<ref name='a'/>", "so (Board, 3 March) it is"),
        ("* one\n** two\n**: more\n* three", "- one\n  - two\n    more\n- three"),
        ("# one\n## a\n# two\n* x", "1. one\n   1. a\n2. two\n- x"),
        ("; VPN : a tunnel\n: indented", "VPN: a tunnel\nindented"),
        ("a\n\n ls *\n  cd\n\nb", "a\n\n```\nls *\n cd\n```\n\nb"),
        ('<syntaxhighlight lang="bash">\n# no list\n* [[no link]]\n</syntaxhighlight>',
         "```bash\n# no list\n* [[no link]]\n```"),
        ("<pre>&lt;b&gt; ''x''</pre> and <code>a|b</code>", "```\n<b> ''x''\n```\n\nand `a|b`"),
        ("<nowiki>[[not a link]]</nowiki>", "[[not a link]]"),
        ("a<br/>b&nbsp;&auml;\n----\nc", "a\nb ä\n\n---\n\nc"),
        ("{{Note|Mind the gap}}", "Mind the gap"),
        ("{{Server|name=db1|ip=10.0.0.1|empty=}}", "- name: db1\n- ip: 10.0.0.1"),
        ("{{#if:x|y}}{{{1|default}}}", "default"),
        ("<s>old</s> <blockquote>said</blockquote>", "~~old~~\n\n> said"),
        ("<gallery>\nFile:a.png|First\nFile:b.png|Second\n</gallery>", "- First\n- Second"),
        ("{{broken [[link", "{{broken [[link"),
        ("", ""),
    ],
)  # fmt: skip
def test_wikitext_becomes_markdown(wikitext: str, markdown: str) -> None:
    assert from_wikitext(wikitext) == markdown


def test_a_table_keeps_its_rows_whatever_is_in_its_cells() -> None:
    wikitext = (
        '{| class="wikitable"\n|+ Servers\n! Name !! Use\n|-\n| [[Db1|db1]] || '
        "<code>a|b</code><br>backup\n|-\n|\n* x\n* y\n|"
        ' <syntaxhighlight lang="sh">ls</syntaxhighlight>\n|}\nafter'
    )
    assert from_wikitext(wikitext) == (
        "Servers\n\n| Name | Use |\n| --- | --- |\n| db1 | `a\\|b`; backup |\n| x; y | ls |\n\nafter"
    )


def test_a_redirect_names_its_target_in_any_language() -> None:
    assert redirect_of("#REDIRECT [[Main page#Top]]") == "Main page"
    assert redirect_of("#OHJAUS: [[Etusivu|x]]\n") == "Etusivu"
    assert redirect_of("# one [[link]] in a list") is None
    assert redirect_of("text") is None


@pytest.mark.parametrize(
    "part", ["{{", "[[", "'''", "{|", "*", "<pre>", "\n* a", "{{a|", "<div>", "==", "[http://a ", "{|\n|-\n|a\n", "\0"]
)
def test_no_text_takes_long(part: str) -> None:
    started = time.process_time()
    from_wikitext(part * (20_000 // len(part)))
    assert time.process_time() - started < 5
