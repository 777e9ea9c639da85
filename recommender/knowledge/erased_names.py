"""The names of people who were erased, which name no topic any more. Only a digest of each word is kept, as of
everything that was erased. Whoever has the database can find such a word by trying many names, and then knows that
somebody with this name was erased. The key of the installation is no part of the digest: with another key, as after a
move to another machine, the names would be forgotten and name topics again."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.audit import Actor
from recommender.database.days import current_day
from recommender.database.erased_table import Erased
from recommender.database.insight_tables import TopicRow
from recommender.database.person_kind import SERVICE
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person
from recommender.language.terms import fold, tokens

_SHORTEST = 3
"""Letters of a word that is remembered: a judgement."""
_COMPUTED, _GIVEN = ("name_fi", "name_en"), ("given_fi", "given_en")


@dataclass(frozen=True)
class NamesOfPeople:
    """The words of the names of all people, folded, and digests of what was erased."""

    words: frozenset[str]
    erased: frozenset[str]

    def has(self, words: Collection[str]) -> bool:
        """True when one of these words, which are folded, is part of the name of somebody who is or was here."""
        if not self.words.isdisjoint(words):
            return True
        return bool(self.erased) and any(_digest(word) in self.erased for word in words)


def names_of_people(session: Session) -> NamesOfPeople:
    """The names of all people who are or were here; those of services are words that name topics."""
    people = select(Person.name).where(Person.kind != SERVICE)
    words = frozenset(word for name in session.scalars(people) for word in words_of(name))
    return NamesOfPeople(words, frozenset(session.scalars(select(Erased.digest))))


def words_of(name: str) -> set[str]:
    """The words of a name, folded."""
    return {fold(word) for word in tokens(name)}


def forget_name(session: Session, person: Person, who: Actor) -> None:
    """Take the name of a person who is erased out of the names of topics, and remember that it names none. A topic that
    had it is not shown until it has another name; one that a lead had named so is called by its computed name, which is
    recorded. Names of services, and initials, are words that name topics."""
    if person.kind == SERVICE:
        return
    words = {word for word in words_of(person.name) if len(word) >= _SHORTEST}
    for topic in session.scalars(select(TopicRow)).all():
        having = [column for column in (*_COMPUTED, *_GIVEN) if words & words_of(getattr(topic, column) or "")]
        for column in having:
            setattr(topic, column, "" if column in _COMPUTED else None)
        if given := [column.removeprefix("given_") for column in having if column in _GIVEN]:
            audit.record(session, who, "topic.name_removed", f"topic:{topic.id}", {"languages": sorted(given)})
    for word in sorted(words):
        insert_or_keep(session, Erased, {"digest": _digest(word)}, {"erased_on": current_day()})


def _digest(word: str) -> str:
    return hashlib.sha256(f"name\0{word}".encode("utf-8", "surrogatepass")).hexdigest()
