"""Finds where an older mail begins in a mail: "On Monday Aino wrote:", the block of From, Sent, To and Subject that
Outlook writes, and "-----Original Message-----"."""

import re
from collections.abc import Sequence

_VERBS = (
    r"wrote|writes|sent|kirjoitti|skrev|schrieb|schreef|a écrit|ha scritto|escribió|escreveu|napisał(?:a|\(a\))?|írta|"
    r"написала?|пишет"
)
_VERB_AT_END = re.compile(rf"\b(?:{_VERBS})\W{{0,10}}:?\W{{0,6}}$", re.IGNORECASE)
_VERB = re.compile(rf"\b(?:{_VERBS})\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+'-]+@[\w.-]+\w|\w+ at \w+(?: dot |\.)\w+", re.IGNORECASE)
_MONTH = (
    r"jan|feb|mar|apr|may|mai|maj|jun|jul|aug|sep|oct|okt|nov|dec|dez|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|"
    r"syys|loka|marras|joulu|janv|févr|mars|avr|juin|juil|août|déc|gen|mag|giu|lug|ago|set|ott|dic|июн|июл|апр"
)
_DATE = re.compile(
    rf"\b\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}\b|\b\d{{1,2}}\.? (?:de )?(?:{_MONTH})\w*\b|"
    rf"\b(?:{_MONTH})\w*\.? \d{{1,2}}\b|"
    r"\b\d{1,2}\.? [^\W\d]{3,12}\.? (?:19|20)\d\d\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2} ?[ap]\.?m\b", re.IGNORECASE)
_DAY = (
    r"mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun|ma|ti|ke|to|pe|la|su|maanantai|tiistai|keskiviikko|torstai|"
    r"perjantai|lauantai|sunnuntai|mån|tis|ons|tors?|fre|lör|sön|tir|søn|lør|lun|mar|mer|jeu|ven|sam|dim|die|"
    r"mit|don|fr|sa|"
    r"so|mo|di|mi|do|пн|вт|ср|чт|пт|сб|вс"
)
_START = re.compile(
    rf"[-*_\s]*(?:(?:on|am|le|il|in data|em|el|op|den|at|w dniu|dnia)\s+\S|(?:{_DAY})(?:day|tai|dag|na|"
    rf"ai)?[.,]*\s+\S|"
    rf"\d{{1,4}}[./-]\d|\d{{1,2}}[:.]\d\d|\d{{1,2}}\.? \w+ \d{{4}})",
    re.IGNORECASE,
)
_NAME_FIRST = re.compile(rf"(?:[^\W\d_a-zåäö][\w.'-]*,? ){{1,4}}(?:{_VERBS})\b")
_BARE = re.compile(r"\d{4}[/-]\d{1,2}[/-]\d{1,2} [^<>]{1,80}<[^<>\s]+@[^<>\s]+>")
"""A heading without a verb and a colon: "2026/3/2 Aino <aino@example.org>"."""
_MOST_LINES, _LONGEST = 4, 300  # of a heading: a judgement

