"""Tells from what somebody wrote whether a thread has its answer: thanks, and that it still does not work."""

import re

_THANKS = re.compile(
    r"\b(?:kiito(?:s|ksia|kset)|kiitti|kiitän|suurkiitos|thanks|thank you|thx|tack(?:ar)?|tusen tack|"
    r"(?:nyt (?:se |tämä )?|alkoi )?toimii (?:nyt|taas)|nyt (?:se |tämä |kaikki )?(?:toimii|onnistui)|alkoi toimia|"
    r"(?:ongelma|asia) (?:ratkesi|selvisi|korjaantui)|se auttoi|tämä auttoi|"
    r"works now|it works|that (?:worked|works|did it|fixed it|helped|solved it)|problem (?:is )?solved|all good now|"
    r"(?:det )?fungerar nu|nu fungerar|det hjälpte|löste sig)\b",
    re.IGNORECASE,
)
_IN_ADVANCE = re.compile(
    r"\b(?:kiitos (?:jo )?(?:etukäteen|avusta jo|ennakolta)|kiitokset etukäteen|thanks? (?:you )?in advance|"
    r"tack på förhand)\b",
    re.IGNORECASE,
)
_NOT_SOLVED = re.compile(
    r"\?|\b(?:ei (?:se |tämä |kyllä |vieläkään |valitettavasti )*(?:auttanut|toimi\w*|onnistu\w*|auta|ratkennut|"
    r"muuttunut)|"
    r"edelleen|vieläkään|still (?:not|the same|does|fail\w*|get\w*|have|having|no)|(?:does|did|do|is|"
    r"was) ?n[o']t|doesn'?t|"
    r"didn'?t|not work\w*|no luck|fungerar (?:fortfarande )?inte|fortfarande|hjälpte inte|men det|but it|mutta)\b",
    re.IGNORECASE,
)
_LONGEST_THANKS = 60  # words: a judgement


def is_thanks(text: str) -> bool:
    """True for a short text that thanks for what solved it. Thanks in advance, and "thanks, but", are none."""
    if len(text.split()) > _LONGEST_THANKS:
        return False
    rest = _IN_ADVANCE.sub("", text)
    return bool(_THANKS.search(rest)) and not _NOT_SOLVED.search(rest)


def says_unsolved(text: str) -> bool:
    """True for a text that asks on, or says that something still does not work."""
    return bool(_NOT_SOLVED.search(text))
