"""sources/mapping.py: teams, readers, language and time zone that the options of a source give to its records."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.sources.kinds import KINDS
from indexer.sources.mapping import PUBLIC, MappedSource, audience, mapped
from indexer.sources.protocol import Abilities, Mark, Options, WholeSource
from indexer.sources.records import DocumentRecord, Located, QuestionRecord, RequestRecord, TeamRecord
from recommender.database.tables import Document, HelpRequest
from recommender.language.analyzer import Analyzer

AT = datetime(2026, 1, 1)
GROUPS = [PUBLIC, "Helpdesk", "HR", "Staff", "Nobody knows"]
TOKENS = ["everyone", "team:it", "team:hr", "person:aino"]
Rules = dict[str, tuple[str, ...]]
_rules = some.dictionaries(some.sampled_from(GROUPS), some.lists(some.sampled_from(TOKENS), max_size=3).map(tuple))
_there = some.lists(some.sampled_from(GROUPS), unique=True).map(tuple)


def request(**values: Any) -> RequestRecord:
    return RequestRecord(**{"id": "1", "title": "T", "created_at": AT, **values})


def document(**values: Any) -> DocumentRecord:
    return DocumentRecord(**{"id": "1", "title": "T", "body": "B", "updated_at": AT, **values})


def options(**values: Any) -> Options:
    return Options(**{"place": "x", **values})


class Two(WholeSource):
    """Yields what it was given, with times read when it is asked for the next record."""

    name, abilities = "two", Abilities(audiences=True)

    def __init__(self, *made: Any) -> None:
        self._made = made

    def records(self) -> Iterator[Any]:
        """Each record, made only now."""
        for number, make in enumerate(self._made, 1):
            yield make if isinstance(make, Mark) else Located("f", number, make())


def test_a_group_there_becomes_the_team_of_its_rule_and_else_the_default_team() -> None:
    rules = options(team="it", teams={"HR cases": "hr"})
    assert [mapped(request(**values), rules, False)[0].team for values in (  # type: ignore[union-attr]
        {"group": "HR cases"}, {"group": "Printers"}, {}, {"group": "HR cases", "team": "law"},
    )] == ["hr", "it", "it", "law"]  # fmt: skip
    assert mapped(document(group="HR cases"), rules, False)[0].team == "hr"  # type: ignore[union-attr]
    question = QuestionRecord(id="1", title="T", body="B", created_at=AT)
    found: Any = mapped(question, options(team="it", language="sv"), False)[0]
    assert (found.team, found.language) == ("it", "sv")


def test_a_language_is_given_only_where_the_source_says_none() -> None:
    rules = options(language="sv")
    made: list[Any] = [mapped(each, rules, False)[0] for each in (request(), request(language="fi"), document())]
    assert [each.language for each in made] == ["sv", "fi", "sv"]
    same = request()
    assert mapped(same, options(), False) == (same, ())


@pytest.mark.parametrize(
    ("there", "tokens"),
    [
        ((PUBLIC,), ("everyone",)),
        (("Staff",), ("everyone",)),
        (("HR",), ("team:hr",)),
        (("HR", "Boss"), ("person:aino", "team:hr")),
        (("HR", "Strangers"), ("team:hr",)),
        (("Strangers",), ()),
        ((), ()),
        (("Strangers", PUBLIC), ("everyone",)),
    ],
)
def test_the_readers_there_become_those_of_the_rules(there: tuple[str, ...], tokens: tuple[str, ...]) -> None:
    rules = options(audiences={"HR": ["team:hr"], "Staff": ["everyone", "team:it"], "Boss": ["person:aino"]})
    for record in (request(readers_there=there), document(readers_there=there)):
        assert mapped(record, rules, True)[0].audience == tokens  # type: ignore[union-attr]
        assert mapped(record, rules, False)[0].audience == tokens  # type: ignore[union-attr]


def test_public_may_be_fewer_here() -> None:
    assert audience((PUBLIC,), {PUBLIC: ("team:it",)}) == (("team:it",), [])


def test_what_is_not_said_is_for_the_team_only_where_the_source_should_say_it() -> None:
    found: Any = mapped(request(), options(team="it"), True)[0]
    assert found.audience == ()
    assert mapped(document(), options(), True)[0].audience == ()  # type: ignore[union-attr]
    unsaid: Any = mapped(request(), options(team="it"), False)[0]
    assert unsaid.audience is None  # the default of the team, as in the import format
    stated: Any = mapped(request(audience=["everyone"]), options(), True)[0]
    assert stated.audience == ("everyone",)


def test_it_is_told_for_which_groups_there_is_no_rule() -> None:
    rules = options(audiences={"HR": ["team:hr"]})
    told = [
        mapped(request(readers_there=("A", "B"), team="it"), rules, True)[1],
        mapped(request(readers_there=("A",)), rules, True)[1],
        mapped(document(readers_there=("A", "HR")), rules, True)[1],
        mapped(document(), rules, True)[1],
        mapped(request(readers_there=("HR",)), rules, True)[1],
        mapped(request(readers_there=()), rules, True)[1],
    ]
    no_rule = "because no rule in audiences names their readers"
    assert told == [
        ((f"requests may be read only by their team, {no_rule}", "A, B"),),
        ((f"requests may be read only by the person who asked, as they have no team, {no_rule}", "A"),),
        (("documents lack some of their readers, for whom there is no rule in audiences", "A"),),
        ((f"documents may be read only by the person who owns them, as they have no team, {no_rule}",
          "not said there"),),
        (),
        (),
    ]  # fmt: skip


@given(there=_there, rules=_rules)
def test_nobody_may_read_more_than_the_rules_of_the_groups_there_give(there: tuple[str, ...], rules: Rules) -> None:
    for record in (request(readers_there=there), document(readers_there=there)):
        found: Any = mapped(record, options(audiences=rules), True)[0]
        allowed = {token for group in there for token in rules.get(group, ("everyone",) if group == PUBLIC else ())}
        assert set(found.audience) <= allowed
        assert set(found.audience) == allowed or "everyone" in found.audience


@given(there=_there, rules=_rules, left_out=some.sampled_from(GROUPS))
def test_fewer_readers_there_and_fewer_rules_never_give_more_readers(
    there: tuple[str, ...], rules: Rules, left_out: str
) -> None:
    def readers(groups: tuple[str, ...], by: Rules) -> set[str]:
        tokens = set(audience(groups, by)[0])
        return set(TOKENS) if "everyone" in tokens else tokens

    fewer = tuple(group for group in there if group != left_out)
    assert readers(fewer, rules) <= readers(there, rules)
    if left_out != PUBLIC:  # without a rule, the public is everyone
        rest = {group: tokens for group, tokens in rules.items() if group != left_out}
        assert readers(there, rest) <= readers(there, rules)


@pytest.mark.parametrize("again", [False, True])
def test_what_the_source_leaves_open_is_for_its_team_only_where_that_is_restricted(
    sessions: sessionmaker[Session], analyzer: Analyzer, again: bool
) -> None:
    """Documents and questions of a source without rights, such as an export of Notion or a dump of a site."""
    question = QuestionRecord(id="2", title="T", body="B", created_at=AT)
    made = [lambda: document(id="1", group="HR"), lambda: question, lambda: document(id="3", group="IT")]
    source = Two(lambda: TeamRecord(id="hr", name="HR", restricted=True), lambda: TeamRecord(id="it", name="IT"), *made)
    source.abilities = Abilities()
    if again:  # documents that came in before the team was restricted, and for everyone
        first = Two(lambda: TeamRecord(id="hr", name="HR"), lambda: TeamRecord(id="it", name="IT"), *made)
        first.abilities = Abilities()
        load(MappedSource(first, options(team="hr", teams={"IT": "it"})), sessions, analyzer)
    load(MappedSource(source, options(team="hr", teams={"IT": "it"})), sessions, analyzer)
    with sessions() as session:
        documents = {row.external_id: sorted(each.token for each in row.audience) for row in session.query(Document)}
        requests = [sorted(each.token for each in row.audience) for row in session.query(HelpRequest)]
    assert documents == {"1": [], "3": ["everyone"]}
    assert requests == ([["everyone"]] if again else [[]])  # a question keeps its readers, which people may have set


def test_times_without_a_zone_are_read_in_that_of_the_options() -> None:
    def make(time: Any) -> Any:
        return lambda: request(created_at=time, readers_there=(PUBLIC,))

    times = [
        "2026-03-02T10:00:00", "2026-07-02T10:00:00", "20260302100000", "2026-03-02T10:00:00Z",
        "2026-03-02T10:00:00+01:00", 1772445600, datetime(2026, 3, 2, 10),
    ]  # fmt: skip
    source = MappedSource(Two(*map(make, times), Mark("m")), options(timezone="Europe/Helsinki"))
    read: list[Any] = list(source.read())
    assert read.pop() == Mark("m")
    assert [located.record.created_at.strftime("%m-%d %H:%M") for located in read] == [
        "03-02 08:00", "07-02 07:00", "03-02 08:00", "03-02 10:00", "03-02 09:00", "03-02 10:00", "03-02 10:00",
    ]  # fmt: skip
    assert request(created_at="2026-03-02T10:00:00").created_at == datetime(2026, 3, 2, 10)


_TABLE = "Id;Title;Body;Status;Created\n1;Screen;It is dark;Open;"
_MAIL = "From: a@example.org\nSubject: Screen\nDate: Mon, 02 Mar 2026 {}\n\nIt is dark\n"
_FIRST = {"user": "U1", "ts": "1772438400.0", "thread_ts": "1772438400.0", "text": "Why is it dark?"}
_THREAD = [_FIRST, {**_FIRST, "user": "U2", "ts": "1772438401.0", "text": "No"}]


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("csv", "t.csv", f"{_TABLE}2.3.2026 10.00\n"),
        ("csv", "t.csv", f"{_TABLE}2026-03-02T10:00:00+02:00\n"),
        ("mail", "t.eml", _MAIL.format("10:00:00")),
        ("mail", "t.eml", _MAIL.format("08:00:00 +0000")),
        ("documents", "t.md", "---\nupdated: 2026-03-02T10:00:00\n---\nThe screen is dark\n"),
        ("documents", "t.txt", "The screen is dark\n"),
        ("slack", "help/2026-03-02.json", json.dumps(_THREAD)),
    ],
)
def test_the_zone_of_the_options_is_applied_once(tmp_path: Path, kind: str, name: str, text: str) -> None:
    file = tmp_path / "t" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (1772438400, 1772438400))
    if kind == "slack":
        (tmp_path / "t" / "users.json").write_text("[]")
        (tmp_path / "t" / "channels.json").write_text('[{"id": "C1", "name": "help"}]')
    place = file if kind == "csv" else tmp_path / "t"
    given = KINDS[kind].options()(place=str(place), timezone="Europe/Helsinki")
    if guess := KINDS[kind].guess():
        list(guess(given))
    records: list[Any] = [found.record for found in KINDS[kind].open("t", given).read() if isinstance(found, Located)]
    times = [getattr(each, "created_at", None) or getattr(each, "updated_at", None) for each in records]
    assert [time for time in times if time] == [datetime(2026, 3, 2, 8)]


def test_the_name_and_abilities_are_those_of_the_source() -> None:
    source = MappedSource(Two(), options())
    assert (source.name, source.abilities, list(source.read())) == ("two", Abilities(audiences=True), [])
