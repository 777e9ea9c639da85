"""sources/confluence/api.py: a wiki on a local server; nothing twice, nothing lost, and no wider than there."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from indexer.sources.confluence import OPTIONS, open_source
from indexer.sources.protocol import Mark
from indexer.sources.records import DeletedRecord, DocumentRecord, Located, PersonRecord
from recommender.errors import SourceError
from tests.indexer.sources.confluence.wiki import Wiki
from tests.indexer.sources.servers.server import TOKEN, Faults, SystemServer, serving


@pytest.fixture
def wiki() -> Wiki:
    return Wiki()


@pytest.fixture
def server(wiki: Wiki, monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemServer]:
    monkeypatch.setenv("KOLLEGA_WIKI_TOKEN", TOKEN)
    with serving(wiki) as running:
        yield running


class Copy:
    """What a reader of the wiki has: its pages, who may read them, and the mark."""

    def __init__(self, server: SystemServer, wiki: Wiki, **options: object) -> None:
        self._options = OPTIONS.model_validate({"place": server.url + wiki.context, **options})
        self.pages: dict[str, DocumentRecord] = {}
        self.people: dict[str, PersonRecord] = {}
        self.read: list[str] = []
        self.mark: str | None = None

    def sync(self) -> "Copy":
        self.read = []
        for each in open_source("wiki", self._options).read(self.mark):
            if isinstance(each, Mark):
                self.mark = each.value
            elif isinstance(each, Located):
                assert not each.problem
                self._take(each)
        return self

    def _take(self, located: Located) -> None:
        record = located.record
        if isinstance(record, DocumentRecord):
            self.pages[record.id] = record
            self.read.append(record.id)
        elif isinstance(record, DeletedRecord):
            self.pages.pop(record.id, None)
        elif isinstance(record, PersonRecord):
            self.people[record.id] = record


def test_a_page_is_a_document_with_its_author_readers_and_address(server: SystemServer, wiki: Wiki) -> None:
    wiki.add("Holidays", "<h2>When</h2><p>In July</p>")
    wiki.add("Pay", parent=1, groups=("hr",))
    copy = Copy(server, wiki).sync()
    page, pay = copy.pages["1"], copy.pages["2"]
    assert (page.title, page.body, page.group) == ("Holidays", "## When\n\nIn July", "IT")
    assert page.updated_at == datetime(2025, 3, 4, 8)
    assert page.url == f"{server.url}/wiki/spaces/IT/pages/1"
    assert (page.readers_there, pay.readers_there) == (("confluence-users",), ("hr",))
    assert copy.people[page.owner or ""].email == "aino@example.org"


@pytest.mark.parametrize("tells_zone", [True, False])
def test_only_what_has_changed_is_read_again_whatever_the_zone_of_the_account(
    server: SystemServer, wiki: Wiki, tells_zone: bool
) -> None:
    wiki.zone, wiki.tells_zone = "Pacific/Auckland", tells_zone
    for number in range(8):
        wiki.add(f"Page {number}")
    copy = Copy(server, wiki).sync()
    assert sorted(copy.pages) == [str(number) for number in range(1, 9)]
    wiki.add("New")
    wiki.change(3, "<p>changed</p>")
    copy.sync()
    assert {"3", "9"} <= set(copy.read) <= {"3", "8", "9"}  # and what changed shortly before
    assert len(copy.read) == len(set(copy.read))
    assert copy.pages["3"].body == "changed"


def test_a_page_above_that_is_restricted_takes_those_below_with_it(server: SystemServer, wiki: Wiki) -> None:
    for number, parent in ((1, None), (2, 1), (3, 2), (4, None)):
        wiki.add(f"Page {number}", parent=parent)
    copy = Copy(server, wiki).sync()
    wiki.pages[2].groups = ("bosses",)
    copy.sync()
    wiki.change(4, "<p>x</p>")  # so that the mark moves past all others
    copy.sync()
    wiki.pages[1].groups = ("it",)
    copy.sync()
    assert sorted(set(copy.read) - {"4"}) == ["1", "2", "3"]
    assert {key: page.readers_there for key, page in copy.pages.items()} == {
        "1": ("it",), "2": ("bosses & it",), "3": ("bosses & it",), "4": ("confluence-users",)
    }  # fmt: skip
    wiki.pages[1].groups = wiki.pages[2].groups = ()
    assert copy.sync().pages["3"].readers_there == ("confluence-users",)


def test_restrictions_of_pages_above_that_an_answer_leaves_out_are_asked_for_once(
    server: SystemServer, wiki: Wiki
) -> None:
    wiki.is_shallow = True
    for number, parent in ((1, None), (2, 1), (3, 2), (4, 2)):
        wiki.add(f"Page {number}", parent=parent, groups=("hr",) if number == 2 else ())
    copy = Copy(server, wiki).sync()
    assert copy.pages["3"].readers_there == copy.pages["4"].readers_there == ("hr",)
    assert copy.pages["1"].readers_there == ("confluence-users",)
    assert sum("byOperation" in path for path in server.requests) == 2  # of the pages 1 and 2


def test_what_is_deleted_hidden_or_emptied_there_is_deleted_here(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 6):
        wiki.add(f"Page {number}")
    copy = Copy(server, wiki).sync()
    wiki.pages.pop(2)
    wiki.pages[3].hidden = True
    wiki.pages[4].status = "trashed"
    wiki.change(5, "<p></p>")
    assert list(copy.sync().pages) == ["1"]


def test_when_most_pages_vanish_at_once_they_stay_and_it_is_told(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 31):
        wiki.add(f"Page {number}")
    copy = Copy(server, wiki).sync()
    for number in range(1, 21):
        wiki.pages[number].hidden = True
    with pytest.raises(SourceError, match="20 of 30 pages can no longer be seen"):
        copy.sync()
    assert len(copy.pages) == 30


def test_nothing_is_lost_when_answers_fail_and_pages_move_meanwhile(server: SystemServer, wiki: Wiki) -> None:
    wiki.pace = timedelta(seconds=7)
    for number in range(1, 41):
        wiki.add(f"Page {number}")

    def between(number: int) -> None:
        if number < 60 and number % 3 == 0:
            wiki.change(number % 40 + 1, f"<p>changed {number}</p>")

    server.faults = Faults(failing_every=7, cut_every=11, limited_every=13, between=between)
    copy = Copy(server, wiki).sync()
    server.faults = Faults()
    copy.sync()
    assert {key: page.body for key, page in copy.pages.items()} == {
        str(page.id): page.text.removeprefix("<p>").removesuffix("</p>") for page in wiki.pages.values()
    }


def test_a_run_that_ends_half_way_goes_on_from_its_mark(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 61):
        wiki.add(f"Page {number}", groups=("hr",) if number == 50 else ())
    copy = Copy(server, wiki)
    server.faults = Faults(token_ends_after=14)
    with pytest.raises(SourceError, match="401"):
        copy.sync()
    assert 0 < len(copy.pages) < 60
    server.faults = Faults()
    first = set(copy.pages)
    copy.sync()
    assert len(copy.pages) == 60 and len(set(copy.read) & first) < len(first)
    assert copy.pages["50"].readers_there == ("hr",)


def test_version_2_of_the_interface_gives_the_same_pages_and_readers(server: SystemServer, wiki: Wiki) -> None:
    for number, parent in ((1, None), (2, 1), (3, 2), (4, None), (5, 3)):
        wiki.add(f"Page {number}", parent=parent, groups=("hr",) if number == 2 else ())
    server.faults = Faults(failing_every=7, cut_every=9, skew=wiki.now - datetime.now(wiki.now.tzinfo))
    second, first = Copy(server, wiki, v2=True).sync(), Copy(server, wiki).sync()
    assert second.pages == first.pages
    assert second.people == first.people
    assert second.pages["5"].readers_there == ("hr",)
    server.faults = Faults(skew=wiki.now - datetime.now(wiki.now.tzinfo))
    wiki.pages[3].groups = ("bosses",)
    wiki.change(5, "<p>changed</p>")
    wiki.change(4, "<p></p>")
    second.sync()
    assert second.read == ["5"] and "4" not in second.pages
    assert (second.pages["5"].body, second.pages["5"].readers_there) == ("changed", ("bosses & hr",))


def test_comments_are_a_section_of_the_page_and_a_new_one_is_read_with_it(server: SystemServer, wiki: Wiki) -> None:
    wiki.pace = timedelta(hours=4)
    for number in range(1, 5):
        wiki.add(f"Page {number}", groups=("hr",) if number == 2 else ())
    wiki.comment(1, "Thanks!")
    wiki.comment(2, "the word here is misspelt, see above", "inline")
    for text in ("Since May the port is 4500.", "No, it is still the port 500.", "It was 4500 after all."):
        wiki.comment(2, text)
    second = Copy(server, wiki, v2=True).sync()
    copy = Copy(server, wiki).sync()
    days = [f"{each.changed:%Y-%m-%d}" for each in wiki.comments[2:]]
    body = (
        f"Text of Page 2\n\n## Comments\n\n{days[0]}:\n\nSince May the port is 4500.\n\n"
        f"{days[1]}:\n\nNo, it is still the port 500.\n\n{days[2]}:\n\nIt was 4500 after all."
    )
    assert (copy.pages["1"].body, copy.pages["2"].body) == ("Text of Page 1", body)
    assert copy.pages["2"].readers_there == ("hr",) and second.pages == copy.pages
    wiki.comment(3, "This page is for version 3 only.")
    copy.sync().sync()
    assert copy.read == ["3"]
    assert copy.pages["3"].body.endswith("This page is for version 3 only.")


def test_a_first_read_by_version_2_that_ends_half_way_goes_on_there(server: SystemServer, wiki: Wiki) -> None:
    for number in range(1, 31):
        wiki.add(f"Page {number}")
    skew = wiki.now - datetime.now(wiki.now.tzinfo)
    copy = Copy(server, wiki, v2=True)
    server.faults = Faults(dead_after=40, skew=skew)
    with pytest.raises(SourceError):
        copy.sync()
    first = set(copy.pages)
    assert 3 < len(first) < 30
    wiki.change(1, "<p>changed</p>")
    wiki.add("New")
    server.faults = Faults(skew=wiki.now - datetime.now(wiki.now.tzinfo))
    copy.sync()
    assert len(copy.pages) == 31 and len(first & set(copy.read)) <= wiki.most
    copy.sync()  # what has changed since the first run began
    assert copy.pages["1"].body == "changed" and copy.sync().read == ["31"]


def test_what_a_page_lies_in_and_cannot_be_seen_is_not_taken_for_open(server: SystemServer, wiki: Wiki) -> None:
    wiki.add("Top")
    wiki.add("Below", parent=1)
    wiki.pages[2].folder = 55
    assert Copy(server, wiki, v2=True).sync().pages["2"].readers_there == ("not known",)


@pytest.mark.parametrize("v2", [True, False])
def test_a_mark_that_cannot_be_read_is_told_with_the_command_that_reads_all(
    v2: bool, server: SystemServer, wiki: Wiki
) -> None:
    copy = Copy(server, wiki, v2=v2)
    copy.mark = "{"
    with pytest.raises(SourceError, match="kollega sync wiki --full"):
        copy.sync()
