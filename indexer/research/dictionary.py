"""`make alignment`: makes the dictionary of Finnish, English and Swedish that ships, from FreeDict's in Debian.

FreeDict (dict-freedict-fin-eng, -eng-fin, -fin-swe, -swe-fin) was made from Wiktionary and is licensed under CC BY-SA
3.0; so is the file made here. It contains the terms of single words, and English headwords of two words. What a Swedish
word is in English is found by way of Finnish, since FreeDict's own Swedish-English dictionary is under another licence.

Usage: python -m indexer.research.dictionary ROOT, where ROOT contains the unpacked packages (usr/share/dictd, ...).
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from recommender.language.analyzer import WORD_VERSION, Analyzer
from recommender.language.dictionary import FILE
from recommender.language.words import QUESTION_WORDS
from recommender.settings import Settings

FOLDER = "usr/share/dictd"
SOURCE = "FreeDict fin-eng, eng-fin, fin-swe and swe-fin of Debian, from Wiktionary (CC BY-SA 3.0)"
_FILES = {"fi": "freedict-fin-eng.dict.dz", "en": "freedict-eng-fin.dict.dz"}
_SWEDISH_FILES = {"fi": "freedict-fin-swe.dict.dz", "sv": "freedict-swe-fin.dict.dz"}
_HEAD = re.compile(r"([^/<>]+?) (?:/.*/(?: <[^>]+>)?|<[^>]+>)\s*")
_SENSE = re.compile(r"\d+\. (.+)")
_ASIDE = re.compile(r"\(.*?\)|\d+\.?\s*$")
_MOST = 5  # translations of a term; a judgement
_MOST_BY_WAY = 3  # translations of a term by way of another language; a judgement
_LEFT_OUT = frozenset(
    (
        "of", "an", "the", "to", "in", "on", "at", "for", "with", "by", "or", "and", "as", "someone", "somebody",
        "something", "one", "oneself", "up", "out", "off", "it", "ja", "joku", "jokin", "jossakin", "jostakin",
    )
)  # fmt: skip
Senses = list[list[str]]
Weights = dict[str, dict[str, float]]
Entries = dict[str, dict[str, str]]


def main(root: Path) -> None:
    """Read both dictionaries, and write the file that ships."""
    analyzer = Analyzer(Settings.from_environment().models_dir / "dictionaries")
    entries = combine(_heads(root, _FILES), analyzer)
    entries |= with_swedish(combine(_heads(root, _SWEDISH_FILES), analyzer), entries)
    content = {"analysis": WORD_VERSION, "source": SOURCE, "entries": entries}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(
        f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB, {', '.join(f'{len(entries[name])} {name}' for name in entries)}"
    )


def _heads(root: Path, files: Mapping[str, str]) -> dict[str, dict[str, Senses]]:
    return {
        language: dict(read(gzip.decompress((root / FOLDER / name).read_bytes()).decode()))
        for language, name in files.items()
    }


def with_swedish(swedish: Mapping[str, Mapping[str, str]], entries: Mapping[str, Mapping[str, str]]) -> Entries:
    """The entries of Swedish, of Finnish to Swedish and of English to Swedish. `swedish` has Finnish and Swedish,
    `entries` Finnish and English; English comes in by the Finnish terms that both dictionaries have in both directions,
    where all of them lead to few words."""
    to_finnish, to_swedish = swedish["sv"], swedish["fi"]
    from_english: dict[str, list[str]] = {}
    result: dict[str, str] = {}
    for term, finnish in to_finnish.items():
        english = [
            word
            for each in finnish.split() if each.endswith("+")
            for word in entries["fi"].get(each.rstrip("+"), "").split()[:_MOST_BY_WAY] if word.endswith("+")
        ]  # fmt: skip
        by_way = [word.rstrip("+") for word in dict.fromkeys(english)][:_MOST_BY_WAY]
        result[term] = " ".join(dict.fromkeys([*finnish.split(), *(word for word in by_way if word != term)]))
        for word in by_way:
            from_english.setdefault(word, []).append(term)
    english_entries = {word: " ".join(sorted(terms)) for word, terms in from_english.items() if len(terms) <= _MOST}
    return {"sv": result, "fi sv": dict(to_swedish), "en sv": english_entries}


def read(text: str) -> Iterator[tuple[str, Senses]]:
    """(headword, the translations of each of its senses) of a dictionary in the format of dictd.

    A headword is on a line with its pronunciation or its part of speech; a sense is the line after it, or a numbered
    line. The other lines explain senses.
    """
    entries: dict[str, Senses] = {}
    head, first_line = "", False
    for line in text.splitlines():
        if match := _HEAD.fullmatch(line):
            head, first_line = match[1].strip(), True
            continue
        sense = _SENSE.match(line)
        if head and (sense or (first_line and line.strip())):
            entries.setdefault(head, []).append([part.strip() for part in (sense[1] if sense else line).split(",")])
        first_line = False
    yield from entries.items()


def combine(heads: Mapping[str, Mapping[str, Senses]], analyzer: Analyzer) -> dict[str, dict[str, str]]:
    """The entries of `Dictionary`. Translations that both dictionaries have come first, then those of senses with few
    translations. A term that is no headword gets the headwords that it translates."""
    first, second = heads
    other = {first: second, second: first}
    forward: dict[str, Weights] = {}
    reverse: dict[str, Weights] = {language: {} for language in other}
    for language, entries in heads.items():
        forward[language] = {}
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
                    _raise(forward[language].setdefault(key, {}), terms, weight)
                    if len(terms) == 1 and " " not in key:
                        _raise(reverse[other[language]].setdefault(terms[0], {}), [key], weight)
    return {language: _best(forward[language], reverse[language]) for language in other}


def _best(forward: Weights, reverse: Weights) -> dict[str, str]:
    """{key: its best translations}, with a + after those that both dictionaries have."""
    entries = {}
    for key in sorted(forward.keys() | reverse.keys()):
        there, back = forward.get(key, {}), reverse.get(key, {})
        terms = there.keys() if there else back.keys()
        both = there.keys() & back.keys()
        weights = {term: there.get(term, 0.0) + back.get(term, 0.0) for term in terms}
        ordered = sorted(terms, key=lambda term: (term not in both, -weights[term], term))
        entries[key] = " ".join(f"{term}+" if term in both else term for term in ordered[:_MOST])
    return entries


def _key(head: str, language: str, analyzer: Analyzer) -> str:
    """The term of a headword, or the two terms of an English one; empty for a headword that is left out."""
    words = head.lower().split()
    if not all(word.isalpha() for word in words) or len(words) > (2 if language == "en" else 1):
        return ""
    terms = _terms(head, language, analyzer)
    return " ".join(terms) if len(terms) == len(words) else ""


def _terms(text: str, language: str, analyzer: Analyzer) -> list[str]:
    words = dict.fromkeys(analyzer.index_terms(text, language).words)
    return [word for word in words if len(word) > 1 and word not in _LEFT_OUT and word not in QUESTION_WORDS]


def _raise(weights: dict[str, float], terms: list[str], weight: float) -> None:
    for term in terms:
        weights[term] = max(weight, weights.get(term, 0.0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