_FROM = "from|lähettäjä|från|fra|von|van|de|da|от|expéditeur|mittente"
_SENT = (
    "sent|date|lähetetty|päiväys|päivämäärä|pvm|skickat|datum|dato|sendt|gesendet|verzonden|envoyé(?: le)?|"
    "inviato|data|"
    "enviado(?: el)?|fecha|отправлено|дата|message du"
)
_TO = (
    "to|cc|bcc|reply-to|vastaanottaja|kopio|till|kopia|til|an|aan|à|a|para|kopie|copie(?: à)?|kenelle|кому|"
    "копия|priority|"
    "importance|tärkeys|attachments|liitteet|organization"
)
_SUBJECT = "subject|aihe|ämne|emne|betreff|onderwerp|objet|oggetto|asunto|assunto|sujet|тема"
_FIELD = re.compile(
    rf"[\s*_|]*(?:(?P<from>{_FROM})|(?P<sent>{_SENT})|(?P<to>{_TO})|"
    rf"(?P<subject>{_SUBJECT}))\s?[*_]*\s?:[*_]*(?:\s|\S|$)",
    re.IGNORECASE,
)
_RULED = re.compile(r"[\s>*]*[-_=*—]{2,}\s*(?P<words>[^-_=\s][^\n]{4,60}?)\s*[-_=*—]{2,}\s*")
_ORIGINAL = re.compile(
    r"(?:original|oprindelig|alkuperäinen|ursprünglich|ursprunglig|opprinnelig|oorspronkelijk|message d.origine|"
    r"messaggio originale|forwarded|välitetty|edelleenlähetetty|vidarebefordra|weitergeleitet|doorgestuurd|transféré|"
    r"reply (?:message|above)|^next part$|vastaa tämän)",
    re.IGNORECASE,
)  # fmt: skip
_FORWARDED = re.compile(
    r"forwarded|välitetty|edelleenlähetetty|vidarebefordra|weitergeleitet|doorgestuurd|transféré|begin forwarded",
    re.IGNORECASE,
)
_FORWARD_LINE = re.compile(
    r"\s*(?:begin |start of |alkaa |början på |début du )?(?:forwarded message|välitetty viesti|vidarebefordrat "
    r"meddelande|message (?:réexpédié|transféré)|weitergeleitete nachricht)\s*:\s*",
    re.IGNORECASE,
)
ROW = re.compile(r"[\s>]*(?:[-_=*—–]\s?){2,}\s*")
"""A line that is a drawn line."""


def heading_at(lines: Sequence[str], start: int) -> int:
    """How many lines from `start` on are a heading such as "On Monday Aino <aino@example.org> wrote:"; 0 when none."""
    first = lines[start].strip()
    if not first or first.startswith(">"):
        return 0
    joined = ""
    for count in range(1, _MOST_LINES + 1):
        if start + count > len(lines) or not (line := lines[start + count - 1].strip()) or line.startswith("> "):
            return 0
        joined = f"{joined} {line}".strip()
        if count == 2 and not _START.match(first):
            return 0
        if len(joined) > _LONGEST:
            return 0
        if _is_heading(joined):
            return count
    return 0


def _is_heading(line: str) -> bool:
    bare = line.strip("-*_ ")
    if _BARE.fullmatch(bare):
        return True
    dated, addressed = _DATE.search(bare), _ADDRESS.search(bare)
    if _VERB_AT_END.search(bare) and (bare.endswith(":") or addressed):
        return bool(dated or addressed)
    if not bare.endswith(":"):
        return False
    if dated and addressed and (_TIME.search(bare) or _VERB.search(bare)):
        return bool(_START.match(bare) or _VERB.search(bare))
    named = _START.match(bare) or _NAME_FIRST.match(bare)
    return bool(dated and _TIME.search(bare) and _VERB.search(bare) and named)


def block_at(lines: Sequence[str], start: int) -> int:
    """How many lines from `start` on are the header fields of an older mail; 0 when there are none."""
    if not _FIELD.match(lines[start]):
        return 0
    kinds: list[str] = []
    place, others = start, 0
    while place < len(lines) and others <= 2:
        line = lines[place]
        if field := _FIELD.match(line):
            kinds.append(str(field.lastgroup))
            others = 0
        elif not line.strip():
            break
        else:
            others += 1
        place += 1
    known = set(kinds)
    enough = len(known) >= 3 or ({"from", "sent"} <= known and len(kinds) >= 3) or known == {"from", "subject", "sent"}
    if not enough or not ({"from", "sent"} & set(kinds[:2])):
        return 0
    return place - start - others


def separator_at(lines: Sequence[str], start: int) -> bool:
    """True for a line such as "-----Original Message-----"."""
    ruled = _RULED.fullmatch(lines[start])
    if ruled is None:
        return bool(_FORWARD_LINE.fullmatch(lines[start]))
    if _ORIGINAL.search(ruled["words"]) or _VERB_AT_END.search(ruled["words"]):
        return True
    following = start + 1
    while following < len(lines) and not lines[following].strip():
        following += 1
    return following < len(lines) and block_at(lines, following) > 0


def is_forward(line: str) -> bool:
    """True for the line before a mail that was forwarded."""
    return bool(_FORWARDED.search(line))
