"""Compares the records of a batch with what their source said before, without writing.

What is unchanged is only counted. The language of new texts is found here, so that nobody has to wait for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.loading.clean import Cleaned, text_without_language
from indexer.loading.deletions import is_here
from indexer.loading.identities import handles_here, with_handles
from indexer.loading.many_rows import among
from indexer.loading.masked import masked
from indexer.loading.merge import all_same, is_same
from indexer.loading.questions import linked
from indexer.loading.references import References
from indexer.loading.report import LoadReport
from indexer.loading.stated import Known, handles_in, key_of, people_in, stated_by
from indexer.loading.writing import Prepared
from indexer.sources.records import (
    DeletedRecord,
    LinkRecord,
    Located,
    PersonNameRecord,
    RequestRecord,
)
from indexer.texts.masking import SHIPPED, MaskingRules
from indexer.texts.prose import detected
from recommender.database.handover_tables import Handover
from recommender.database.import_tables import ImportConflict, ImportedRecord, digest, record_key
from recommender.database.tables import Person, Team
from recommender.knowledge.erasure import PERSON, erased_among
from recommender.language.analyzer import Analyzer

States = dict[str, list[Any]]
"""By key, what sources have said: rows of ImportedRecord."""


@dataclass
class Preparation:
    """Prepares the records of one source. `postponed` are records that an earlier import found to be followed by
    another one with the same id: the last one counts, so they wait until it is known whether another one comes.
    `looked_at` are the keys of the batch that are looked at also when they are unchanged: something was kept here, and
    both may say the same again; or it is the ticket of a request from here, whose readers there count as they are.
    `mask` says which personal data is masked."""

    source: str
    analyzer: Analyzer
    mask: MaskingRules = SHIPPED
    postponed: dict[str, tuple[Located, str]] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)

    def changed(self, session: Session, batch: Sequence[Located], report: LoadReport) -> list[Prepared]:
        """The records of a batch that have to be written. Those that are unchanged are counted in the report."""
        batch = [located if isinstance(located, Cleaned) else masked(located, self.mask) for located in batch]
        batch = self._with_people(session, batch)
        keys = ["" if located.record is None else key_of(located.record) for located in batch]
        states = _states(session, filter(None, keys))
        of_source = ImportConflict.source == self.source
        self.looked_at = among(session, ImportConflict.key, of_source, sorted(filter(None, keys)))
        self.looked_at |= self._sent_on(session, batch, keys)
        known = self._known(session, batch)
        pairs = zip(batch, keys, strict=True)
        compared = (self._prepare(session, located, key, states, known, report) for located, key in pairs)
        prepared = [each for each in compared if each is not None]
        self._find_languages(prepared, states)
        return prepared

    def left_over(self) -> list[Located]:
        """The postponed records that no other one with the same id has followed."""
        left = [located for located, _digest in self.postponed.values()]
        self.postponed = {}
        return left

    def _prepare(
        self, session: Session, located: Located, key: str, states: States, known: Known, report: LoadReport
    ) -> Prepared | None:
        record = located.record
        if record is None:
            report.problems.append(located.complaint(located.problem))
            return None
        if isinstance(record, LinkRecord):
            found = linked(session, References(session, self.source, ""), record)
            report.skipped_links += found is None
            report.unchanged += found is not None and found[2]
            if found is None or found[2]:
                return None
        if isinstance(record, PersonNameRecord) and record.id not in known.people:
            return None
        stated = stated_by(record, known) or {}
        own = next((state for state in states.get(key, ()) if state.source == self.source), None)
        if own is not None and stated and all_same(own.fields, stated) and key not in self.looked_at:
            report.unchanged += 1
            if report.tells_known:
                report.tell_all(located.place, located.changes)
            self.postponed.pop(key, None)
            return None
        if isinstance(record, DeletedRecord) and own is None and not is_here(session, self.source, record):
            report.unchanged += 1
            return None
        superseded = self.postponed.pop(key, None)
        if own is not None and not located.is_last and digest(stated) in own.earlier:
            self.postponed[key] = (replace(located, is_last=True), digest(stated))
            report.unchanged += 1
            return None
        restricted = getattr(record, "team", None) in known.restricted
        earlier = superseded[1] if superseded else None
        language = located.language if isinstance(located, Cleaned) else None
        return Prepared(located.place, record, key, stated, language, restricted, located.changes, earlier, own is None)

    def _sent_on(self, session: Session, batch: Sequence[Located], keys: Sequence[str]) -> set[str]:
        """The keys of the tickets of requests from here, of the keys of a batch."""
        pairs = zip(batch, keys, strict=True)
        keys_of = {each.record.id: key for each, key in pairs if isinstance(each.record, RequestRecord)}
        return {keys_of[name] for name in among(session, Handover.external_id, Handover.source == self.source, keys_of)}

    def _find_languages(self, prepared: Sequence[Prepared], states: States) -> None:
        """Find the languages of texts that are new, where their records do not state them and nobody has found them."""
        new: list[Prepared] = []
        texts: list[tuple[str, str]] = []
        for each in prepared:
            text = text_without_language(each.record)
            if text is None:
                continue
            own = next((state for state in states.get(each.key, ()) if state.source == self.source), None)
            if own is not None and all(is_same(own.fields.get(name), each.stated[name]) for name in ("title", "body")):
                each.language = None
            elif each.language is None:
                new.append(each)
                texts.append(text)
        if not new:
            return
        for each, language in zip(new, detected(texts, self.analyzer.detect_all), strict=True):
            each.language = language

    def _with_people(self, session: Session, batch: Sequence[Located]) -> Sequence[Located]:
        """The records, which name people by their handles here."""
        named: set[str] = set()
        for located in batch:
            if located.record is not None:
                named |= people_in(located.record)
        here = handles_here(session, self.source, named)
        if not here:
            return batch
        return [
            replace(located, record=with_handles(located.record, here)) if located.record is not None else located
            for located in batch
        ]

    def _known(self, session: Session, batch: Sequence[Located]) -> Known:
        """The handles that the batch refers to, as far as they are in the database."""
        teams: set[str] = set()
        people: set[str] = set()
        for located in batch:
            if located.record is not None:
                named = handles_in(located.record)
                teams |= named[0]
                people |= named[1]
                if isinstance(located.record, PersonNameRecord):
                    people.add(located.record.id)
        listed = frozenset(session.scalars(select(Person.handle).where(Person.handle.in_(sorted(people)))))
        unknown = [name for handle in people - listed for name in ((PERSON, handle), (PERSON, self.source, handle))]
        return Known(
            teams=frozenset(session.scalars(select(Team.handle).where(Team.handle.in_(sorted(teams))))),
            people=listed,
            restricted=self._restricted(session, teams),
            erased=frozenset(name[-1] for name in erased_among(session, unknown)),
        )

    def _restricted(self, session: Session, teams: Iterable[str]) -> frozenset[str]:
        """The teams that this source says are restricted; of those that it says nothing about, what others say."""
        keys = {record_key("team", handle): handle for handle in teams}
        restricted = set()
        for key, states in _states(session, keys).items():
            said = [state for state in states if "restricted" in state.fields]
            own = [state for state in said if state.source == self.source]
            if any(state.fields["restricted"] == digest(True) for state in own or said):
                restricted.add(keys[key])
        return frozenset(restricted)


def _states(session: Session, keys: Iterable[str]) -> States:
    """What all sources have said about the items with these keys."""
    states: States = {}
    query = select(ImportedRecord.key, ImportedRecord.source, ImportedRecord.fields, ImportedRecord.earlier)
    for state in session.execute(query.where(ImportedRecord.key.in_(sorted(keys)))):
        states.setdefault(state.key, []).append(state)
    return states
