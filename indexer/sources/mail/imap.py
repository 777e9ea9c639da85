"""Mail on an IMAP server. Folders are opened for reading only.

The headers of all mails are read for the threads, and the texts of those threads that have changed since the mark: the
last UID of each folder with its UIDVALIDITY, and when they were read. A first read that breaks off goes on with the
thread that its mark names (`until`, when it began), and with those that have changed since.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from indexer.sources.mail.letter import LONGEST, Found, Letter, letter_of
from indexer.sources.mail.options import MailOptions
from indexer.sources.mail.thread_requests import ThreadReader
from indexer.sources.mail.threads import Thread, threads_of
from indexer.sources.protocol import Abilities, Mark
from indexer.sources.records import Located
from indexer.sources.secret import read_secret
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, joined, reason_of

_HEADERS = (
    "BODY.PEEK[HEADER.FIELDS (DATE FROM SENDER REPLY-TO SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES LIST-ID LIST-POST "
    "MAILING-LIST PRECEDENCE AUTO-SUBMITTED X-AUTO-RESPONSE-SUPPRESS X-AUTOREPLY X-AUTORESPOND RETURN-PATH RECEIVED "
    "CONTENT-TYPE)]"
)
_AT_ONCE = 200  # mails whose headers are fetched at once: a judgement
_ATTEMPTS, _FIRST_PAUSE, _TIMEOUT = 5, 1.0, 60.0  # a judgement; pauses double
_PASSING = ("[UNAVAILABLE]", "[SERVERBUG]", "[INUSE]", "[LIMIT]")
"""What a server says that may answer later."""
_MARKED = 50  # threads between two marks of a first read: a judgement
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_Result = TypeVar("_Result")
Folders = dict[str, tuple[int, int]]
"""Of each folder its UIDVALIDITY and the last UID that was read."""


class ImapSource:
    """The mail of some folders of a server. `now` is the present, and `pause` waits for seconds, for tests."""

    abilities = Abilities(lists_all=True, since=True, audiences=True, people=True)

    def __init__(
        self,
        name: str,
        options: MailOptions,
        now: datetime | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self._options = name, options
        self._now = now or datetime.now(UTC).replace(tzinfo=None)
        self._server = _Server(name, options, pause)

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """The threads that have a new mail, or have come to rest, since the mark; all when it is None. Raises
        SourceError when the server cannot be read."""
        before, read_at, until = _parsed(since)
        options, zone = self._options, ZoneInfo(self._options.timezone)
        rest = timedelta(days=options.rest_days)
        with self._server as server:
            letters: list[Letter] = []
            new: set[tuple[str, int]] = set()
            after: Folders = {}
            for folder in options.folder or ("INBOX",):
                validity, found = server.heads(folder)
                letters += [letter_of(each, zone, self._now) for each in found]
                old_validity, old_uid = before.get(folder, (0, 0))
                start = old_uid if validity == old_validity else 0
                new |= {(folder, each.number) for each in found if each.number > start}
                after[folder] = validity, max([start, *(each.number for each in found)])
            reader = ThreadReader(rest, self._now)
            going, read = (after, self._now) if since is None else (before, read_at)
            threads = threads_of(letters, timedelta(weeks=options.subject_weeks))
            for number, thread in enumerate(threads, 1):
                is_unread = since is None or (until is not None and thread.first.date >= until)
                if is_unread or _has_changed(thread, new, read_at, rest, self._now):
                    yield from reader.records(thread)
                if is_unread and number % _MARKED == 0:
                    yield Mark(_mark(going, read, thread.first.date))
        yield Mark(_mark(after, self._now))


def _mark(folders: Folders, read: datetime | None, until: datetime | None = None) -> str:
    times = {"read": read, "until": until}
    return json.dumps({**{name: time and time.isoformat() for name, time in times.items()}, "folders": folders})


def _parsed(mark: str | None) -> tuple[Folders, datetime | None, datetime | None]:
    """(the folders, when they were read, when the thread began up to which a first read has come)."""
    if mark is None:
        return {}, None, None
    try:
        value = json.loads(mark)
        folders = {str(name): (int(validity), int(uid)) for name, (validity, uid) in value["folders"].items()}
        until = value.get("until")
        return folders, datetime.fromisoformat(value["read"]), until and datetime.fromisoformat(until)
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version
        return {}, None, None


def _has_changed(
    thread: Thread, new: set[tuple[str, int]], read_at: datetime | None, rest: timedelta, now: datetime
) -> bool:
    """True for a thread with a new mail, and for one that has come to rest since the last time."""
    if any((letter.file, letter.number) in new for letter in (thread.first, *thread.others)):
        return True
    return read_at is None or read_at < thread.last_date + rest <= now


class _Server:
    """A connection that is made again when it breaks. The folder that was open is opened again then."""

    def __init__(self, name: str, options: MailOptions, pause: Callable[[float], None]) -> None:
        self._name, self._options, self._pause = name, options, pause
        address = urlsplit(options.place)
        self._encrypted = address.scheme.lower() == "imaps"
        try:
            port = address.port
        except ValueError as error:
            said = Sentence("%(place)s has a port that is none. Write imaps://HOST:PORT.", place=options.place)
            raise SourceError(joined((name, said), ": ")) from error
        if not address.hostname or address.password:
            raise SourceError(
                Sentence(
                    "%(name)s: write the place as imaps://HOST, without a password, and the user as `user`.", name=name
                )
            )
        self._host, self._port = address.hostname, port or (993 if self._encrypted else 143)
        self._user = options.user or unquote(address.username or "")
        if not self._user:
            raise SourceError(
                Sentence(
                    "%(name)s: no user is named. Set `user` (--user) to the user name on %(host)s.",
                    name=name, host=self._host,
                )
            )  # fmt: skip
        self._client: IMAPClient | None = None
        self._folder, self._validity = "", 0

    def __enter__(self) -> "_Server":
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def heads(self, folder: str) -> tuple[int, list[Found]]:
        """(UIDVALIDITY, the heads of all mails of a folder that are neither deleted nor drafts)."""
        uids = self._try(folder, lambda client: client.search(["UNDELETED", "UNDRAFT"]))
        found: list[Found] = []
        for start in range(0, len(uids), _AT_ONCE):
            some = uids[start : start + _AT_ONCE]
            found += self._heads_of(folder, some)
        return self._validity, found

    def _heads_of(self, folder: str, uids: Sequence[int]) -> list[Found]:
        wanted = [_HEADERS, "INTERNALDATE", "RFC822.SIZE"]
        answers = self._try(folder, lambda client: client.fetch(uids, wanted))
        return [
            Found(
                head=_bytes(answers[uid], b"BODY[HEADER"),
                read=_Reader(self, folder, uid, int(answers[uid].get(b"RFC822.SIZE", 0))),
                file=folder,
                number=uid,
                group=folder,
                received=_utc(answers[uid].get(b"INTERNALDATE")),
                size=int(answers[uid].get(b"RFC822.SIZE", 0)),
            )
            for uid in uids
            if uid in answers
        ]

    def mail(self, folder: str, uid: int, size: int) -> bytes:
        """The bytes of a mail, of a long one its beginning; empty when it was deleted meanwhile."""
        wanted = "BODY.PEEK[]" if size <= LONGEST else f"BODY.PEEK[]<0.{LONGEST}>"
        answers = self._try(folder, lambda client: client.fetch([uid], [wanted]))
        return _bytes(answers.get(uid, {}), b"BODY[")

    def _try(self, folder: str, ask: Callable[[IMAPClient], _Result]) -> _Result:
        """What the server answers, with this folder open. Raises SourceError when it does not after some attempts."""
        pause = _FIRST_PAUSE
        for attempt in range(_ATTEMPTS):
            try:
                return ask(self._opened(folder))
            except ssl.SSLCertVerificationError as error:
                raise SourceError(
                    Sentence(
                        "%(source)s: the certificate of %(host)s cannot be trusted (%(reason)s). Install the "
                        "certificate of its issuer on this machine.",
                        source=self._name, host=self._host, reason=error.verify_message,
                    )
                ) from error  # fmt: skip
            except (OSError, IMAPClientError) as error:
                self._close()
                if attempt + 1 == _ATTEMPTS:
                    why = (isinstance(error, OSError) and reason_of(error)) or type(error).__name__
                    raise SourceError(
                        Sentence(
                            "%(source)s: %(host)s:%(port)s does not answer as it should (%(why)s). Check the address, "
                            "and try again later.",
                            source=self._name, host=self._host, port=self._port, why=why,
                        )
                    ) from error  # fmt: skip
            self._pause(pause)
            pause *= 2
        raise AssertionError

    def _opened(self, folder: str) -> IMAPClient:
        """The connection, with this folder open."""
        if self._client is None:
            self._client, self._folder = self._connected(), ""
        if self._folder != folder:
            try:
                opened = self._client.select_folder(folder, readonly=True)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                if any(code in str(error) for code in _PASSING):
                    raise IMAPClientAbortError(str(error)) from error
                self._close()
                raise SourceError(
                    Sentence(
                        "%(source)s: %(host)s refused to open the folder %(folder)r. Check its name with `folder`, "
                        "and that the user may read it.",
                        source=self._name, host=self._host, folder=folder,
                    )
                ) from error  # fmt: skip
            self._folder, self._validity = folder, int(opened.get(b"UIDVALIDITY", 0))
        return self._client

    def _connected(self) -> IMAPClient:
        password = read_secret(self._name, "password", self._options.password_file)
        context = ssl.create_default_context()
        client = IMAPClient(
            self._host, self._port, use_uid=True, ssl=self._encrypted, ssl_context=context, timeout=_TIMEOUT
        )
        if not self._encrypted:
            if client.has_capability("STARTTLS") and self._host not in _LOCAL:
                client.starttls(context)
            elif self._host not in _LOCAL:
                client.shutdown()
                raise SourceError(
                    Sentence(
                        "%(source)s: %(host)s offers no encryption. Write imaps:// before its name.",
                        source=self._name, host=self._host,
                    )
                )  # fmt: skip
        client.normalise_times = False
        try:
            client.login(self._user, password)
        except LoginError as error:
            client.shutdown()
            if isinstance(error.__context__, IMAPClientAbortError):  # the connection broke
                raise error.__context__ from None
            raise SourceError(
                Sentence(
                    "%(source)s: %(host)s did not accept the user %(user)s with this password. Check both; with a"
                    " second factor, a password for an app is needed.",
                    source=self._name, host=self._host, user=self._user,
                )
            ) from None  # fmt: skip
        return client

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.shutdown()
            except (OSError, IMAPClientError):  # it is broken already
                return


class _Reader:
    """Reads the bytes of one mail."""

    def __init__(self, server: _Server, folder: str, uid: int, size: int) -> None:
        self._server, self._folder, self._uid, self._size = server, folder, uid, size

    def __call__(self) -> bytes:
        return self._server.mail(self._folder, self._uid, self._size)


def _bytes(answer: dict[bytes, Any], name: bytes) -> bytes:
    return next((value for key, value in answer.items() if key.startswith(name) and isinstance(value, bytes)), b"")


def _utc(time: Any) -> datetime | None:
    if not isinstance(time, datetime):
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
