"""texts/markdown.py: pieces of Markdown that read back as what they were made of."""

from markdown_it import MarkdownIt

from indexer.texts import markdown


def test_the_fence_of_code_is_longer_than_any_in_it() -> None:
    code = "a\n````\nb"
    [token] = MarkdownIt("commonmark").parse(markdown.fenced(code, "python"))
    assert (token.content, token.info) == (f"{code}\n", "python")
    assert markdown.fenced("x", "not a language") == "```\nx\n```"
    assert markdown.fenced(" \n") == ""


def test_a_table_reads_back_cell_by_cell() -> None:
    rows = [["a", "b|c"], [], ["d"], ["e\nf", "> g"]]
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown.table(rows))
    assert [token.content for token in tokens if token.type == "inline"] == ["a", "b|c", "d", "", "e; f", "g"]
    assert markdown.table([[], ["", " "]]) == ""


def test_a_link_leads_outside_or_is_only_its_words() -> None:
    assert markdown.link("guide", "https://x.example/a") == "[guide](https://x.example/a)"
    assert markdown.link("a [b]", "https://x.example/(a)") == "[a (b)](<https://x.example/(a)>)"
    assert markdown.link("", "https://x.example") == "https://x.example"
    assert markdown.link("me@x.example", "mailto:me@x.example") == "me@x.example"
    assert markdown.link("guide", "../page") == "guide"
    assert markdown.link("guide", "javascript:alert(1)") == "guide"
    assert markdown.link("guide", "https://x.example/a b") == "guide"


def test_items_of_lists_indent_their_further_lines() -> None:
    assert markdown.item("one\n\n- two", "10.") == "10. one\n\n    - two"
    assert markdown.quoted("a\n\nb") == "> a\n>\n> b"
    assert markdown.quoted(" ") == ""
    assert markdown.blocks(["a", "", " ", "b\n"]) == "a\n\nb"
    assert markdown.heading(9, "a\nb") == "###### a b"
