"""Titles as people read them: mail subjects decoded, one line without tags and entities, cut at a word."""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from indexer.texts.html import plain

_ENCODED_WORD = re.compile(r"=\?[\w.+-]+(?:\*[\w-]*)?\?[bBqQ]\?[^?]*\?=")


def title_of(text: str) -> str:
    """A title in one line: encoded mail subjects (`=?utf-8?Q?...?=`), entities and tags decoded."""
    return " ".join(plain(decoded_subject(text)).split())


def decoded_subject(text: str) -> str:
    """The text with the encoded words of mail headers decoded; as it is when that is not possible."""
    if "=?" not in text or not _ENCODED_WORD.search(text):
        return text
    try:
        return str(make_header(decode_header(" ".join(text.split()))))
    except (HeaderParseError, LookupError, ValueError):  # not base64, no such character set, other bytes
        return text


def first_words(text: str, longest: int) -> str:
    """The beginning of a text in one line of at most `longest` characters, cut at a word; with `…` when it is cut."""
    words = " ".join(text[: 20 * longest].split())
    if len(words) <= longest:
        return words
    cut = words[: longest - 1] if words[longest - 1] == " " else words[: longest - 1].rpartition(" ")[0]
    return (cut if len(cut) > longest // 2 else words[: longest - 1]).rstrip(" ,;:.-") + "…"
