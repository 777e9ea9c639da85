"""formatting.py: Markdown and marked words become HTML in which nothing runs."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recommender.database.tables import utc_now
from recommender.recommender import Recommender
from recommender.sentences.sentence import Sentence, Size
from recommender.settings import Settings
from web.admin.source_words import often
from web.app import create_app
from web.formatting import ago, ago_to_the_minute, clock, day, file_size, marked
from web.formatting import said as in_page_language
from web.markdown import TAGS, markdown, with_marks


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


@pytest.mark.parametrize(
    ("days", "since"),
    [(0, "today"), (1, "a day ago"), (11, "11 days ago"), (31, "a month ago"), (70, "2 months ago"),
     (365, "a year ago"), (800, "2 years ago")],
)  # fmt: skip
def test_how_long_ago_is_told_in_the_largest_unit(
    settings: Settings, open_recommender: Callable[[], Recommender], days: int, since: str
) -> None:
    with create_app(settings, recommender=open_recommender()).test_request_context():
        then = utc_now() - timedelta(days=days)
        assert (ago(then), ago(then.date())) == (since, since)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "just now"), (1, "1 min ago"), (59, "59 min ago"), (60, "an hour ago"), (1439, "23 hours ago"),
     (1440, "a day ago"), (-5, "just now")],
)  # fmt: skip
def test_what_happened_today_is_told_with_hours_and_minutes(
    settings: Settings, open_recommender: Callable[[], Recommender], minutes: int, said: str
) -> None:
    with create_app(settings, recommender=open_recommender()).test_request_context("/?lang=en"):
        assert ago_to_the_minute(utc_now() - timedelta(minutes=minutes, seconds=1)) == said


@pytest.mark.parametrize(
    ("language", "count", "size", "small", "times"),
    [
        ("en", "1,234", "12.3 MB", "2 kB", ["every hour", "every 2 hours", "every week", "every 45 seconds"]),
        ("fi", "1 234", "12,3 Mt", "2 kt", ["tunnin välein", "2 tunnin välein", "viikoittain", "45 sekunnin välein"]),
        (
            "sv",
            "1 234",
            "12,3 MB",
            "2 kB",
            ["varje timme", "med 2 timmars mellanrum", "varje vecka", "med 45 sekunders mellanrum"],
        ),
    ],
)
def test_counts_sizes_and_times_are_written_as_the_language_does_and_what_says_which_one_as_it_is(
    settings: Settings, open_recommender: Callable[[], Recommender],
    language: str, count: str, size: str, small: str, times: list[str],
) -> None:  # fmt: skip
    def plain(text: str) -> str:
        return text.replace("\N{NO-BREAK SPACE}", " ")

    with create_app(settings, recommender=open_recommender()).test_request_context(f"/?lang={language}"):
        made = Sentence("%(num)s more items differ.", num=1234)
        assert count in plain(in_page_language(made)) and str(made) == "1234 more items differ."
        for text in ("exit status %(status)s", "page %(id)s: %(problem)s"):
            said = in_page_language(Sentence(text, status=1234, id=1234, problem=Sentence("line %(line)s", line=1234)))
            assert "1234" in said and count not in plain(said)
        assert [plain(file_size(number)) for number in (12_340_000, 2_000)] == [size, small]
        assert plain(in_page_language(Sentence("%(size)s", size=Size(12_340_000)))) == size
        assert [often(value) for value in ("1h", "2h", "7d", "45s")] == times


@pytest.mark.parametrize(
    ("zone", "shown"), [("UTC", "Jan 31, 2026 10:30\u202fPM UTC"), ("Europe/Helsinki", "Feb 1, 2026 12:30\u202fAM")]
)
def test_days_and_times_are_those_of_the_time_zone_in_the_settings(
    settings: Settings, open_recommender: Callable[[], Recommender], zone: str, shown: str
) -> None:
    app = create_app(replace(settings, time_zone=zone), recommender=open_recommender())
    with app.test_request_context("/?lang=en"):
        assert f"{day(datetime(2026, 1, 31, 22, 30))} {clock(datetime(2026, 1, 31, 22, 30))}" == shown


def test_marks_surround_their_words_and_all_text_is_escaped() -> None:
    assert str(marked("a <b> & printer", [(2, 5), (8, 15)])) == "a <mark>&lt;b&gt;</mark> &amp; <mark>printer</mark>"
    assert str(marked("<none>", [])) == "&lt;none&gt;"


def test_line_breaks_are_kept_and_numbers_of_lists_too() -> None:
    assert str(markdown("one\ntwo")) == "<p>one<br>\ntwo</p>\n"
    assert str(markdown("3. a\n4. b")) == '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'


@pytest.mark.parametrize(
    ("text", "address", "after"),
    [
        ("see https://a.example/x?y=1&z=2, and", "https://a.example/x?y=1&amp;z=2", ", and"),
        ("(http://a.example/(x))", "http://a.example/(x)", ")"),
        ("HTTPS://A.example!", "HTTPS://A.example", "!"),
        ("**https://a.example/b_c**", "https://a.example/b_c", "</strong>"),
        ("ask it.help+vpn@a.example.", "it.help+vpn@a.example", "."),
    ],
)
def test_addresses_in_the_text_are_links(text: str, address: str, after: str) -> None:
    target = address if "://" in address else f"mailto:{address}"
    assert f' rel="noopener noreferrer nofollow">{address}</a>{after}' in markdown(text)
    assert f'<a href="{target}"' in markdown(text)


@pytest.mark.parametrize(
    "text", ["`http://a.example`", "tuulento.example", "javascript://a", "file://a/b", "<b>@</b>", "\\\\tuuli01\\x"]
)
def test_other_text_is_no_link(text: str) -> None:
    assert "<a" not in markdown(text)


def test_a_link_has_no_link_inside() -> None:
    assert markdown("[http://a.example](http://b.example)").count("<a ") == 1


def test_an_image_that_is_left_out_is_said_and_linked() -> None:
    shown = markdown("![The <b>error</b>](https://a.example/x.png)", "Kuvaa ei näytetä")
    assert '<span class="dropped">Kuvaa ei näytetä: <a href="https://a.example/x.png"' in shown
    assert ">The &lt;b&gt;error&lt;/b&gt;</a></span>" in shown and "<img" not in shown
    assert "href" not in markdown("![x](data:image/png;base64,AAAA)")


@given(st.text(alphabet="ab <>&\"'`*_[](){}!#|-/:@.\n1x", max_size=400), st.sets(st.sampled_from("ab1x"), max_size=4))
@example('[a](http://a.example "x>y")', {"x", "y"})
@example("a &amp; b &lt;a&gt; <a title=x>", {"a", "amp", "lt", "x"})
def test_marked_words_change_nothing_else_of_the_html(text: str, words: set[str]) -> None:
    html = markdown(text)
    shown = with_marks(html, words)
    assert re.sub("</?mark>", "", shown) == html
    assert all(marked.lower() in words for marked in re.findall("<mark>(.*?)</mark>", shown))
    assert "<mark" not in "".join(re.findall(r'<[a-z]+ [^>]*"[^"]*<mark', shown))
    assert set(re.findall(r"<(\w+)", shown)) <= {*TAGS, "mark"}
