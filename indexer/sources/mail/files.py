"""Mail on the disk as a source. Its mails are read twice: the headers for the threads, then the texts thread by thread,
so that memory holds no texts but those of one thread."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from indexer.sources.mail.letter import letter_of
from indexer.sources.mail.options import MailOptions
from indexer.sources.mail.places import Places
from indexer.sources.mail.thread_requests import ThreadReader
from indexer.sources.mail.threads import threads_of
from indexer.sources.protocol import Abilities, WholeSource
from indexer.sources.records import Located
from recommender.errors import SourceError


class MailFiles(WholeSource):
    """Mail in a file or folder. `now` is the present, for tests."""

    abilities = Abilities(lists_all=True, audiences=True, people=True)

    def __init__(self, name: str, options: MailOptions, now: datetime | None = None) -> None:
        self.name, self._options = name, options
        self._now = now or datetime.now(UTC).replace(tzinfo=None)

    def records(self) -> Iterator[Located]:
        """A request for each thread, with its people before it. Raises SourceError when a file is cut short, after what
        could be read of it."""
        options, zone = self._options, ZoneInfo(self._options.timezone)
        with Places(Path(options.place)) as places:
            letters = (letter_of(found, zone, self._now) for found in places.mails())
            threads = threads_of(letters, timedelta(weeks=options.subject_weeks))
            for file, problem in places.problems:
                yield Located(file, 1, None, problem)
            reader = ThreadReader(timedelta(days=options.rest_days), self._now)
            for thread in threads:
                yield from reader.records(thread)
            if places.broken:
                raise SourceError(places.broken)
