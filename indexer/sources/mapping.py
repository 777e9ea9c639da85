"""Applies the options that all sources have to what a source yields: team, readers, language and time zone.

A source says which group something belongs to there and which groups may read it there; `teams` and `audiences` of its
options say what these are here. Nobody may read more than the rules give to those groups: a group without a rule gives
no reader, so what no rule speaks of is for its team only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextvars import copy_context

from indexer.sources.protocol import Mark, Options, Source
from indexer.sources.records import (
    Change,
    DocumentRecord,
    Located,
    QuestionRecord,
    Record,
    RequestRecord,
)
from indexer.sources.times import set_zone_of_times
from recommender.sentences.sentence import Sentence, joined

PUBLIC = "public"
"""The group of everybody, in `readers_there`. A rule may say that it is somebody else here."""
_EVERYONE = "everyone"
_NOT_SAID = Sentence("not said there")
_REQUESTS_LACK = Sentence("requests lack some of their readers, for whom there is no rule in audiences")
_DOCUMENTS_LACK = Sentence("documents lack some of their readers, for whom there is no rule in audiences")
_REQUESTS_FOR_TEAM = Sentence(
    "requests may be read only by their team, because no rule in audiences names their readers"
)
_DOCUMENTS_FOR_TEAM = Sentence(
    "documents may be read only by their team, because no rule in audiences names their readers"
)
_REQUESTS_FOR_ASKER = Sentence(
    "requests may be read only by the person who asked, as they have no team, because no rule in audiences names their "
    "readers"
)
_DOCUMENTS_FOR_OWNER = Sentence(
    "documents may be read only by the person who owns them, as they have no team, because no rule in audiences names "
    "their readers"
)


class MappedSource:
    """A source whose records have the teams, readers, language and times that its options give them."""

    def __init__(self, source: Source, options: Options) -> None:
        self.name, self.abilities = source.name, source.abilities
        self._source, self._options = source, options

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What the source yields, mapped. Raises SourceError as the source does."""
        records, here = self._source.read(since), copy_context()
        here.run(set_zone_of_times, self._options.timezone)  # only where the source reads on
        while (located := here.run(next, records, None)) is not None:
            yield self._mapped(located) if isinstance(located, Located) else located

    def _mapped(self, located: Located) -> Located:
        if not isinstance(located.record, RequestRecord | DocumentRecord | QuestionRecord):
            return located
        record, changes = mapped(located.record, self._options, self.abilities.audiences)
        if record is located.record and not changes:
            return located
        changes = (*located.changes, *changes)
        return Located(located.file, located.line, record, located.problem, changes, located.is_last)


def mapped(
    record: RequestRecord | DocumentRecord | QuestionRecord, options: Options, says_readers: bool
) -> tuple[Record, tuple[Change, ...]]:
    """(the record with the team, readers and language that the options give it, what could not be mapped).
    `says_readers` is True for a source that says who may read: where it does not, the record is for its team only."""
    values: dict[str, object] = {}
    if record.language is None and options.language is not None:
        values["language"] = options.language
    group = None if isinstance(record, QuestionRecord) else record.group
    team = record.team or options.teams.get(group or "") or options.team
    if team != record.team:
        values["team"] = team
        if isinstance(record, DocumentRecord) and "audience" not in record.model_fields_set:
            values["audience"] = None  # a team that the rules name may be restricted
    changes: tuple[Change, ...] = ()
    if isinstance(record, RequestRecord | DocumentRecord) and _is_for_rules(record, says_readers):
        tokens, unknown = audience(record.readers_there or (), options.audiences)
        values["audience"] = tokens
        if record.readers_there is None:
            unknown = [_NOT_SAID]
        if unknown and _EVERYONE not in tokens:
            changes = ((_told(record, team, tokens), joined(unknown, ", ")),)
    return (record.model_copy(update=values) if values else record), changes


def audience(there: Sequence[str], rules: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], list[str]]:
    """(the tokens of those who may read, the groups of `there` that no rule names). Each group gives the tokens of its
    rule, and PUBLIC without a rule gives everyone."""
    tokens: set[str] = set()
    unknown: list[str] = []
    for group in there:
        if group in rules:
            tokens.update(rules[group])
        elif group == PUBLIC:
            tokens.add(_EVERYONE)
        else:
            unknown.append(group)
    return (_EVERYONE,) if _EVERYONE in tokens else tuple(sorted(tokens)), unknown


def _is_for_rules(record: RequestRecord | DocumentRecord, says_readers: bool) -> bool:
    """True when the source says who may read, or should say it and the record has no audience either."""
    stated = "audience" in record.model_fields_set and record.audience is not None
    return record.readers_there is not None or (says_readers and not stated)


def _told(record: RequestRecord | DocumentRecord, team: str | None, tokens: Sequence[str]) -> str:
    if isinstance(record, RequestRecord):
        return _REQUESTS_LACK if tokens else _REQUESTS_FOR_TEAM if team is not None else _REQUESTS_FOR_ASKER
    return _DOCUMENTS_LACK if tokens else _DOCUMENTS_FOR_TEAM if team is not None else _DOCUMENTS_FOR_OWNER
