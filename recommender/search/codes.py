"""Finds the codes of a question, such as error codes, device models and versions, and whether a text mentions them.

A code is a word with a digit. Dates, times, years, amounts and phone numbers are not codes: an answer rarely repeats
them. A number alone is a code when it has at least three digits (`807`), or follows a word that is numbered (`error 5`,
`Windows 11`).
"""

import re
from collections.abc import Collection
from functools import lru_cache
from itertools import pairwise

from recommender.language.terms import fold

_SKIPPED = re.compile(
    r"""(?:https?://|www\.)\S+|\S+@\S+\.\w+                                 # addresses
    |(?<!\w)\+?\d{2,4}(?:[ -]\d{2,4}){2,4}(?!\w)                            # phone numbers
    |(?<![\w.])(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:\d{4}|\d\d)(?!\w|\.\d)  # dates: 3.12.2024
    |(?<![\w.])\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?(?!\w)                         # 2024-12-03
    |(?<![\w.])\d{1,2}\.\d{1,2}\.(?!\w)                                     # 3.12.
    |(?<!\w)\d{1,3}(?:[ \u00a0,]\d{3})+(?!\w)                               # amounts: 9 500, 9,500
    |(?<!\w)\d{1,4}(?:(?:\.\d\d)?\s?[-–/]\s?\d{1,4}(?:\.\d\d)?|[,:]\d\d(?::\d\d)?)(?![\w:])  # 8-16, 5/2024, 16:30, 1,50
    """,
    re.VERBOSE,
)
_DIGIT, _NUMBER = re.compile(r"\d"), re.compile(r"\d+")
_WORD = re.compile(r"[A-Z]/\d+\w*|\w+(?:[.\-:+#]\w+)*")
_UNIT = re.compile(r"\s?(mm|cm|v|w|a|ah|hz|bar|kv|kw|tuuma\w*|inch(?:es)?|tum)(?![\w])", re.IGNORECASE)
_AMOUNT = re.compile(
    r"""(?:[€$£%°]|(?:e|eur|euro\w*|snt|kr|usd|dollar\w*|pros\w*|percent|procent|kpl|kappale\w*|pcs|st|x|kg|g|km|m|l|k
    |gb|gt|mb|mt|tb|tt|kb|h|hr|hrs|t|min|mins|s|sek|ms|pv|vk|kk|v|vrk|am|pm
    |vuo\w*|vuot\w*|year\w*|år\w*|kuukau\w*|month\w*|månad\w*|viik\w*|week\w*|veck\w*|päiv\w*|paiv\w*|day\w*|dag\w*
    |tunti\w*|tunni\w*|tunte\w*|hour\w*|timm\w*|minu\w*|seku\w*|second\w*|kert\w*|kerr\w*|time|times|gång\w*|gang\w*
    |kilom\w*|metri\w*|met(?:er|re)s?|ast\w*|degrees?|henk\w*|hlö\w*|hlo\w*|ihmi\w*|people|person\w*|users?|käyttäjä\w*|employee\w*|tonn\w*|ton|tons|asti|aikaan)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_ORDINARY = frozenset(
    (
        "1st", "2nd", "3rd", "1-on-1", "24/7", "2d", "2fa", "2-vaiheinen", "3d", "3g", "4g", "5g", "b2b", "b2c", "co2",
        "covid19", "covid-19", "h2o", "m365", "o365", "p2p", "web2", "7-zip", "7zip",
    )
)  # fmt: skip
"""Words with a digit that name something common: an answer may well call it by another name."""
_NUMBERED = (
    "android", "code", "debian", "dock", "error", "event", "exit", "fault", "fel", "form", "iphone", "ipad",
    "ios", "java", "kod", "level", "lomak", "macos", "malli", "mall", "model", "office", "php", "port", "python", "rel",
    "skriv", "status", "tapaht", "tyyp", "type", "typ", "ubuntu", "versi", "vers", "vika", "virhe", "win", "windows",
)  # fmt: skip
"""How words begin that are followed by a number which is part of a name."""
_OWN_NUMBER = (
    "asiak", "bestall", "butik", "case", "customer", "faktur", "gsm", "huone", "id", "invoice", "kassa", "klass",
    "kunda", "kund", "lane", "lask", "luok", "myymala", "order", "p.", "phone", "puh", "ref", "request", "room", "rum",
    "shop", "store", "tel", "tila", "tiketti", "ticket", "viite",
)  # fmt: skip
"""How words begin that are followed by a number of the asker's own case or place: an answer never repeats it."""
_LETTER = 40
"""Words from which a text is a letter, in which a number alone is a code only after a word of `_NUMBERED`: a
judgement."""
_AROUND = 100
"""Characters before and after a number that are read; a judgement."""
_BEFORE_AMOUNT = frozenset(
    (
        "klo", "kello", "at", "since", "noin", "yli", "alle", "vain", "about", "over", "under", "only", "around", "kl",
        "hinta", "price", "paivana", "asti", "until", "saakka", "of", "for", "vuonna", "in", "year", "vuosi", "vuoden",
        "year's", "ar", "sedan", "ungefar", "maaliskuun", "may",
    )
)  # fmt: skip
_ENDING = re.compile(r"(?::[^\W\d_]+|-[^\W\d_]{3,})$")
"""A Finnish case ending, or a word that is joined to a code (`H60-kuulokkeet`)."""
_LONGEST_CODE = 64  # characters, of a SHA-256 digest; what is longer is an encoded file, and slow to look for
_SHORT_LETTERS = re.compile(r"([A-Z]{1,2})[ -]?$")
_NAMES_IN_CAPITALS = frozenset(("ID", "NO", "NR", "PC", "HR", "IT", "AD", "OK", "TV"))


@lru_cache(maxsize=1024)
def codes(text: str) -> tuple[str, ...]:
    """The codes of a text as they are written, each once, in order: `TK-408`, `0x80070006`, `v2.3`, `807`, `80 mm`."""
    found: dict[str, str] = {}
    if not _DIGIT.search(text):
        return ()
    text = _SKIPPED.sub(_blank, text)
    is_letter = len(text.split()) > _LETTER
    for word in _WORD.finditer(text):
        if len(word.group()) > _LONGEST_CODE:
            continue
        if _DIGIT.search(word.group()) and (code := _code(text, word, is_letter)):
            found.setdefault(_plain(code), code)
    return tuple(found.values())


def mentions(folded: str, code: str) -> bool:
    """True if a folded text (`terms.fold`) holds the code, however its parts are joined: `E-52`, `E52` and `E 52` are
    the same. `807` is not in `8070`."""
    parts, pattern = _pattern(code)
    return all(part in folded for part in parts) and bool(pattern.search(folded))


def form(code: str) -> str:
    """A code without the value of its digits: `TK-408` and `TK-403` have the same form, `tk0`."""
    return _NUMBER.sub("0", _plain(code))


def may_have_form(folded: str, forms: Collection[str]) -> bool:
    """False if no code in a folded text has one of these forms: quicker than to find its codes."""
    return any(_form_pattern(each).search(folded) for each in forms)


def _blank(match: "re.Match[str]") -> str:
    """Spaces instead of what is no code; but numbers after a word that is numbered stay (`virheet 691,807`)."""
    before = match.string[max(0, match.start() - _AROUND) : match.start()].split()
    is_list = "," in match.group() and bool(before) and fold(before[-1]).startswith(_NUMBERED)
    return match.group() if is_list else " " * len(match.group())


def _code(text: str, word: "re.Match[str]", in_letter: bool) -> str:
    """The code that this word is, or is the number of; empty when it is none. `in_letter` is True in a long text."""
    written = _ENDING.sub("", word.group())
    if not _DIGIT.search(written) or written.lower() in _ORDINARY:
        return ""
    end = word.start() + len(written)
    before, after = text[max(0, word.start() - _AROUND) : word.start()], text[end : end + _AROUND]
    if unit := _UNIT.match(after):
        measured = written.isdigit() and unit.group(1) not in ("v", "a")
        if measured:
            return written + unit.group()
    if not written[0].isdigit() or any(character.isalpha() for character in written):
        return "" if _is_amount_word(written) else written
    return "" if written != word.group() else _number_code(written, before, after, in_letter)


def _number_code(written: str, before: str, after: str, in_letter: bool) -> str:
    """The code of a word that has only digits and signs between them: the number, with one or two capital letters
    before it (`E 52`)."""
    if _AMOUNT.match(after.lstrip(" \u00a0-:")):
        return ""
    letters = _SHORT_LETTERS.search(before)
    starts_word = letters and not before[: letters.start()][-1:].isalnum()
    if letters and starts_word and letters.group(1) not in _NAMES_IN_CAPITALS:
        return letters.group() + written
    words = before.split()
    previous = words[-1].strip("\"'“”()[]#,:") if words else ""
    if fold(previous) in _BEFORE_AMOUNT or fold(previous).startswith(_OWN_NUMBER):
        return ""
    if fold(previous).startswith(_NUMBERED):
        return written
    if in_letter:
        return ""
    if previous.isupper() and len(previous) > 1:
        return written
    is_name = previous[:1].isupper() and len(words) > 1 and words[-2][-1:] not in ".!?"
    if not written.isdigit():  # parts joined by dots: a version if there are three, else more often an amount
        return written if is_name or len(re.findall(r"\d+", written)) > 2 else ""
    is_year = len(written) == 4 and written.startswith(("19", "20"))
    is_phone = len(written) >= 9 and written.startswith(("0", "358", "46"))
    if is_year or is_phone:
        return ""
    return written if len(written) >= 3 or is_name else ""


def _is_amount_word(written: str) -> bool:
    """True for a number joined with a unit (`30min`, `10e`, `3-vuotias`), or an ordinal (`4th`)."""
    match = re.fullmatch(r"\d+(?:[.,]\d+)?-?(\D+)", written)
    if not match:
        return bool(re.fullmatch(r"(?:klo|kl)\d{1,2}(?:[.:]\d\d)?", written, re.IGNORECASE))
    unit = match.group(1)
    return unit in ("th", "st", "nd", "rd", "s") or (bool(_AMOUNT.fullmatch(unit)) and not unit.isupper())


def _plain(code: str) -> str:
    """The code without signs and capitals: two codes with the same plain form are the same."""
    return re.sub(r"[\W_]", "", fold(code))


@lru_cache(maxsize=4096)
def _form_pattern(form: str) -> "re.Pattern[str]":
    return re.compile(r"[\W_]*".join(r"\d+" if character == "0" else re.escape(character) for character in form))


@lru_cache(maxsize=4096)
def _pattern(code: str) -> tuple[list[str], "re.Pattern[str]"]:
    """(the letters and digits of a code, without which no text holds it, and which are quick to look for; what matches
    a folded text that holds it). Letters and digits may be joined by a sign, a space or nothing; between two numbers of
    a version there must be a sign."""
    parts = re.findall(r"\d+|[^\W\d_]+", fold(code))
    if len(parts) > 2 and parts[:2] == ["0", "x"]:
        parts = parts[2:]
        prefix = "(?:0x)?"
    elif len(parts) > 1 and parts[0] == "v":
        parts, prefix = parts[1:], "v?"
    else:
        prefix = ""
    pattern = parts[0]
    for left, right in pairwise(parts):
        pattern += (r"[\s._:/\\-]" if left.isdigit() and right.isdigit() else r"[\s._:/\\#+-]?") + right
    return parts, re.compile(rf"(?<![^\W_]){prefix}(?<!\d[.,]){pattern}(?![^\W_])")
