"""Cuts the end of what a person wrote: signatures, greetings with a name, "Sent from my phone", disclaimers, and what
mailing lists add."""

import re
from collections.abc import Sequence

from indexer.texts.mail.headings import ROW

_DELIMITER = re.compile(r"\s*(?:-- ?|--- ?|—|–|_{2,3})\s*")
_MOST_AFTER_DELIMITER, _MOST_AFTER_MARK = 25, 8  # lines of a signature after "-- ", and after other marks: a judgement
_SENT_FROM = re.compile(
    r"(?:sent (?:from|via|with)|get outlook for|lähetetty|lähetin tämän|hanki outlook|skickat från|"
    r"skaffa outlook|sendt fra|"
    r"gesendet von|von meinem|envoyé (?:de|depuis|à partir)|inviato da|enviado (?:desde|do)|verzonden vanaf|"
    r"verstuurd vanaf|"
    r"отправлено (?:с|из))\b",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"puhelime\w*|iphone\w*|ipad\w*|android\w*|samsung\w*|huawei\w*|nokia\w*|galaxy|blackberry|outlook\w*|"
    r"windows|mobil\w*|"
    r"ios|yahoo|gmail|proton\w*|thunderbird|laittee\w*|sähköpost\w*|my|a|min|mein\w*|mon|meu|mi|\w*app|sparrow|"
    r"mail\w*",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"(?:(?:with )?(?:best|kind|kindest|warm|many)?\s*(?:regards|wishes)|best|cheers|sincerely|yours(?: \w+)?|"
    r"cordially|br|"
    r"kr|(?:all the )?best|take care|"
    r"(?:ystävällisin |parhain |lämpimin |kevät|kesä|syys|talvi|joulu)?terveisin|terv|yst\w*\.? ?terv\w*|terkuin|"
    r"(?:ystävällisesti|kunnioittavasti|rakkaudella)|"
    r"(?:med )?(?:vänlig(?:a)?|bästa|varma)?\s?hälsning(?:ar)?|mvh|hälsningar|vänligen|"
    r"(?:mit )?(?:freundlichen|besten|lieben|viele)?\s?grü(?:ß|ss)en?|cordialement|с уважением|pozdrawiam|groeten)",
    re.IGNORECASE,
)
_THANKS_OFF = re.compile(
    r"(?:many )?thanks(?: a lot| again| in advance)?|thank you|thx|kiitos(?: etukäteen| paljon)?|kiittäen|kiitti|tack"
    r"(?: på förhand| så mycket)?",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:[Tt]|[Tt]erv|[Yy]t|[Bb]r)[.:]?,? [/-]?[A-ZÅÄÖ][\w-]+(?: [A-ZÅÄÖ][\w-]*\.?){0,2}")
_DASHED_NAME = re.compile(r"[-–—/~]\s?[A-ZÅÄÖ][\w'.-]+(?: [A-ZÅÄÖ][\w'.-]+){0,2}")
_ROUNDS = 8  # of cutting one thing below another: a judgement
_SENT_FROM_WORDS = 6  # of "Sent from my phone." with a full stop: a judgement
_SHORT, _MOST_AFTER_SIGN_OFF = 70, 14  # characters of a line, and lines after a greeting: a judgement
_DISCLAIMER = re.compile(
    r"\W*(?:this (?:e-?mail|message|communication)\b.{0,80}\b(?:confidential|intended|privileged)|"
    r"confidentiality notice|"
    r"the information (?:contained )?in this (?:e-?mail|message)|"
    r"disclaimer\b|please consider the environment|"
    r"tämä (?:sähköposti\w*|viesti)\b.{0,80}\b(?:luottamuksell|tarkoitettu|salassa)|tämän viestin (?:sisältö|tiedot)|"
    r"(?:ajattele|säästä) (?:ympäristöä|luontoa)|harkitse ennen (?:kuin )?tulost|luottamuksellisuus|"
    r"(?:detta|det här) (?:e-?post|meddelande|mejl)\w*\b.{0,80}\b(?:konfidentiell|avse(?:dd|tt)|sekretess)|"
    r"informationen i detta|tänk på miljön|diese e-?mail\b.{0,80}\bvertraulich)",
    re.IGNORECASE | re.DOTALL,
)
_FOOTER = re.compile(
    r"mailing list|postituslista|sändlista|unsubscribe|listinfo|lopeta tilaus|avsluta prenumeration|"
    r"you received this message because|"
    r"google groups|to post to this group",
    re.IGNORECASE,
)
_MOST_FOOTER, _MOST_IN_BLOCK, _GREETING = 12, 10, 4  # lines, lines and words: a judgement


def without_signature(lines: Sequence[str], author: str = "", address: str = "") -> list[str]:
    """The lines without what stands at their end and says nothing: signatures of the person with this name and mail
    address, disclaimers, what lists add. They are all the lines of a person's own text."""
    kept = trimmed(lines)
    if (end := _sent_from(kept)) is not None:
        kept = trimmed(kept[:end])
    for _round in range(_ROUNDS):
        before = len(kept)
        for cut in (_footer, _disclaimer, _delimited, _signed_off):
            kept = trimmed(kept[: cut(kept)])
        kept = trimmed(kept[: _block_with_address(kept, address)])
        kept = trimmed(kept[: _name(kept, author)])
        if len(kept) == before or not kept:
            break
    return kept


def trimmed(lines: Sequence[str]) -> list[str]:
    """The lines without empty ones at both ends."""
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return list(lines[start:end])


