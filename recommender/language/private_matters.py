"""Whether a question is about something private: health, harassment, pay, family. Such a question is better asked of
few people, and does not belong in an address."""

import re
import unicodedata

_BEGINNINGS = (
    # English
    "sick", "illness", "disease", "cancer", "depress", "burnout", "anxiety", "pregnan", "miscarriage", "maternity",
    "paternity", "harass", "bully", "bullie", "discriminat", "racis", "sexis", "assault", "salary", "salaries", "wage",
    "payslip", "paycheck", "divorce", "funeral", "bereave", "addict", "alcohol", "psychiatr", "psycholog", "surgery",
    # Finnish
    "sairas", "sairau", "sairaal", "masennu", "masentu", "uupu", "terveyd", "terveyte", "tyoterve", "raskaan", "raskau",
    "aitiys", "isyys", "vanhempain", "perhevapaa", "hoitovapaa", "hairinta", "hairinna", "ahdiste", "kiusaa", "syrji",
    "rasis", "seksuaali", "vakival", "uhkail", "palkka", "palka", "ulosot", "avioero", "hautajai", "paihde", "alkohol",
    "lapsen", "lapsel", "lapsi", "mielenterve",
    # Swedish
    "sjuk", "trakasser", "mobba", "mobbn", "gravid", "foraldra", "skilsmass", "diskriminer", "utbrand", "utmatta",
    "utmattning",
    "deprim", "nedstamd", "angest", "missfall", "barnlos", "mammaled", "pappaled", "vardled", "vabb",
    "lonefor", "loneok", "lonesp", "lonebes", "lonetill", "loneutm", "utmat", "utsokn", "begravning", "narstaende",
    "missbruk", "osaklig", "krankning", "kranka", "psykisk", "mental", "klimakt",
)  # fmt: skip
"""Beginnings of words, in small letters without dots and accents."""
_WORDS = (
    "ill", "health", "doctor", "diagnosis", "disability", "my pay", "pay rise", "pay raise", "overtime pay", "my child",
    "my children", "parental leave", "family leave", "sexual", "my wife", "my husband", "my spouse", "mother died",
    "father died", "terveys", "lon", "lonen", "min lon", "min hustru", "min man", "min fru", "min make", "mitt barn",
    "mina barn", "halsa", "halsan", "lakare", "lakaren", "lakarintyg", "mensvark",
)  # fmt: skip
"""Whole words, and words that follow each other."""
_ANY_BEGINNING = "|".join(_BEGINNINGS)
_ANY_WORD = "|".join(_WORDS).replace(" ", r"\s+")
_PRIVATE = re.compile(rf"\b(?:(?:{_ANY_BEGINNING})\w*|(?:{_ANY_WORD})\b)")


def is_private_matter(text: str) -> bool:
    """True when the text names health, harassment, pay or a family matter, in English, Finnish or Swedish. A guess from
    words alone: it changes what is offered first, never who may read something."""
    letters = unicodedata.normalize("NFD", text.lower())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _PRIVATE.search(plain) is not None
