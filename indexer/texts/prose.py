"""The language of a text: that of what its writer wrote, and not of the error message that was pasted in it."""

import re
from collections.abc import Sequence
from typing import Protocol

from indexer.texts.unreadable import readable

_READ = 2_000  # characters by which the language is known: a judgement
_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_TICKS = re.compile(r"`[^`\n]+`")
_CITED = re.compile(r"[\"“”„«»]([^\"“”„«»\n]{12,500})[\"“”„«»]")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+|<[^<>\n]{1,200}>")
_MACHINE_LINE = re.compile(
    r"""\s*(?:>|[\[(<]?\d{4}-\d\d-\d\d|[\[(<]?\d\d:\d\d:\d\d|[A-Z][a-z]{2}\s+\d+\s\d\d:\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}\s
    |(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|Error|Warning|Fatal|Exception|Unhandled)\b[^\n]*[: ]
    |at\s[\w.$]+\(|File\s"|Traceback\s|Caused\sby:|[\w.]+(?:Error|Exception|Warning)\b|\w+=\S+\s\w+=|\$\s|PS\s\w:|C:\\)""",
    re.VERBOSE,
)
_ANNOUNCES = re.compile(r":\s*$")
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*[.,;:!?)]*")
_ENDS = ".,;:!?)"  # of a plain word
_PLAIN_SHARE = 0.6  # of the words of a line; with fewer plain ones a machine wrote it: a judgement
_FEWEST_WORDS = 2  # from which words of the writer decide: a judgement


class DetectAll(Protocol):
    """Says in which language each text is; `fallback` where that is not clear."""

    def __call__(self, texts: Sequence[str], fallback: str = ..., /) -> list[str]: ...


def detected(items: Sequence[tuple[str, str]], detect_all: DetectAll) -> list[str]:
    """The language of each item, a title and a body, by what its writer wrote; by all of it where that says nothing."""
    whole = [(title, readable(body)[0][:_READ]) for title, body in items]
    own = [f"{title}\n{written(text)}" for title, text in whole]
    enough = [text if len(text.split()) >= _FEWEST_WORDS else "" for text in own]
    languages = detect_all(enough, "")
    unclear = [place for place, language in enumerate(languages) if not language]
    if unclear:
        again = detect_all(["\n".join(whole[place]) for place in unclear])
        for place, language in zip(unclear, again, strict=True):
            languages[place] = language
    return languages


def written(text: str) -> str:
    """A text without code, quotes, logs, addresses, and what is cited after a line that ends with a colon."""
    if "`" in text or "~~~" in text:
        text = _TICKS.sub(" ", _FENCED.sub("\n", text))
    text = _CITED.sub(_without_sentence, text)
    if "<" in text or "@" in text or "://" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    kept: list[str] = []
    announced = False
    for line in text.splitlines():
        if not line.strip():
            continue
        if _MACHINE_LINE.match(line) or line.startswith(("    ", "\t")) or not _is_plain(line):
            announced = False
            continue
        if announced:
            announced = False
            continue
        kept.append(line)
        announced = bool(_ANNOUNCES.search(line))
    return "\n".join(kept)


def _without_sentence(cited: re.Match[str]) -> str:
    """A citation of a word or two is kept: it may be a name."""
    return cited[0] if len(cited[1].split()) < 3 else " "


def _is_plain(line: str) -> bool:
    words = line.split()
    plain = [word for word in words if word.rstrip(_ENDS).isalpha() or _PLAIN_WORD.fullmatch(word)]
    return len(plain) >= _PLAIN_SHARE * len(words)
