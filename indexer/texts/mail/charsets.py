"""Bytes of mail as text, also when the character set that is stated is unknown, missing or wrong."""

import codecs
import re

_WESTERN = frozenset({"iso8859-1", "cp1252", "iso8859-15", "iso8859-9", "ascii"})
"""Stated for many texts that are UTF-8."""
_READ_AS = {"iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}
"""A character set that contains the one that is stated, and is what the sender's program meant."""
_OTHER_NAMES = {"ks_c_5601-1987": "cp949", "x-sjis": "cp932", "x-mac-roman": "mac-roman", "macintosh": "mac-roman",
                "iso-8859-8-i": "iso8859-8", "utf8mb4": "utf-8", "x-gbk": "gb18030", "cp-850": "cp850",
                "x-euc-jp": "euc-jp"}  # fmt: skip
_OTHER_LETTERS = re.compile(rb"[\xc0-\xff]{2,}")
_MIXED_WORD = re.compile(rb"[A-Za-z][\xc0-\xff]|[\xc0-\xff][A-Za-z]|(?<![\xc0-\xff])[\xc0-\xff](?![\xc0-\xff])")
"""Letters that Western languages mix with Latin ones, as in "Näyttö", and Russian does not."""
_MOST_FAULTS = 0.02  # share of bytes that are no UTF-8, up to which a text still is: a judgement


def decoded(data: bytes, charset: str | None) -> str:
    """The text of these bytes. `charset` is what the mail says, which may be wrong. Never fails."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    name = codec_name(charset)
    is_utf8 = name == "utf-8" or name is None or (name in _WESTERN and not data.isascii())
    if is_utf8:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            if name == "utf-8":
                return _nearly_utf8(data)
    if name is None or name == "ascii":
        return _western(data)
    try:
        return data.decode(_READ_AS.get(name, name))
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8") if _is_utf8(data) else data.decode(_READ_AS.get(name, name), "replace")


def codec_name(charset: str | None) -> str | None:
    """Python's name of a character set; None when it is not known."""
    cleaned = re.sub(r"[^\w.:-]", "", (charset or "").strip().lower().partition("*")[0])
    if not cleaned:
        return None
    try:
        found = codecs.lookup(_OTHER_NAMES.get(cleaned, cleaned))
    except (LookupError, ValueError):
        return None
    return found.name if found._is_text_encoding else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _nearly_utf8(data: bytes) -> str:
    """UTF-8 with a few faults as UTF-8, anything else as what Western mail programs write."""
    text = data.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    correct = sum(character > "\x7f" for character in text) - faults
    return text if correct > faults and faults <= max(1, _MOST_FAULTS * len(data)) else _western(data)


def _western(data: bytes) -> str:
    """Text in a character set of which nothing is known: that of Western Windows, or a Russian one when its words have
    no Latin letters."""
    words = _OTHER_LETTERS.findall(data)
    if words and not _MIXED_WORD.search(data):
        letters = b"".join(words)
        lower_in_koi8 = sum(0xC0 <= byte <= 0xDF for byte in letters)
        return data.decode("koi8-r" if lower_in_koi8 * 2 > len(letters) else "cp1251", "replace")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no character there
        return data.decode("latin-1") if any(128 <= byte < 160 for byte in data) else data.decode("cp1252", "replace")
