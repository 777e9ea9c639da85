"""Small invented mails, and what the source makes of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from indexer.sources.mail.files import MailFiles
from indexer.sources.mail.options import MailOptions
from indexer.sources.records import Located, PersonRecord, RequestRecord

DAY = datetime(2026, 3, 2, 8, 0)
NOW = DAY + timedelta(days=60)
MATTI, AINO, EERO = "Matti Mäki <matti@example.fi>", "Aino Virta <aino@example.fi>", "Eero Aho <eero@example.fi>"


def mail(
    number: int,
    text: str = "Kone ei käynnisty.",
    sender: str = MATTI,
    subject: str = "Kone",
    answers: str | int = "",
    hours: float | None = None,
    **headers: str,
) -> bytes:
    """A mail with the id `<NUMBER@example.fi>`, written `hours` after DAY (its number of hours when not given)."""
    date = DAY + timedelta(hours=number if hours is None else hours)
    lines = {
        "From": sender,
        "To": "tuki@example.fi",
        "Subject": subject,
        "Date": format_datetime(date),
        "Message-ID": f"<{number}@example.fi>",
        "Content-Type": "text/plain; charset=utf-8",
    }
    if answers:
        lines["In-Reply-To"] = f"<{answers}@example.fi>" if isinstance(answers, int) else answers
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\n" for name, value in lines.items() if value)
    return f"{head}\n{text}\n".encode()


def mbox(mails: Iterable[bytes]) -> bytes:
    """An mbox file of these mails."""
    return b"".join(b"From x@example.fi Mon Mar  2 08:00:00 2026\n" + each + b"\n" for each in mails)


def read(place: Path, now: datetime = NOW, **options: Any) -> list[Located]:
    """What the source yields for a place on the disk."""
    return list(MailFiles("mail", MailOptions(place=str(place), **options), now).records())


def requests(place: Path, now: datetime = NOW, **options: Any) -> list[RequestRecord]:
    """The requests of a place on the disk."""
    return [found.record for found in read(place, now, **options) if isinstance(found.record, RequestRecord)]


def people(found: Iterable[Located]) -> list[PersonRecord]:
    """The people among these records."""
    return [each.record for each in found if isinstance(each.record, PersonRecord)]


def of(folder: Path, *mails: bytes, now: datetime = NOW, **options: Any) -> list[RequestRecord]:
    """The requests that these mails become."""
    file = folder / "box.mbox"
    file.write_bytes(mbox(mails))
    return requests(file, now, **options)
