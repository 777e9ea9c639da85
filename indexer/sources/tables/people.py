"""The people in the cells of a table: names, logins and mail addresses, each person once."""

import re
from collections.abc import Iterator

from indexer.sources.records import PersonRecord
from recommender.database.handles import usable_handle

_MAIL = re.compile(r"[^\s<>()\[\],;:\"]{1,100}@[^\s<>()\[\],;:\"@]+\.[^\s<>()\[\],;:\"@]{2,20}")
_AROUND = re.compile(r"\s*[<(\[](?:mailto:)?([^<>()\[\]]*)[>)\]]\s*")
_MOST_KEPT = 20_000  # cells whose person is kept in memory: a judgement
_WORDS_FOR_NOBODY = "|-|none|null|unassigned|ei kukaan|ei osoitettu|nobody|n/a|anonymous|ingen|niemand|personne"
_NOBODY = frozenset(_WORDS_FOR_NOBODY.split("|"))


class People:
    """Finds the handle of whoever a row names. `name` is that of the source, which its handles begin with: the same
    name may be somebody else elsewhere. A person of whom a row has only the name has a handle with `by_name` alone:
    that of the one person of this name whose id or address another row has, if there is one. `names` are the names of
    those who were found, by their ids in the table."""

    def __init__(self, name: str, by_name: bool) -> None:
        self._source, self._by_name = name, by_name
        self._found: dict[str, PersonRecord] = {}
        self._handles: dict[tuple[str, str, str], str | None] = {}
        self._named: dict[str, set[str]] = {}  # handles of those whose id or address is known, by their names
        self._only_named: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def handle(self, who: str, email: str = "", identifier: str = "") -> str | None:
        """The handle of a person with this name, login or mail address; None when there is none."""
        key = (who, email, identifier)
        if key not in self._handles:
            if len(self._handles) >= _MOST_KEPT:
                self._handles.clear()
            self._handles[key] = self._find(who, email, identifier)
        return self._handles[key]

    def _find(self, who: str, email: str, identifier: str) -> str | None:
        name, mail, login = _parts(who)
        mail = (email if _MAIL.fullmatch(email) else "") or mail
        if who.strip().casefold() in _NOBODY and not mail and not identifier:
            return None
        if identifier:
            handle = usable_handle(f"{self._source}-{identifier}")
        elif mail:
            handle = usable_handle(f"{self._source}-{mail.lower()}")
        elif login:
            return usable_handle(login)
        else:
            return self._handle_of_name(name) if self._by_name and name else None
        if identifier and name:
            self.names[identifier] = name
        if self._by_name and name:
            self._named.setdefault(name.casefold(), set()).add(handle)
        if name or mail:
            known = self._found.get(handle)
            if known is None or (mail and not known.email) or (name and known.name == known.email):
                self._found[handle] = PersonRecord(
                    id=handle, name=(name or (known.name if known else mail))[:200], email=mail.lower() or None
                )
        return handle

    def _handle_of_name(self, name: str) -> str:
        named = self._named.get(name.casefold(), ())
        if len(named) == 1:
            return next(iter(named))
        self._only_named.setdefault(name.casefold(), name)
        return usable_handle(f"{self._source}-{'-'.join(name.casefold().split())}")

    def records(self) -> Iterator[PersonRecord]:
        """Everybody who was found. What is asked for later takes into account who was found before."""
        yield from self._found.values()
        for folded, name in self._only_named.items():
            if len(self._named.get(folded, ())) != 1:
                yield PersonRecord(id=self._handle_of_name(name), name=name[:200])
        self._handles.clear()


def _parts(who: str) -> tuple[str, str, str]:
    """(name, mail address, login) of a cell, each empty when it is not there."""
    who = " ".join(who.split())
    mail = _MAIL.search(who)
    if mail:
        rest = " ".join(_AROUND.sub(" ", who.replace(mail[0], "")).replace("mailto:", "").split()).strip(" <>()[],;")
        return rest, mail[0], ""
    bare = _AROUND.sub("", who).strip()
    if bare and " " not in bare:
        return "", "", bare
    family, comma, given = bare.partition(", ")
    return (f"{given} {family}" if comma and "," not in given else bare), "", ""
