"""The everyday words that ship with Kollega, in Finnish, English and Swedish, as rules for questions.

To read the lists takes half a second. What they come to is stored beside the dictionaries, and made again when a file
of this folder, of which all of it is made, or the library of lemmas has changed.
"""

import hashlib
import json
import logging
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

from recommender.checksums import problem_of, whole_folder
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import Synonyms
from recommender.language.words import LISTS

log = logging.getLogger(__name__)
_LISTS = ("everyday_fi.txt", "everyday_en.txt", "everyday_sv.txt")
_STORED, _FILE = "everyday", "rules.json"


def everyday(analyzer: Analyzer, models_dir: Path) -> Synonyms:
    """The rules, stored under `models_dir` if that is there."""
    if not models_dir.exists():
        return read_everyday(analyzer)
    folder = models_dir / f"{_STORED}-{_digest()}"
    if not problem_of(folder):
        with suppress(OSError):  # another version may remove it now
            rules = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return Synonyms(tuple((frozenset(needed), tuple(terms)) for needed, terms in rules))
    found = read_everyday(analyzer)  # not within `whole_folder`, which has the lock then: it may make the dictionaries
    try:
        whole_folder(folder, partial(_write, found), replaces=f"{_STORED}-*")
    except OSError as error:
        log.warning("The everyday words cannot be stored, and are read each time: %s", error)
    return found


def read_everyday(analyzer: Analyzer) -> Synonyms:
    """The rules, read from the lists."""
    lists = "\n".join((LISTS / name).read_text(encoding="utf-8") for name in _LISTS)
    return Synonyms.parse(lists, analyzer, base_forms=True)


def _write(words: Synonyms, folder: Path) -> None:
    rules = [(sorted(needed), terms) for needed, terms in words.rules]
    (folder / _FILE).write_text(json.dumps(rules), encoding="utf-8")


def _digest() -> str:
    """Of all that the rules are made of."""
    digest = hashlib.sha256(version("simplemma").encode())
    for path in sorted([*LISTS.parent.glob("*.py"), *LISTS.glob("*.txt")]):
        digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
