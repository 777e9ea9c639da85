"""Mail: mbox files, .eml files, maildir folders, ZIP files of them, and IMAP servers. A thread becomes a request.

Finding mails is in `places.py` and `imap.py`, reading one in `letter.py`, threads in `threads.py`, and what becomes of
a thread in `thread_requests.py`.
"""

import re
from typing import cast

from indexer.sources.mail.options import MailOptions
from indexer.sources.protocol import Options, Source

OPTIONS = MailOptions


def open_source(name: str, options: Options) -> Source:
    """The mail at `options.place`. Raises SourceError for an address that cannot be one."""
    options = cast(MailOptions, options)
    if re.match(r"imaps?://", options.place, re.IGNORECASE):
        from indexer.sources.mail.imap import ImapSource

        return ImapSource(name, options)
    from indexer.sources.mail.files import MailFiles

    return MailFiles(name, options)
