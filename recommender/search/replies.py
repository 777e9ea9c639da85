"""What kind of reply an answer is: one that says nothing to others ("Done.", "ok kiitos toimii nyt"), or one that sends
the reader on to another request ("merged into #14")."""

import re
from functools import lru_cache

from recommender.language.words import FUNCTION_WORDS, SMALL_TALK

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SAYS_NOTHING = frozenset(
    (
        # Finnish
        "tehty", "hoidettu", "hoidossa", "hoidin", "hoidetaan", "hoituu", "korjattu", "korjasin", "korjaantui",
        "kunnossa",
        "kuntoon", "ratkaistu", "ratkesi", "selvisi", "selvitetty", "selvä", "selva", "valmis", "valmiina", "valmista",
        "toimii", "toimi", "toimivat", "toimis", "pelaa", "nyt", "jo", "taas", "jälleen", "kuitattu", "kuittaan",
        "suljettu", "suljetaan", "suljen", "tiketti", "pyyntö", "pyynto", "kiitos", "kiitoksia", "kiitti", "kiva",
        "hienoa", "hyvä", "hyva", "ok", "okei", "joo", "juu", "jees", "asia", "homma", "asiakas", "puhelimessa",
        "puhelimitse", "soitettu", "soitin", "sovittu", "sovitusti", "tilattu", "lähetetty", "lisätty", "poistettu",
        "päivitetty", "nollattu", "uusittu", "vaihdettu", "asennettu", "annettu", "tarkistettu", "katsottu", "laitettu",
        "laitoin", "tein", "teen", "olen", "on", "oli", "oltava", "se", "tämä", "tama", "sinulle", "teille", "hänelle",
        "eilen", "tänään", "tanaan", "huomenna", "eiliseltä", "terveisin", "terv", "t", "yt", "avusta", "nopeasta",
        "vastauksesta", "itsestään", "sittenkin", "kaikki", "kyllä", "vihdoin", "pyydetty", "pyydetysti",
        "ohjeistettu", "etäyhteydellä", "paikan", "päällä", "paikalla", "aukaistu", "avattu", "kävin",
        "käyty", "käynnistetty", "käynnistin", "sulle", "viesti", "viestin", "viestiä", "meili", "meilin",
        # English
        "done", "fixed", "resolved", "solved", "closed", "closing", "complete", "completed", "works", "working",
        "worked", "ok", "okay", "thanks", "thank", "thx", "great", "good", "perfect", "cheers", "now", "again", "all",
        "it", "its", "it's", "is", "has", "been", "was", "should", "be", "sorted", "handled", "taken", "care", "ticket",
        "request", "issue", "case", "user", "customer", "phone", "call", "called", "agreed", "sent", "added", "removed",
        "updated", "reset", "replaced", "installed", "granted", "checked", "today", "yesterday", "see", "above",
        "regards", "br", "yes", "no", "longer", "happening", "happens", "problem", "itself", "yay", "ready", "remotely",
        "you", "your", "for", "the", "help", "quick", "please", "try", "via", "over", "per", "as", "asked", "requested",
        # Swedish
        "klart", "klar", "fixat", "fixad", "löst", "lost", "åtgärdat", "åtgärdad", "fungerar", "funkar", "nu", "igen",
        "tack", "stängd", "stängt", "avslutat", "ärende", "ärendet", "gjort", "det", "är", "bra", "skickat", "bytt",
    )
)  # fmt: skip
"""Words, as they are written, that tell that something was done or that it works, and what stands around them."""
_FEW_WORDS = 14
"""Words up to which a reply may say nothing; a longer one tells something. A judgement."""
_VERY_FEW = 3
"""Words up to which a reply that only tells that something was done says nothing ("Salasana nollattu.", "Restarted
it."); a judgement."""
_WAS_DONE = re.compile(r"(?:ed|ttu|tty|tu|ty|ttiin|tiin|ats|ades)$")
_MERGED = re.compile(
    r"(?:merged? (?:in)?to|duplicate of|dup(?:licate)? ?:?|same as|yhdistetty(?: pyyntöön| tikettiin)?|"
    r"liitetty pyyntöön|tupla(?:kappale)?[: ]|katso(?: pyyntö| tiketti)?|sammanslagen med|dubblett av)"
    r"\s*(?:request|ticket|issue|pyyntö\w*|tiket\w*|ärende)?\s*#?\s*(?P<id>[A-Za-z]{0,10}-?\d+)",
    re.IGNORECASE,
)
_MERGED_SOMEWHERE = re.compile(
    r"merged? (?:in)?to (?:an)?other|duplicate of another|yhdistetty (?:toiseen|samaan)|"
    r"sammanslagen med (?:ett )?annat", re.IGNORECASE
)  # fmt: skip


@lru_cache(maxsize=4096)
def says_nothing(answer: str) -> bool:
    """True for a reply that tells others nothing: it is empty, or has only small letters and words such as "done" and
    "thanks", or it only names the request that it was merged into."""
    words = [word.lower() for word in _WORD.findall(answer) if len(word) > 1 or word.isupper()]  # R and Z: are words
    if len(words) > _FEW_WORDS:
        return False
    if merged_into(answer) or _MERGED_SOMEWHERE.search(answer):
        return True
    if any(character.isdigit() for character in answer):
        return False
    telling = [
        word for word in words if word not in _SAYS_NOTHING and word not in FUNCTION_WORDS and word not in SMALL_TALK
    ]
    return not telling or (len(telling) == 1 and len(words) <= _VERY_FEW and any(map(_WAS_DONE.search, words)))


def merged_into(answer: str) -> str:
    """The id of the request that a short reply says this one was merged into or is a duplicate of (`14` in "merged into
    #14"), as the system that it comes from writes it; empty when it says no such thing."""
    if len(answer.split()) > _FEW_WORDS:
        return ""
    match = _MERGED.search(answer)
    return match.group("id") if match else ""
