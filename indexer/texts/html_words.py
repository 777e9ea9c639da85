"""Words of HTML as Markdown: links, pictures and code in a line; and the language of a block of code."""

import re
from typing import Any

_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight|brush:)[- ]?([A-Za-z][\w+#.]{0,30})(?=[\s;]|$)"
)
_ANCHORS = frozenset({"¶", "#", "🔗", "§"})


def around(text: str, before: str, after: str) -> str:
    """A text with marks around its words, not around the spaces at its ends."""
    words = text.strip()
    return text.replace(words, f"{before}{words}{after}", 1) if words else text


def in_backticks(code: str) -> str:
    if not code.strip() or "\n" in code:
        return code
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", code)), default=0))
    space = " " if len(marks) > 1 else ""
    return f"{marks}{space}{code}{space}{marks}"


def link(text: str, address: str) -> str:
    words = " ".join(text.split())
    if words in _ANCHORS or not words:
        return ""
    mail = address.removeprefix("mailto:").partition("?")[0] if "@" in address else address if "://" in address else ""
    if re.match(r"(?i)(?:javascript|data|vbscript|cid|about):|#|$", address) or words == mail:
        return text
    if words.startswith("![") or "\n" in address:
        return text
    if re.search(r"[\s()<>]", address):
        address = f"<{re.sub('[<>]', '', address)}>"
    return around(text.replace("\n", " "), "[", f"]({address})")


def picture(element: Any) -> str:
    words = " ".join((element.get("alt") or "").split())
    address = (element.get("src") or "").strip()
    tiny = whole_number(element.get("width"), 99) <= 2 and whole_number(element.get("height"), 99) <= 2
    if tiny:
        return ""
    emoji = "emoji" in (element.get("class") or "") or "emoticon" in (element.get("class") or "")
    if not address or emoji or " " in address or address.lower().startswith("cid:"):
        return words
    return f"![{words}]({address})"


def language_of(element: Any) -> str:
    """The language of a block of code, as its class or that of an element around or in it says."""
    near = [element, *element.iterchildren("code"), *filter(lambda part: part is not None, [element.getparent()])]
    for part in near:
        said = part.get("data-lang") or part.get("data-language")
        if said and re.fullmatch(r"[\w+#.-]{1,30}", said):
            return str(said).lower()
        if found := _LANGUAGE.search(part.get("class") or ""):
            return found[1].lower()
    return ""


def whole_number(text: str | None, otherwise: int) -> int:
    digits = re.match(r"\s*(\d{1,6})", text or "")
    return int(digits[1]) if digits else otherwise
