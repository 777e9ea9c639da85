"""What nobody reads and nothing is found by: files inside a text (pasted pictures), and other long unbroken runs."""

import re

LONGEST_RUN = 200  # characters without a space or a mark between words; longer ones are not words: a judgement
_BLOCK_LINES, _BLOCK_WIDTH = 4, 60  # an encoded file has at least so many lines, each of so many characters

_DATA = r"data:(?:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+(?:=[^\s;,]*)?)*|;base64),"
_PICTURE_TAG = re.compile(rf"<img\s[^<>]*?{_DATA}[^<>]*>", re.IGNORECASE)
_PICTURE_LINK = re.compile(rf"!\[([^\]\n]{{0,500}})\]\(\s*<?{_DATA}[^()\s]*(?:\s+\"[^\"\n]*\")?\s*\)", re.IGNORECASE)
_ADDRESS = re.compile(rf"\b{_DATA}[^\s\"'<>()\[\]]*", re.IGNORECASE)
_WITHOUT_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
"""Scripts that write words without spaces (Thai, Khmer, Chinese, Japanese and others)."""
_RUN = re.compile(rf"""[^\s{{}}\[\]()<>"'`,;:&?|{_WITHOUT_SPACES}]{{{LONGEST_RUN},}}""")
_BLOCK = re.compile(rf"(?:^[ \t>]*[A-Za-z0-9+/]{{{_BLOCK_WIDTH},}}=*[ \t]*\r?\n){{{_BLOCK_LINES - 1},}}"
                    r"[ \t>]*[A-Za-z0-9+/]+=*[ \t]*$", re.MULTILINE)  # fmt: skip


def readable(text: str) -> tuple[str, int]:
    """(the text without data addresses, encoded files and unbroken runs; how many characters were left out). The words
    that describe a picture stay."""
    if len(text) <= LONGEST_RUN and "data:" not in text.lower():
        return text, 0
    kept = _PICTURE_LINK.sub(lambda picture: picture[1], _PICTURE_TAG.sub(" ", text))
    kept = _BLOCK.sub(" ", _ADDRESS.sub(" ", kept))
    kept = _RUN.sub(" ", kept)
    return kept, len(text) - len(kept)
