"""`make alignment`: the Finnish-English dictionary that ships, from FreeDict's two dictionaries in Debian.

FreeDict (dict-freedict-fin-eng, dict-freedict-eng-fin) was made from Wiktionary and is under CC BY-SA 3.0; so is the
file made here. Kept are the terms of single words, and English heads of two words.

Usage: python -m indexer.research.dictionary ROOT, where ROOT holds the unpacked packages (usr/share/dictd, ...).
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer
from recommender.language.dictionary import FILE
from recommender.language.words import QUESTION_WORDS
from recommender.settings import Settings

FOLDER = "usr/share/dictd"
SOURCE = "FreeDict fin-eng and eng-fin of Debian, from Wiktionary (CC BY-SA 3.0)"
_FILES = {"fi": "freedict-fin-eng.dict.dz", "en": "freedict-eng-fin.dict.dz"}
_HEAD = re.compile(r"([^/<>]+?) (?:/.*/(?: <[^>]+>)?|<[^>]+>)\s*")
_SENSE = re.compile(r"\d+\. (.+)")
_ASIDE = re.compile(r"\(.*?\)|\d+\.?\s*$")
_MOST = 5
_EMPTY = frozenset(
    (
        "of", "an", "the", "to", "in", "on", "at", "for", "with", "by", "or", "and", "as", "someone", "somebody",
        "something", "one", "oneself", "up", "out", "off", "it", "ja", "joku", "jokin", "jossakin", "jostakin",
    )
)  # fmt: skip
Senses = list[list[str]]
Weights = dict[str, dict[str, float]]


def main(root: Path) -> None:
    """Read both dictionaries, and write the file that ships."""
    analyzer = Analyzer(Settings.from_environment().models_dir / "dictionaries")
    heads = {
        language: dict(read(gzip.decompress((root / FOLDER / name).read_bytes()).decode()))
        for language, name in _FILES.items()
    }
    entries = combine(heads, analyzer)
    held = {"analysis": ANALYSIS_VERSION, "source": SOURCE, "entries": entries}
    text = json.dumps(held, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB, {len(entries['fi'])} Finnish and {len(entries['en'])} English")


def read(text: str) -> Iterator[tuple[str, Senses]]:
    """(head, the translations of each of its senses) of a dictionary in the format of dictd. A head stands on a line
    with its pronunciation or its part of speech; a sense is the line after it, or a numbered one. The other lines
    explain senses."""
    found: dict[str, Senses] = {}
    head, fresh = "", False
    for line in text.splitlines():
        if match := _HEAD.fullmatch(line):
            head, fresh = match[1].strip(), True
            continue
        sense = _SENSE.match(line)
        if head and (sense or (fresh and line.strip())):
            found.setdefault(head, []).append([part.strip() for part in (sense[1] if sense else line).split(",")])
        fresh = False
    yield from found.items()


def combine(heads: Mapping[str, Mapping[str, Senses]], analyzer: Analyzer) -> dict[str, dict[str, str]]:
    """The entries of `Dictionary`: translations that both directions give first, then those of senses with few. A term
    without an entry of its own gets the heads that it translates."""
    other = {"fi": "en", "en": "fi"}
    own: dict[str, Weights] = {}
    reverse: dict[str, Weights] = {language: {} for language in other}
    for language, entries in heads.items():
        own[language] = {}
        for head, senses in entries.items():
            key = _key(head, language, analyzer)
            if not key:
                continue
            for sense in senses:
                for phrase in sense:
                    terms = _terms(_ASIDE.sub("", phrase), other[language], analyzer)
                    if not 0 < len(terms) <= 2 or key in terms:
                        continue
                    weight = 1 / len(sense) / len(terms)
                    _raise(own[language].setdefault(key, {}), terms, weight)
                    if len(terms) == 1 and " " not in key:
                        _raise(reverse[other[language]].setdefault(terms[0], {}), [key], weight)
    return {language: _best(own[language], reverse[language]) for language in other}


def _best(own: Weights, reverse: Weights) -> dict[str, str]:
    found = {}
    for key in sorted(own.keys() | reverse.keys()):
        here, back = own.get(key, {}), reverse.get(key, {})
        terms = here.keys() if here else back.keys()
        ordered = sorted(terms, key=lambda t: (not (t in here and t in back), -here.get(t, 0.0) - back.get(t, 0.0), t))
        found[key] = " ".join(f"{term}+" if term in here and term in back else term for term in ordered[:_MOST])
    return found


def _key(head: str, language: str, analyzer: Analyzer) -> str:
    """The term of a head, or the two terms of an English one; empty for what is not kept."""
    words = head.lower().split()
    if not all(word.isalpha() for word in words) or len(words) > (2 if language == "en" else 1):
        return ""
    terms = _terms(head, language, analyzer)
    return " ".join(terms) if len(terms) == len(words) else ""


def _terms(text: str, language: str, analyzer: Analyzer) -> list[str]:
    words = dict.fromkeys(analyzer.index_terms(text, language).words)
    return [word for word in words if len(word) > 1 and word not in _EMPTY and word not in QUESTION_WORDS]


def _raise(weights: dict[str, float], terms: list[str], weight: float) -> None:
    for term in terms:
        weights[term] = max(weight, weights.get(term, 0.0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
