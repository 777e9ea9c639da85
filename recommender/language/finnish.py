"""Finnish words that the dictionary does not have: spoken forms of its words, and compounds of them."""

import re
from collections.abc import Iterator

_SHORTEST_COMPOUND, _SHORTEST_HEAD, _SHORTEST_TAIL = 7, 3, 4  # letters: a judgement
_SHORT_TAILS = frozenset(("ala", "asu", "etu", "jako", "osa", "sää", "tie", "työ", "tuo", "vuo", "maa", "pää", "puu"))
"""Words of three letters that often end a compound; other short endings are rather those of a form."""
_BACK = re.compile("[aou]")
_SHORT_DIPHTHONG = re.compile(r"(?<=[aouäöe])(?=(?:nen|sen|sta|stä|set|sia|siä|sessa|sessä|sella|sellä|selle)$)")
WRONG_LEMMAS = {"net": "net", "työ": "työ"}
"""Words for which the dictionary gives the base form of a rare word with the same letters."""
_WEAK = {
    "kk": "k", "pp": "p", "tt": "t", "nk": "ng", "nt": "nn", "lt": "ll", "rt": "rr", "mp": "mm", "t": "d", "p": "v",
    "k": "",
}  # fmt: skip
_GRADE = re.compile(f"(.*?)({'|'.join(_WEAK)})([aeiouyäö]{{1,2}})")
_PREFIXES = frozenset(("ali", "epa", "epä", "esi", "eta", "etä", "ylos", "ylös"))
"""Beginnings of compounds that are rarely words of their own."""


def is_prefix(piece: str) -> bool:
    """True for a beginning of compounds that is rarely a word of its own (`etä-`), also without dots."""
    return piece in _PREFIXES


def splits(word: str) -> Iterator[tuple[str, str]]:
    """How a compound may be divided in two: (beginning, last word), longest last word first."""
    if len(word) < _SHORTEST_COMPOUND:
        return
    for cut in range(_SHORTEST_HEAD, len(word) - 2):
        tail = word[cut:]
        if len(tail) >= _SHORTEST_TAIL or tail in _SHORT_TAILS:
            yield word[:cut], tail


def written_forms(word: str) -> Iterator[str]:
    """The written forms that a spoken one may stand for, most certain first: `kipee` (kipeä), `tunnuksii` (tunnuksia),
    `löytyyks` (löytyykö), `punanen` (punainen), `unohtanu` (unohtanut), `pääsis` (pääsisi)."""
    back = bool(_BACK.search(word))
    a, o = ("a", "o") if back else ("ä", "ö")
    if word.endswith("ks"):
        yield f"{word[:-1]}{o}"
    if len(word) > 3 and word[-1] == word[-2] and word[-1] in "eiouyö":
        yield f"{word[:-1]}{a}"
    if _SHORT_DIPHTHONG.search(word):
        yield _SHORT_DIPHTHONG.sub("i", word)
    if word.endswith(("nu", "ny", "ttu", "tty")):
        yield f"{word}t"
    if word.endswith("is"):
        yield f"{word}i"
    if word.endswith(("isko", "iskö")):
        yield f"{word[:-2]}i{word[-2:]}"
    if word.endswith(("ess", "iss", "ass", "äss", "oss", "öss", "uss", "yss", "st", "lt", "ll")):
        yield f"{word}{a}"


def stems(word: str) -> tuple[str, ...]:
    """The stems to which endings of a noun are added: the base form as it is (`talo`), and in its weak grade when
    it has one (`lukko`: `luko`)."""
    found = _GRADE.fullmatch(word)
    return (word,) if found is None else (word, found[1] + _WEAK[found[2]] + found[3])