def _in_code(lines: Sequence[str]) -> set[int]:
    """The numbers of the lines in fenced code."""
    inside, code = False, set()
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
            code.add(number)
        elif inside:
            code.add(number)
    return code if not inside else set()


def _sent_from(lines: Sequence[str]) -> int | None:
    """Where "Sent from my phone" stands; the mail that is quoted without a mark may follow it."""
    code = _in_code(lines)
    for number, line in enumerate(lines):
        bare = re.sub(r"<[^<>]*>|\([^()]*\)|\[|\]", "", line).strip(" *_-")
        found = _SENT_FROM.match(bare)
        if found is None or number in code or len(bare.split()) > 9 or bare.endswith((",", ";", ":")):
            continue
        if bare.endswith(".") and len(bare.split()) > _SENT_FROM_WORDS:
            continue
        if "," not in bare and (_DEVICE.search(bare, found.end()) or found[0].lower() == "sent from"):
            return number
    return None


def _footer(lines: Sequence[str]) -> int | None:
    """Where the lines begin that a mailing list adds."""
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _MOST_FOOTER), -1):
        if ROW.fullmatch(lines[number]) and lines[number].strip()[0] in "_-=*":
            rest = lines[number + 1 :]
            return number if _FOOTER.search("\n".join(rest)) else None
    return None


def _disclaimer(lines: Sequence[str]) -> int | None:
    """Where a disclaimer begins; it is a paragraph, and nothing but it follows."""
    for number in range(len(lines)):
        starts = not number or not lines[number - 1].strip() or bool(ROW.fullmatch(lines[number - 1]))
        if starts and _DISCLAIMER.match(" ".join(lines[number : number + 4])):
            return _without_row(lines, number)
    return None


def _without_row(lines: Sequence[str], number: int) -> int:
    while number > 1 and (not lines[number - 1].strip() or ROW.fullmatch(lines[number - 1])):
        number -= 1
    return number


def _delimited(lines: Sequence[str]) -> int | None:
    """Where a signature begins that has a mark before it: the first such place with few lines after it."""
    code, found = _in_code(lines), None
    after: list[str] = []
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if not line.strip():
            continue
        long_dashes = line.strip()[0] == "—" and ROW.fullmatch(line) is not None
        if number not in code and (_DELIMITER.fullmatch(line) or long_dashes):
            short = len(after) <= _MOST_AFTER_MARK and all(len(each) <= _SHORT + 20 for each in after)
            found = number if short or line.strip() == "--" else found
        after.append(line)
        if len(after) > _MOST_AFTER_DELIMITER:
            break
    return found


def _signed_off(lines: Sequence[str]) -> int | None:
    """Where a greeting at the end begins, with the names and titles that follow it."""
    first = max(0, len(lines) - _MOST_AFTER_SIGN_OFF - 1)
    for number in range(first, len(lines)):
        bare = re.sub(r"[^\w\s.,:!/-]", "", lines[number]).strip(" *_-/")
        rest = [line for line in lines[number + 1 :] if line.strip()]
        if any(len(line) > _SHORT for line in rest) or any(
            line.lstrip().startswith((">", "- ", "* ")) for line in rest
        ):
            continue
        if _INITIAL.fullmatch(bare) or _is_sign_off(bare) or (rest and _is_thanks_with_name(bare, rest)):
            return number
    return None


def _is_sign_off(bare: str) -> bool:
    """True for "Best regards," and "Terveisin Matti", not for "Regards the timeline"."""
    found = _SIGN_OFF.match(bare)
    if found is None:
        return False
    rest = bare[found.end() :].strip(" ,.!/-")
    names = rest.split()
    return len(names) <= 3 and all(name[:1].isupper() for name in names)


def _is_thanks_with_name(bare: str, rest: Sequence[str]) -> bool:
    """True for "Thanks," when a name and not more follows."""
    if not _THANKS_OFF.fullmatch(bare.strip(" ,.!")) or len(rest) > 5:
        return False
    words = rest[0].strip(" ,-/").split()
    return (
        1 <= len(words) <= 3 and all(word[:1].isupper() for word in words) and not rest[0].rstrip().endswith(("?", ":"))
    )


def _name(lines: Sequence[str], author: str) -> int | None:
    """Where the name of the author stands at the end, with a word and a comma before it."""
    if len(lines) < 2:
        return None
    last, names = lines[-1].strip(), author.replace(",", " ").casefold().split()
    words = last.strip(" -–—/~,.").split()
    own = bool(names) and 1 <= len(words) <= 3 and words[0].casefold() in (names[0], names[-1])
    own = own and all(word[:1].isupper() for word in words)
    dashed = not lines[-2].strip() and _DASHED_NAME.fullmatch(last) and last[1:2] != " "
    if not own and not dashed:
        return None
    before = [number for number in range(len(lines) - 1) if lines[number].strip()]
    greeting = lines[before[-1]].strip() if before else ""
    return before[-1] if greeting.endswith(",") and len(greeting.split()) <= _GREETING else len(lines) - 1


def _block_with_address(lines: Sequence[str], address: str) -> int | None:
    """Where the last paragraph begins if it is short lines with the author's mail address among them."""
    start = len(lines)
    while start and lines[start - 1].strip():
        start -= 1
    block = lines[start:]
    if not address or not start or len(block) > _MOST_IN_BLOCK or any(len(line) > _SHORT for line in block):
        return None
    alone = len(block) == 1 and block[0].strip(" <>").casefold() == address.casefold()
    contains = any(address.casefold() in line.casefold() for line in block)
    return start if contains and (len(block) > 1 or alone) else None
