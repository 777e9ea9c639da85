"""Puts what a long letter asks first, and leaves out its greeting, signature and disclaimer.

The model reads only the beginning of a long text, and words about other things hide the matter. So the sentences that
ask come first, then the others, those next to a question before those further away. A short text is not changed.
"""

import re

_ORDINARY_LENGTH = 60
"""Words up to which a text is not changed. This and the following numbers are judgements."""
_MOST_WORDS = 150
"""Words of a letter that are read."""
_LONGEST_CLOSING_LINE, _MOST_CLOSING_LINES = 12, 8
"""A signature has at most so many words in a line, and at most so many lines."""
_GREETING = re.compile(
    r"(?:hei|moi|moikka|moro|terve|tervehdys|huomenta|hyvää|hyvä|päivää|iltaa|hello|hi|dear|good|hej|hejsan|god)\b"
    r"[^.?!\n]{0,60}[,!.]?",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"""--\s*$|(?:ystävällisin|parhain|lämpimin)\b|terveis\w+|yst\W?\s?terv|terv\.|yt\.|t[.:]\s
    |kiitos\b(?![^.!]*\?)|kiitoksia|(?:kind\s|best\s|warm\s)?regards|best\swishes|cheers|thanks|thank\syou|many\sthanks
    |br\b|yours\b|sincerely|med\svänlig|vänliga\shäls|hälsningar|mvh\b|tack\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FAREWELL = re.compile(
    r"(?:ystävällisin|parhain|lämpimin)\b|terveisin|(?:kind|best|warm)\sregards|med\svänlig|vänliga\shäls",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 3
"""Lines from which a text that begins with a farewell is a signature."""
_ORDERS = re.compile(
    r"""(?:^|[.!:]\s|\n)\s*(?:please\s|now\s|nyt\s|nu\s)?(?:
    (?:ignore|disregard|forget)\s(?:all|any|every\w*|the|your|my|previous|prior|earlier)\b[^.!?\n]{0,30}
        \b(?:instructions?|prompts?)\b
    |(?:ignore|disregard|forget)\s(?:everything|all|whatever|what)\s(?:that\s)?you\s(?:were|have\sbeen)\stold
    |from\snow\son,?\syou\s(?:are|act|answer|speak|respond|pretend)\b
    |(?:unohda|ohita|sivuuta)\s(?:kaikki|kaikkia|aiemmat|aikaisemmat|edelliset)\b[^.!?\n]{0,30}\bohje\w*
    |tästä\seteenpäin\s(?:sinä\s)?olet\b
    |(?:ignorera|glöm|bortse\sfrån)\s(?:alla|dina|tidigare)\b[^.!?\n]{0,30}\binstruktion\w*)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Orders to an assistant, at the beginning of a sentence."""
_DISCLAIMER = re.compile(
    r"""luottamukselli|konfidentiell|confidential|intended\s(?:only|solely)|(?:tarkoitettu|avsett\w*)\s(?:vain|endast)
    |avsedd\sendast|if\syou\s(?:have\s)?received\sthis|jos\solet\ssaanut\stämän|sent\sfrom\smy|lähetetty\s\w+stani$
    |skickat\sfrån\smin""",
    re.IGNORECASE | re.VERBOSE,
)
_ASKS = re.compile(
    r"""\?["”'’)\]]*$
    |^(?:(?:eli|siis|ja|mutta|so|and|but|och|men)\s)?(?:mite[ns]\w*|mitä|mistä|mihin|missä|miksi|milloin|minne|kuka
        |kenelle|keneltä|kuinka|kauanko|paljonko|montako|voi(?:ko|nko|mmeko|tteko|sitteko|siko|sko)|saa(?:ko|nko)|onko
        |pitääkö|täytyykö|tarvitseeko|how|what|where|who|which|when|why|can|could|may|should|do|does|hur|vad|vem|när
        |vilken|kan|får|ska|finns)\b
    |\b(?:halua(?:isin|n)\stietää|kysyisin|kysymykse\w+|asiani\s(?:on|oli)|pyydän|pyytäisin|would\slike\sto\sknow
        |(?:want|need)\sto\sknow|my\squestions?|(?:could|can|would)\syou|jag\s(?:undrar|skulle\svilja)|kan\s(?:ni|du)
        |min\sfråga)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LINE_BREAK = re.compile(r"(?<=[^\s.!?:])\n(?=[^\W\d_A-ZÅÄÖ])")
"""Matches the end of a line within a sentence."""
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+|\n+")


def asks_nothing(text: str) -> bool:
    """True for a signature alone, and for orders to an assistant that do not belong into a question ("ignore all
    previous instructions")."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    is_signature = (
        len(lines) >= _SIGNATURE_LINES
        and bool(_FAREWELL.match(lines[0]))
        and all(len(line.split()) <= _LONGEST_CLOSING_LINE and "?" not in line for line in lines)
    )
    return is_signature or ("?" not in text and bool(_ORDERS.search(text)))


def without_greeting_and_signature(text: str) -> str:
    """A text without the lines at its beginning that greet, and those at its end that are a signature."""
    return "\n".join(_body([line.strip() for line in text.splitlines() if line.strip()]))


def questions_first(text: str) -> str:
    """A letter with the sentences that ask first, each sentence once; one that asks nothing without greeting, signature
    and disclaimer. Any other text as it is: a question that is told at length in one go loses by this."""
    if len(text.split()) <= _ORDINARY_LENGTH:
        return text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    body = _body(lines)
    is_letter = body != lines or _GREETING.match(lines[0]) or _DISCLAIMER.search(lines[-1])
    if not is_letter:
        return text
    parts = (part.strip() for part in _SENTENCE_END.split(_LINE_BREAK.sub(" ", "\n".join(body))))
    sentences = list({part.casefold(): part for part in parts if part and not _DISCLAIMER.search(part)}.values())
    asking = [number for number, sentence in enumerate(sentences) if _ASKS.search(sentence)]
    if not sentences:
        return text
    if not asking:
        return "\n".join(sentences)
    distance = {number: min(abs(number - other) for other in asking) for number in range(len(sentences))}
    words, read = 0, set[int]()
    for number in sorted(distance, key=lambda number: (distance[number], number)):
        words += len(sentences[number].split())
        if read and words > _MOST_WORDS:
            break
        read.add(number)
    return "\n".join(sentences[number] for number in sorted(read, key=lambda number: (distance[number] > 0, number)))


def _body(lines: list[str]) -> list[str]:
    """The lines of a letter between its greeting and its signature."""
    while len(lines) > 1 and _GREETING.fullmatch(lines[0]):
        lines = lines[1:]
    for number in range(max(1, len(lines) - _MOST_CLOSING_LINES), len(lines)):
        rest = lines[number:]
        short = all(len(line.split()) <= _LONGEST_CLOSING_LINE or _DISCLAIMER.search(line) for line in rest)
        if short and _CLOSING.match(rest[0]) and not any("?" in line for line in rest):
            return lines[:number]
    return lines
