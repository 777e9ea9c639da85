"""texts/storage_format.py: pages of Confluence as Markdown; macros become what they show, or nothing."""

import time

import pytest

from indexer.texts.storage_format import from_storage_format


def macro(name: str, body: str = "", **parameters: str) -> str:
    """A macro with a rich text."""
    settings = "".join(f'<ac:parameter ac:name="{key}">{value}</ac:parameter>' for key, value in parameters.items())
    inside = f"<ac:rich-text-body>{body}</ac:rich-text-body>" if body else ""
    return f'<ac:structured-macro ac:name="{name}" ac:schema-version="1">{settings}{inside}</ac:structured-macro>'


def code(text: str, **parameters: str) -> str:
    settings = "".join(f'<ac:parameter ac:name="{key}">{value}</ac:parameter>' for key, value in parameters.items())
    return (
        f'<ac:structured-macro ac:name="code">{settings}'
        f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body></ac:structured-macro>"
    )


@pytest.mark.parametrize(
    ("storage", "markdown"),
    [
        ("<h1>Steps</h1><p>First &auml; &nbsp;and <strong>so</strong> on</p>", "# Steps\n\nFirst ä and so on"),
        (code("a < b\n  &lt;c&gt;", language="java"), "```java\na < b\n  &lt;c&gt;\n```"),
        (code("x", title="run.sh"), "run.sh\n\n```\nx\n```"),
        (code("a[b[0]]&gt;0"), "```\na[b[0]]&gt;0\n```"),
        (code("if [[ a ]] > b"), "```\nif [[ a ]] > b\n```"),
        (code("a").replace("]]>", "]] >"), "```\na\n```"),
        (f"<ul><li><p>one</p>{code('ls')}</li></ul>", "- one\n\n  ```\n  ls\n  ```"),
        (macro("info", "<p>Mind the gap</p>", title="Note"), "> Note\n>\n> Mind the gap"),
        (macro("expand", "<p>inside</p>", title="More"), "More\n\ninside"),
        (macro("panel", "<p>a</p>" + macro("note", "<p>b</p>")), "> a\n>\n> > b"),
        (f"<p>a</p>{macro('toc', maxLevel='2')}<p>b</p>", "a\n\nb"),
        (f"<p>is {macro('status', title='DONE', colour='Green')} now</p>", "is DONE now"),
        (f"<p>see {macro('jira', key='ABC-1', server='x')}.</p>", "see ABC-1."),
        (macro("excerpt-include", **{"": '<ac:link><ri:page ri:content-title="Holidays" /></ac:link>'}), "Holidays"),
        (macro("unknown-thing", "<p>kept</p>", width="5"), "kept"),
        ('<p><ac:link><ri:page ri:content-title="A &amp; B" /></ac:link></p>', "A & B"),
        ('<p><ac:link><ri:page ri:content-title="X" /><ac:plain-text-link-body><![CDATA[the <x>]]>'
         "</ac:plain-text-link-body></ac:link> and</p>", "the <x> and"),
        ('<p><ac:link><ri:page ri:content-title="X" /><ac:link-body>the <code>x</code></ac:link-body></ac:link></p>',
         "the `x`"),
        ('<p>ask <ac:link><ri:user ri:userkey="k1" /></ac:link> or <ac:link><ri:user ri:account-id="z" />'
         "</ac:link></p>",
         "ask @aino or @z"),
        ('<p><ac:link><ri:attachment ri:filename="plan.pdf" /></ac:link></p>', "plan.pdf"),
        ('<p><a href="https://x.example/a">x</a></p>', "[x](https://x.example/a)"),
        ('<p><ac:image ac:width="9"><ri:attachment ri:filename="error.png" /></ac:image> shows</p>', "error.png shows"),
        ('<ac:image ac:alt="A red light"><ri:attachment ri:filename="i.png" /></ac:image>', "A red light"),
        ('<ac:image ac:alt="logo"><ri:url ri:value="https://x.example/i.png" /></ac:image>',
         "![logo](https://x.example/i.png)"),
        ("<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body>"
         "<span>do</span></ac:task-body></ac:task><ac:task><ac:task-status>incomplete</ac:task-status>"
         "<ac:task-body>not yet</ac:task-body></ac:task></ac:task-list>", "- [x] do\n- [ ] not yet"),
        ("<ac:layout><ac:layout-section><ac:layout-cell><p>left</p></ac:layout-cell><ac:layout-cell>right"
         "</ac:layout-cell></ac:layout-section></ac:layout>", "left\n\nright"),
        ("<table><tbody><tr><th>Name</th><th>Value</th></tr><tr><td><p>a|b</p></td><td><ul><li>x</li></ul></td></tr>"
         "</tbody></table>", "| Name | Value |\n| --- | --- |\n| a\\|b | - x |"),
        ('<p>due <time datetime="2026-03-02" /> <ac:emoticon ac:name="tick" /><ac:emoticon ac:name="smile" /></p>',
         "due 2026-03-02 ✔"),
        ('<p>a <ac:inline-comment-marker ac:ref="1">marked</ac:inline-comment-marker> b</p>', "a marked b"),
        ("<p>a<ac:placeholder>type here</ac:placeholder>b</p>", "ab"),
        ('<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="x">note</ac:adf-attribute>'
         "<ac:adf-content><p>said</p></ac:adf-content></ac:adf-node><ac:adf-fallback><p>said</p></ac:adf-fallback>"
         "</ac:adf-extension>", "said"),
        ("<p>never <b>closed", "never closed"),
        ("<p>control \x1c\x07 &#28;&#x1F; characters</p>", "control characters"),
        ("<p>a<![CDATA[ & <not closed", "a & <not closed"),
        ("<p>&zzz; &amp; &lt;b&gt;</p>", "&zzz; & <b>"),
        ("", ""),
    ],
)  # fmt: skip
def test_storage_format_becomes_markdown(storage: str, markdown: str) -> None:
    assert from_storage_format(storage, {"k1": "aino"}) == markdown


def test_addresses_without_a_host_are_those_of_the_wiki_or_left_out() -> None:
    storage = (
        '<p><a href="/display/IT/VPN">VPN</a> <a href="https://x.example">x</a> <img src="/i.png" alt="red" /></p>'
    )
    assert from_storage_format(storage) == "VPN [x](https://x.example) red"
    assert from_storage_format(storage, site="https://w.example/wiki") == (
        "[VPN](https://w.example/display/IT/VPN) [x](https://x.example) ![red](https://w.example/i.png)"
    )


def test_a_split_end_of_cdata_stays_in_the_code() -> None:
    assert from_storage_format(code("a[b[0]]]]><![CDATA[> 1")) == "```\na[b[0]]> 1\n```"


def test_it_defines_no_entities_and_fetches_nothing() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "boom"><!ENTITY f SYSTEM "file:///etc/passwd">]><p>&a; &f;</p>'
    assert "boom" not in from_storage_format(bomb) and "root:" not in from_storage_format(bomb)


@pytest.mark.parametrize(
    "part", ["<p>", "<ac:x>", "<![CDATA[", "&", "<ac:structured-macro ac:name='info'>", "<ac:link>"]
)
def test_no_text_takes_long_or_raises(part: str) -> None:
    started = time.process_time()
    from_storage_format(part * (30_000 // len(part)))
    assert time.process_time() - started < 5
