"""outline.py: headings of rendered texts get ids, and long texts a table of contents."""

from web.documents.outline import outlined
from web.markdown import markdown

LONG = "## First *one*\n\n" + "text " * 500 + "\n\n### Below & <b>\n\n## Last\n\n```\n## not this\n```"


def test_a_text_with_headings_gets_a_table_of_contents() -> None:
    text = outlined(markdown(LONG))
    assert [(section.id, section.text, section.depth) for section in text.sections] == [
        ("section-1", "First one", 0),
        ("section-2", "Below & <b>", 1),
        ("section-3", "Last", 0),
    ]
    assert '<h2 id="section-1" tabindex="-1">First <em>one</em></h2>' in text.html and text.html.count(" id=") == 3


def test_a_short_text_stays_as_it_is() -> None:
    for text in ("## One\n\n## Two\n\n## Three", "## One\n\n## Two\n\n" + "text " * 500):
        html = markdown(text)
        assert outlined(html).html == html and outlined(html).sections == ()
