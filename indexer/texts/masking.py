"""Personal data that is taken out of texts before they are stored: identity codes, account and card numbers, passwords.

A number counts only when its check digits are right, so that order numbers, references and error codes stay.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from stdnum import iban, luhn
from stdnum.fi import hetu

Span = tuple[int, int]
_NUMBER = re.compile(r"\d(?:[ \xa0-]?\d){5}")
_PASSWORD_WORDS = ("salasana", "pass", "pwd", "lösenord")
_PIN = re.compile(r"pin(?:-?koodi|[ -]code)?[*`'\"]{0,3}(?:\s*[:=]|\s+(?:on|is|är|was|oli|var)\b)")
"""A text without any of these is not searched further, because that takes longer."""
KINDS = {
    "identity-codes": "personal identity code",
    "account-numbers": "account number",
    "card-numbers": "card number",
    "passwords": "password",
    "phone-numbers": "phone number",
}
"""What can be masked: the name of the rule, and what one such thing is called in a text and in a report."""

_IDENTITY_CODE = re.compile(r"(?<![\w+-])\d{6}[-\u2010\u2011\u2013+A-FU-Y]\d{3}[0-9A-Y](?!\w|[+-]\d)", re.IGNORECASE)
_DASHES = str.maketrans("\u2010\u2011\u2013", "---")
_ACCOUNT = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?:[ \xa0]?[A-Z0-9]){11,30}", re.IGNORECASE)
_SHORTEST_ACCOUNT = 15  # characters of an IBAN
_CARD = re.compile(r"(?<![\w.,+:/-])(?:\d{13,19}|\d{4}(?:[ \xa0-]\d{4}){3}(?:[ \xa0-]\d{3})?"
                   r"|\d{4}[ \xa0-]\d{6}[ \xa0-]\d{4,5})(?![\w]|[.,:/-]\d)")  # fmt: skip
_ISSUED = re.compile(r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
                     r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:6011|65\d\d)\d{12}"
                     r"|35(?:2[89]|[3-8]\d)\d{12}")  # fmt: skip
"""Numbers as the large card companies give them: Visa, Mastercard, American Express, Diners, Discover, JCB."""
_REFERENCE = re.compile(
    r"(?:\bviite\w*|\breference\w*|\bref|\breferens\w*|\bimei|\btracking|\bseuranta\w*)\W{0,4}$", re.IGNORECASE
)
_BEFORE = 24  # characters before a number in which its name may stand: a judgement

_PASSWORD = re.compile(
    r"(?<![\w-])(?:\w*salasana(?:si|ni|nne|mme|t|ksi|na)?|pass(?:word|code|phrase)|passwd|pwd|lösenord(?:et)?|"
    r"pin(?:-?koodi|[ -]code)?)[*`'\"]{0,3}"
    r"(?P<says>[ \t]*[:=][*]{0,2}[ \t]*|[ \t]+(?:on|is|är|was|oli|var)[ \t]*:?[ \t]+)"
    r"(?:(?P<quote>[`'\"“”«])(?P<quoted>[^\n`'\"“”»]{3,100})[`'\"“”»]|(?P<word>[^\s`'\"“”«»;]{3,100}))",
    re.IGNORECASE,
)
_NO_PASSWORD = re.compile(
    r"[${<\[(%@&].*|.*[(\]}>)]|.*\w[\[(].*|[*•.x_?-]+|https?:.*|"
    r"(?:true|false|null|none|nil|yes|no|string|str|text|required|optional|expired|wrong|incorrect|invalid|empty|missing|forgotten|reset|changed|unknown|hidden|correct|right|same|too|not|"
    r"how|why|what|when|where|can|must|should|the|your|you|please|see|vanhentu\w*|väär\w*|unohtu\w*|tyhjä|puuttu\w*|"
    r"pakollinen|oikea\w*|oikein|sama|vaihdet\w*|nollat\w*|lukit\w*|miten|miksi|mikä|katso|liian|ei|jos|kun|voimassa|"
    r"fel|felaktigt|glömt|tomt|saknas|hur|inte)",
    re.IGNORECASE,
)
"""What stands after "password:" and is none: placeholders, code, and what is said about passwords."""
_OF_PASSWORD = re.compile(r"[.,:!?]*[!?]")
"""Signs behind a password that may belong to it: with them, at most the end of a sentence is lost."""
_LETTERS = re.compile(r"[a-zåäö]+|[A-ZÅÄÖ]?[a-zåäö]+", re.IGNORECASE)
_SENTENCE = 3  # more words than these after a plain word make it the beginning of a sentence: a judgement
_PHONE = re.compile(
    r"(?<![\w.,+:/-])(?:\+\d{1,3}(?:[ \xa0-]?\(0\))?(?:[ \xa0-]?\d){6,12}"
    r"|0(?:4\d|50|[1-9]\d?)(?:[ \xa0-]?\d){5,8})(?![\w.,:/-]*\d)"
)


@dataclass(frozen=True)
class MaskingRules:
    """Which kinds of `KINDS` are masked. Phone numbers are not, unless somebody says so: they often are the answer."""

    kinds: frozenset[str] = frozenset(KINDS) - {"phone-numbers"}


SHIPPED = MaskingRules()
"""The rules that are in force when nobody has changed the setting."""


def mask(text: str, rules: MaskingRules) -> tuple[str, Counter[str]]:
    """(the text with `[password]` and the like in place of personal data; how many of each kind, by the names of
    `KINDS`)."""
    counts: Counter[str] = Counter()
    finders = _FINDERS if _NUMBER.search(text) else _FINDERS_WITHOUT_NUMBER
    found = [(*span, kind) for kind, find in finders.items() if kind in rules.kinds for span in find(text)]
    if not found:
        return text, counts
    parts, end = [], 0
    for start, stop, kind in sorted(found):
        if start < end:  # in what is masked already
            continue
        parts += [text[end:start], f"[{KINDS[kind]}]"]
        counts[kind] += 1
        end = stop
    return "".join([*parts, text[end:]]), counts


def _identity_codes(text: str) -> Iterator[Span]:
    for code in _IDENTITY_CODE.finditer(text):
        if hetu.is_valid(code[0].translate(_DASHES), allow_temporary=True):
            yield code.span()


def _account_numbers(text: str) -> Iterator[Span]:
    for account in _ACCOUNT.finditer(text):
        places = [place for place, character in enumerate(account[0]) if not character.isspace()]
        for before, after in pairwise([*places[_SHORTEST_ACCOUNT - 1 :], len(account[0])]):
            end = before + 1
            glued = after == end and after < len(account[0])
            if not glued and iban.is_valid(account[0][:end].replace("\xa0", "")):
                yield account.start(), account.start() + end
                break


def _card_numbers(text: str) -> Iterator[Span]:
    for card in _CARD.finditer(text):
        number = re.sub(r"\D", "", card[0])
        if not _ISSUED.fullmatch(number) or not luhn.is_valid(number):
            continue
        if not _REFERENCE.search(text, max(0, card.start() - _BEFORE), card.start()):
            yield card.span()


def _passwords(text: str) -> Iterator[Span]:
    folded = text.lower()
    for word in _PASSWORD_WORDS:
        if word in folded:
            break
    else:
        if not _PIN.search(folded):
            return
    for match in _PASSWORD.finditer(text):
        name = "quoted" if match["quote"] else "word"
        word = match[name].rstrip(".,:!?)*_") or match[name]
        if not _NO_PASSWORD.fullmatch(word) and (match["quote"] or _is_said(match, word)):
            marks = _OF_PASSWORD.match(match[name], len(word))
            yield match.start(name), match.start(name) + (marks.end() if marks else len(word))


def _is_said(match: re.Match[str], word: str) -> bool:
    """True when this word is the password, and not the next word of a sentence about passwords."""
    if not _LETTERS.fullmatch(word):
        return True
    if match["says"].strip(" \t*") not in (":", "="):  # "the password is kept in ..."
        return False
    line_end = match.string.find("\n", match.end())
    rest = match.string[match.end() : line_end if line_end >= 0 else match.end() + 200]
    return len(rest.split()) <= _SENTENCE or match["word"] != word


def _phone_numbers(text: str) -> Iterator[Span]:
    return (phone.span() for phone in _PHONE.finditer(text))


_FINDERS: dict[str, Callable[[str], Iterator[Span]]] = {
    "identity-codes": _identity_codes,
    "account-numbers": _account_numbers,
    "card-numbers": _card_numbers,
    "passwords": _passwords,
    "phone-numbers": _phone_numbers,
}
_FINDERS_WITHOUT_NUMBER = {"passwords": _passwords}
