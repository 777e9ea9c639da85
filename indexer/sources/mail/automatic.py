"""Tells mails that programs send from those that people write: absences, delivery reports, receipts, bulk mail."""

import re
from email.message import Message

from indexer.texts.mail.headers import decoded_header

_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:(?:re|vs|sv):\s*)?(?:automatic reply|auto(?:matic)?[ -]?repl(?:y|ied)|auto(?:matic)? response|"
    r"out of (?:the )?office|automaattinen vastaus|automaattivastaus|poissaolo(?:ilmoitus|viesti)?\b|"
    r"poissa(?: toimistolta)?\s*:|"
    r"autosvar|automatiskt svar|frånvaro(?:meddelande)?|frånvarande|abwesenheit|automatische antwort|"
    r"undeliver(?:ed|able)|delivery (?:status notification|failure)|returned mail|mail delivery (?:failed|"
    r"failure|system)|"
    r"failure notice|toimittamaton|viestiä ei voitu toimittaa|viestin toimitus epäonnistui|kunde inte leverera|"
    r"olevererbart|(?:luettu|read|läst)\s*:|(?:accepted|declined|tentative|hyväksytty|hylätty|alustava|godkänt|"
    r"avböjt)\s*:)",
    re.IGNORECASE,
)
_POSTMASTERS = re.compile(r"^<?(?:mailer-daemon|postmaster|mail-daemon|double-bounce)@?", re.IGNORECASE)
_AWAY = re.compile(
    r"\b(?:olen (?:\w+ )?(?:lomalla|poissa|pois|matkoilla|vapaalla|sairauslomalla|vanhempainvapaalla)|"
    r"en ole (?:tällä hetkellä )?"
    r"(?:tavoitettavissa|paikalla)|"
    r"jag är (?:\w+ )?(?:på semester|ledig|frånvarande|bortrest|inte på kontoret|inte anträffbar|borta)|"
    r"i am (?:\w+ )?(?:out of (?:the )?office|on (?:annual )?(?:leave|vacation|holiday)|away|not in the office)|"
    r"i'm (?:\w+ )?(?:out of (?:the )?office|on leave|on vacation|away)|i will be (?:out of (?:the )?office|away))\b",
    re.IGNORECASE,
)
_RETURNS = re.compile(
    r"\b(?:palaan|takaisin|tavoitat|asti|saakka|\d+\.\d+\.?|kiireellisissä|poissaoloni|tillbaka|åter|till och med|"
    r"brådskande|return|back on|back in|until|limited access|urgent|in my absence)\b",
    re.IGNORECASE,
)
_LONGEST_ABSENCE = 120  # words: a judgement


def is_automatic(message: Message) -> bool:
    """True when the headers say that a program has sent a mail."""
    headers = {key.lower(): str(value).strip().lower() for key, value in reversed(list(message.raw_items()))}
    submitted = headers.get("auto-submitted", "no")
    if submitted.split(";")[0].split(" ")[0] not in ("", "no"):
        return True
    on_a_list = "list-id" in headers or "list-post" in headers or "mailing-list" in headers
    precedence = headers.get("precedence", "")
    if precedence in ("auto_reply", "auto-reply", "junk") or (precedence == "bulk" and not on_a_list):
        return True
    if headers.get("x-auto-response-suppress", "none") not in ("", "none"):
        return True
    if "x-autoreply" in headers or "x-autorespond" in headers or headers.get("return-path") == "<>":
        return True
    kind = headers.get("content-type", "")
    if kind.startswith("multipart/report") and ("delivery-status" in kind or "disposition-notification" in kind):
        return True
    sender = headers.get("from", "")
    address = sender.rpartition("<")[2] if "<" in sender else sender.split(" ")[0]
    return bool(_POSTMASTERS.match(address) or _AUTOMATIC_SUBJECT.match(decoded_header(headers.get("subject", ""))))


def is_absence(text: str) -> bool:
    """True for the text of a reply that says that its author is away, and not more."""
    words = text.split()
    if len(words) > _LONGEST_ABSENCE:
        return False
    first = " ".join(words[:40])
    return bool(_AWAY.search(first) and _RETURNS.search(text))
