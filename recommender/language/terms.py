"""The terms that texts and questions are reduced to: tokens, lemmas and character n-grams."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LONGEST_TOKEN = 100  # characters: a judgement, twice as long as the longest Finnish compound words in use
_GRAM = 5  # characters of an n-gram: a judgement
_CASE = re.compile(
    r"i?(?:ss|st|ll|lt)[aä]|i?lle|i?ksi|i?n[aä]|h[aäeiouyö]n|aan|ään|een|iin|oon|uun|ihin|i?den|e?it[aä]|eille"
)
_SHORT_CASE = re.compile(r"n|t|[aä]{1,2}|tt?[aä]|[aäeiouyö]n|ien")
"""Finnish case endings after an abbreviation and a colon (`VPN:ssä`). The short ones count only after capitals, since
`lang:en` has no case ending."""


APOSTROPHES = "'\u2019\u2018\u201b\u02bc\u02bb\u02b9\u00b4\u0060\u2032\uff07"
HYPHENS = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
"""Characters that only say where a line may break."""
_SIGNS = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(HYPHENS, "-") | dict.fromkeys(INVISIBLE, ""))
_SIGN = re.compile(f"[{re.escape(''.join(chr(sign) for sign, plain in _SIGNS.items() if chr(sign) != plain))}]")
_PLAIN_LETTERS = str.maketrans(
    {
        "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "đ": "d", "ł": "l", "ħ": "h", "ı": "i",
        "ŋ": "n", "ŧ": "t", "ĸ": "k",
    }
)  # fmt: skip
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
DOTS = re.compile("[äöåÄÖÅ\u0308\u030a]")
"""Matches a text that was written with the letters of Finnish and Swedish."""


def _token_pattern(letters: str, apostrophe: str, hyphen: str) -> str:
    """The pattern of a token, whose parts are made of `letters`: a drive letter (`Z:`), a name that begins with a dot
    (`.NET`), or parts joined by signs, of which one may be `C#` or `C++`."""
    part = rf"(?:(?<![^\W_])[^\W\d_]\#(?![^\W_])|{letters}(?:\+\+(?!\+))?)"
    joined = rf"(?:[.{hyphen}_:/\\@+#{apostrophe}]{part})*"
    drive = r"(?<![^\W_])[A-Za-z]:(?![^\W_:])"
    dotted = rf"(?<![\w.])\.(?=[^\W\d_]{{2}}){part}"
    return rf"{drive}|(?:{dotted}|{part}){joined}"


_TOKEN = re.compile(_token_pattern(r"[^\W_]+", "'", r"\-"))
_MARKS = rf"[\u0300-\u036f{INVISIBLE}]"
WRITTEN_TOKEN = re.compile(
    _token_pattern(rf"[^\W_]+(?:{_MARKS}+[^\W_]+)*{_MARKS}*", APOSTROPHES, HYPHENS.replace("-", r"\-"))
)
"""Matches a token in a text as it is written: marks may be characters of their own, and hyphens and apostrophes any."""


@dataclass(frozen=True)
class Terms:
    """The terms of a text: `words` (lemmas and identifiers) and character n-grams (`grams`). `written` are the lemmas
    that another word would share without the marks on its letters (`sääri`, `saari`), as they are written. A question
    also has `translations`: other terms that stand for its words (translations, synonyms, corrections), most probable
    first."""

    words: tuple[str, ...]
    grams: tuple[str, ...]
    translations: tuple["Translation", ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation:
    """A term that stands for `word`, a term of the question, with its probability. It is in another language, or a
    synonym or a correction."""

    term: str
    word: str
    probability: float


def fold(text: str) -> str:
    """A text in lower case, without marks on letters: `Łódź’s` and `lodz's` are the same. Letters that Unicode does not
    take apart (`ø`, `ß`) become plain ones, and all apostrophes and all hyphens are one."""
    lower = text.lower()
    if not lower.isascii():
        lower = lower.replace("ä", "a").replace("ö", "o").replace("å", "a")  # nearly all there is, and quick
    return lower if lower.isascii() else _NOT_ASCII.sub(lambda match: _plain_letters(match.group()), lower)


@lru_cache(maxsize=4096)
def _plain_letters(letters: str) -> str:
    """Lower-case letters and signs, none of which is in ASCII, without marks and as plain ones."""
    apart = unicodedata.normalize("NFKD", unify(letters).lower())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_PLAIN_LETTERS)


def unify(text: str) -> str:
    """A text in which each letter is one character, all apostrophes and all hyphens are one, and characters that only
    say where a line may break are left out."""
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and not _SIGN.search(text)):
        return text  # nearly always, and in a fraction of the time
    return unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)


def tokens(text: str) -> list[str]:
    """The tokens of a text in lower case. Parts joined by `. - _ : / \\ @ + # '` are one token, without a case ending.
    A letter alone counts only when it is written as a name: a capital one (`R`), but not the words `A` and `I`. Of what
    is longer than any word, such as an encoded file, only the beginning counts: looking for its parts would take
    minutes."""
    found = (_without_case(token)[:_LONGEST_TOKEN] for token in written_tokens(text))
    return [token.lower() for token in found if len(token) > 1 or _is_name(token)]


def written_tokens(text: str) -> list[str]:
    """The tokens of a text as they are written, of each of which `tokens` makes one or none. What stands between spaces
    and has only letters and digits is one: the pattern takes several times as long to find that out."""
    found = []
    for part in unify(text).split():
        if part.isalnum():
            found.append(part)
        else:
            found += _TOKEN.findall(part)
    return found


def _is_name(character: str) -> bool:
    return character.isdigit() or (character.isupper() and character not in "AI")


def _without_case(token: str) -> str:
    """The token without an English 's or a Finnish case ending after a colon."""
    if token.endswith(("'s", "'S")):
        return token[:-2]
    base, _colon, ending = token.rpartition(":")
    if not base or ":" in base:
        return token
    case = ending.lower()
    return base if _CASE.fullmatch(case) or (base.isupper() and _SHORT_CASE.fullmatch(case)) else token


def grams_of(term: str) -> list[str]:
    """The character 5-grams of a term; none of a short term or an identifier."""
    if len(term) <= _GRAM or not term.isalpha():
        return []
    return [term[start : start + _GRAM] for start in range(len(term) - _GRAM + 1)]
