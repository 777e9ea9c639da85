"""Texts of Debian packages on which the packaged model is fine-tuned: English, with Finnish translations if any.

Help and messages of LibreOffice (MPL-2.0), messages of everyday programs (GPL, LGPL), Debian's own manuals (GPL), and
the glosses and examples of WordNet (its own licence, which asks to be named). Pages that `kollega evaluate` counts as
test queries of the set fi_libreoffice_help are left out. None of the texts is stored.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.research.alignment import HELP, MESSAGES, Pair, help_parts, messages, pages, plain, training_pages
from recommender.language.analyzer import Analyzer

LOCALES = "usr/share/locale/fi/LC_MESSAGES"
WIKI = "usr/share/mediawiki/languages/i18n"
MANUALS = "usr/share/doc"
WORDNET = "usr/share/wordnet"
_MESSAGES, _EXAMPLES, _GLOSSES, _PARAGRAPHS = 11_000, 7_000, 3_000, 4_000  # most texts of each sort; judgements
_LONGEST = 600  # characters of a text; a judgement
_TRANSLATED_MANUAL = re.compile(r"\.(?!en\.)[a-z]{2}(_[A-Z]{2}|-[a-z]+)?\.html$|/[a-z]{2}-(?!US)[A-Z]{2}/")
_SECTION = re.compile(r"<(h[1-5])[^>]*>(.*?)</\1>(.*?)(?=<h[1-5]|\Z)", re.S)
_MARKUP = re.compile(r"\[\[[^\]|]*\|?([^\]]*)\]\]|\{\{[^}]*\}\}|<[^>]+>|'''?")


@dataclass(frozen=True)
class Text:
    """A text in English and perhaps in Finnish; `body` is the text under it when it is a heading."""

    english: str
    finnish: str | None = None
    body: "Text | None" = None


def texts(root: Path, analyzer: Analyzer) -> tuple[list[Text], list[Text]]:
    """(headings with their bodies, other texts) of the packages unpacked at `root`, the same every time."""
    rng = random.Random(0)  # noqa: S311
    headings = [*_help_sections(root / HELP), *_manual_sections(root / MANUALS)]
    words, examples = _wordnet(root / WORDNET)
    headings += rng.sample(words, min(_GLOSSES, len(words)))
    paragraphs, _headings = pages(root / HELP, analyzer)
    long = [pair for pair in paragraphs if 60 < len(pair[0]) < _LONGEST]
    translated = [*messages(root / MESSAGES), *messages(root / LOCALES), *_wiki_messages(root / WIKI)]
    plain_pairs = sorted({(_plain(english), _plain(finnish)) for english, finnish in translated if _is_prose(english)})
    alone = [Text(*pair) for pair in rng.sample(plain_pairs, min(_MESSAGES, len(plain_pairs)))]
    alone += [Text(*pair) for pair in rng.sample(long, min(_PARAGRAPHS, len(long)))]
    alone += [Text(example) for example in rng.sample(examples, min(_EXAMPLES, len(examples)))]
    return headings, alone


def _help_sections(folder: Path) -> Iterator[Text]:
    """Every heading of the help with the paragraphs under it; Finnish only when all of them have a translation."""
    for path, other in training_pages(folder):
        english, finnish = help_parts(path), help_parts(other) if other.exists() else {}
        parts = list(english.items())
        for number, (name, (tag, heading)) in enumerate(parts):
            if tag == "p" or len(heading) < 4:
                continue
            below: list[str] = []
            translated: list[str] = []
            for key, (kind, text) in parts[number + 1 :]:
                if kind != "p":
                    if below:
                        break
                    continue
                below.append(text)
                translated += [finnish[key][1]] if key in finnish else []
                if sum(map(len, below)) > 500:
                    break
            body, other_body = " ".join(below)[:_LONGEST], " ".join(translated)[:_LONGEST]
            if len(body) < 40:
                continue
            both = name in finnish and finnish[name][1] != heading and len(translated) == len(below)
            if both and other_body != body:
                yield Text(heading, finnish[name][1], Text(body, other_body))
            else:
                yield Text(heading, None, Text(body))


def _manual_sections(folder: Path) -> list[Text]:
    """The sections of Debian's English manuals."""
    sections = set()
    for path in folder.rglob("*.html"):
        if _TRANSLATED_MANUAL.search(path.as_posix()):
            continue
        for _tag, heading, body in _SECTION.findall(path.read_text(encoding="utf-8", errors="replace")):
            title, text = re.sub(r"^[A-Z\d.]+ ", "", plain(heading)), plain(body)
            if 5 < len(title) < 120 and len(text) > 120 and " the " in text and (title + text[:_LONGEST]).isprintable():
                sections.add((title, text[:_LONGEST]))
    return [
        Text(title, None, Text(text))
        for title, text in sorted(sections)
        if re.match(r"^[\x00-\x7f“”’–—→]*$", title + text)
    ]


def _wordnet(folder: Path) -> tuple[list[Text], list[str]]:
    """(words with their glosses, sentences that show how a word is used)."""
    words, examples = [], []
    for path in sorted(folder.glob("data.*")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            head, bar, gloss = line.partition(" | ")
            if bar and not line.startswith("  "):
                words.append(Text(head.split()[4].replace("_", " "), None, Text(gloss.split('; "')[0].strip())))
                examples += re.findall(r'"([^"]{15,})"', gloss)
    return [word for word in words if word.body and word.body.english], examples


def _wiki_messages(folder: Path) -> list[Pair]:
    """(English, Finnish) of MediaWiki's messages with three words or more, without their markup."""
    if not (folder / "fi.json").exists():
        return []
    english, finnish = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("en.json", "fi.json"))
    pairs = []
    for key in sorted(english.keys() & finnish.keys()):
        message, translation = english[key], finnish[key]
        if not (isinstance(message, str) and isinstance(translation, str)):
            continue
        if message != translation and len(message.split()) >= 3:
            pairs.append(tuple(" ".join(_MARKUP.sub(r" \1 ", text).split()) for text in (message, translation)))
    return [(message, translation) for message, translation in pairs if message and translation]


def _plain(message: str) -> str:
    """A message without the mark of its access key, its markup and its line breaks."""
    return " ".join(re.sub(r"[~_&](?=\w)|<[^>]+>", "", message).split())


def _is_prose(text: str) -> bool:
    """True for two words or more that are mostly letters."""
    letters = sum(character.isalpha() or character == " " for character in text)
    return len(text.split()) >= 2 and len(text) < 800 and letters > 0.8 * len(text)
