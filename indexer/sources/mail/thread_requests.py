"""What becomes of a thread of mails: a request with its replies, its state, and the people who wrote them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.errors import MessageError
from typing import Literal

from pydantic import ValidationError

from indexer.sources.mail.automatic import is_absence
from indexer.sources.mail.letter import Letter
from indexer.sources.mail.subjects import title_of_subject
from indexer.sources.mail.threads import Thread
from indexer.sources.mail.words import is_thanks, says_unsolved
from indexer.sources.records import (
    LONGEST_TITLE,
    Change,
    Located,
    PersonRecord,
    ReplyRecord,
    RequestRecord,
    first_problem,
)
from indexer.texts.mail.body import body_of
from indexer.texts.mail.cut import own_text
from indexer.texts.subject import first_words
from recommender.outbox.handover import key_in

AUTOMATIC = "automatic mails were left out"
_LONGEST_TEXT = 200_000  # characters of a mail, which is a log then: a judgement
_TEXT_CUT = "the text of a mail is longer than 200,000 characters; its end was left out"
_TITLE_OF_TEXT = 100  # characters of a title that is made of a text: a judgement
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class _Written:
    """What somebody wrote in a mail, and the names of the files with it."""

    letter: Letter
    text: str
    attachments: tuple[str, ...]
    invitation: bool = False


@dataclass
class ThreadReader:
    """Makes records of threads. A thread without a mail for `rest` is over. People are yielded once, when they first
    write; `now` is the present."""

    rest: timedelta
    now: datetime
    _people: set[str] = field(default_factory=set)

    def records(self, thread: Thread) -> Iterator[Located]:
        """The people of a thread who are new, then its request. Nothing for a thread that a program began."""
        letters = [thread.first, *thread.others]
        changes = [(note, "") for letter in letters for note in letter.notes]
        persons = [letter for letter in letters if not letter.automatic]
        changes += [(AUTOMATIC, "")] * (len(letters) - len(persons))
        written: list[_Written] = []
        for letter in persons:
            text = self._written(letter, letter is thread.first, changes)
            if text.invitation or (written and is_absence(text.text)):
                changes.append((AUTOMATIC, ""))
            else:
                written.append(text)
        if not written:
            return
        place = thread.first.file, thread.first.number
        try:
            record = self._request(written)
        except ValidationError as error:
            yield Located(*place, None, first_problem(error))
            return
        for each in written:
            if person := self._person(each.letter):
                yield Located(each.letter.file, each.letter.number, person)
        yield Located(*place, record, changes=tuple(changes))

    def _written(self, letter: Letter, first: bool, changes: list[Change]) -> _Written:
        try:
            body = body_of(message_from_bytes(letter.read()))
        except (MessageError, ValueError, LookupError, RecursionError) as error:
            changes.append(("the text of a mail could not be read", type(error).__name__))
            return _Written(letter, "", ())
        changes += [(note, "") for note in body.notes]
        if len(body.text) > _LONGEST_TEXT:
            body.text = body.text[:_LONGEST_TEXT]
            changes.append((_TEXT_CUT, ""))
        text = own_text(_NOT_STORABLE.sub("", body.text), letter.name, letter.author, forwarded=first)
        return _Written(letter, text, tuple(dict.fromkeys(body.attachments)), body.invitation)

    def _request(self, written: list[_Written]) -> RequestRecord:
        first, rest = written[0], [each for each in written[1:] if each.text]
        accepted, status = self._outcome(first, rest, max(each.letter.date for each in written))
        sent_on = next((parent for parent in first.letter.parents if key_in(parent)), "")
        if sent_on:  # replies to a request that Kollega has mailed, which is not there itself
            rest, accepted, status = [each for each in written if each.text], None, "open"
        title = title_of_subject(first.letter.subject) or first_words(first.text, _TITLE_OF_TEXT) or "(no subject)"
        replies = [
            ReplyRecord(
                id=each.letter.id,
                author=each.letter.author or None,
                body=each.text,
                created_at=max(each.letter.date, first.letter.date),
                accepted=each is accepted,
            )
            for each in rest
        ]
        names = dict.fromkeys(name for each in written for name in each.attachments)
        return RequestRecord(
            id=sent_on or first.letter.id,
            title=first_words(_NOT_STORABLE.sub("", title), LONGEST_TITLE),
            body=first.text,
            status=status,
            asked_by=None if sent_on else first.letter.author or None,
            created_at=first.letter.date,
            resolved_at=max(accepted.letter.date, first.letter.date) if accepted else None,
            replies=tuple(replies),
            group=first.letter.group,
            readers_there=(first.letter.group,) if first.letter.group else None,
            attachments=tuple(names),
        )

    def _outcome(
        self, first: _Written, rest: list[_Written], last: datetime
    ) -> tuple[_Written | None, Literal["open", "resolved", "closed"]]:
        """(the answer, the state). The answer is the last reply of somebody else before the asker's thanks; without
        thanks the last one of a thread that is over, unless the asker wrote after it that it did not help."""
        is_over = self.now - last >= self.rest
        own = [place for place, each in enumerate(rest) if _same(each.letter, first.letter)]
        others = [place for place, each in enumerate(rest) if place not in set(own) and not key_in(each.letter.id)]
        if own and is_thanks(rest[own[-1]].text) and (before := [place for place in others if place < own[-1]]):
            return rest[before[-1]], "resolved"
        if not is_over:
            return None, "open"
        if others and not (own and own[-1] > others[-1] and says_unsolved(rest[own[-1]].text)):
            return rest[others[-1]], "resolved"
        return None, "open" if key_in(first.letter.id) else "closed"  # what Kollega has mailed, a team has to close

    def _person(self, letter: Letter) -> PersonRecord | None:
        if not letter.author or letter.author in self._people:
            return None
        self._people.add(letter.author)
        try:
            name = letter.name if letter.name and "@" not in letter.name else letter.author
            return PersonRecord(id=letter.author, name=name, email=letter.author)
        except ValidationError:
            return None


def _same(letter: Letter, other: Letter) -> bool:
    """True when one person wrote both."""
    if letter.author or other.author:
        return letter.author == other.author
    return bool(letter.name) and letter.name.casefold() == other.name.casefold()
