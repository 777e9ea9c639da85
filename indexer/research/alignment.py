"""`make alignment`: learns the map and the lexicon between Finnish and English from parallel texts of Debian packages.

The texts are pages of libreoffice-help-fi and libreoffice-help-en-us, paragraph by paragraph (their ids are the same in
both languages), and the messages of libreoffice-l10n-fi (MPL-2.0). Only numbers and weights of single terms are stored.
Pages that `kollega evaluate` counts as test queries of the set fi_libreoffice_help are left out.

Usage: python -m indexer.research.alignment ROOT, where ROOT contains the unpacked packages (usr/share/libreoffice/help,
...).
"""

import gettext
import html
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.cache import CachingEncoder
from indexer.evaluation.sets import Query
from indexer.indexing.passages import OPENING_WORDS
from recommender.datatypes import Role
from recommender.encoder import Encoder, normalise
from recommender.encoder.load import load_encoder
from recommender.index.vector_space import LENGTHS
from recommender.language.alignment import FILE, Alignment, save
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

Vectors = NDArray[np.float32]
HELP, MESSAGES = "usr/share/libreoffice/help", "usr/lib/libreoffice/program/resource/fi/LC_MESSAGES"
SOURCE = "libreoffice-help-fi, libreoffice-help-en-us and libreoffice-l10n-fi of Debian (MPL-2.0)"
_PART = re.compile(r'<(p|h\d) id="([^"]+)"[^>]*>(.*?)</\1>', re.S)
# All of these are judgements.
_SHORTEST = 25  # characters of a paragraph
_SAMPLE = 256  # paragraphs that the means of openings and short questions are computed from
_IDENTITY = 300.0  # how strongly the map is drawn towards changing nothing, in pairs of texts
_ROUNDS = 6  # of expectation maximisation
_LEAST_PROBABILITY, _LEAST_COUNT, _MOST = 0.15, 1.0, 3  # of a translation that is stored; translations of a term
_LONGEST = 80  # terms of a text
_COMMON, _COMMON_FROM = 0.05, 100  # a term in more texts than this share, and this number, translates nothing
Pair = tuple[str, str]


def main(root: Path) -> None:
    """Learn, and write the file that ships."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    encoder = CachingEncoder(load_encoder(settings), settings.home / "evaluation" / "vectors")
    paragraphs, headings = pages(root / HELP, analyzer)
    texts = paragraphs + headings + messages(root / MESSAGES)
    print(f"{len(paragraphs)} paragraphs, {len(headings)} headings, {len(texts)} pairs in all")
    means, questions, matrix = learn_map(paragraphs, headings, encoder)
    save(FILE, encoder.card, Alignment({"fi": matrix}, means, questions, learn_lexicon(texts, analyzer), SOURCE))
    encoder.close()
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")


def pages(folder: Path, analyzer: Analyzer) -> tuple[list[Pair], list[Pair]]:
    """(paragraphs, headings), both as (English, Finnish), of the pages that are not test queries."""
    paragraphs: list[Pair] = []
    headings: list[Pair] = []
    for path, other in training_pages(folder):
        if not other.exists():
            continue
        english, finnish = help_parts(path), help_parts(other)
        for name in sorted(english.keys() & finnish.keys()):
            (tag, text), (_tag, translation) = english[name], finnish[name]
            if text == translation or analyzer.detect(translation, fallback="fi") != "fi":
                continue
            if tag != "p":
                headings.append((text, translation))
            elif len(text) >= _SHORTEST:
                paragraphs.append((text, translation))
    return paragraphs, headings


def training_pages(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(path of the English page, path that its translation would have) of the pages that are not test queries."""
    for path in sorted((folder / "en-US/text").rglob("*.html")):
        key = path.relative_to(folder / "en-US/text").with_suffix("").as_posix()
        if Query(f"page:{key}", "", "fi", "", {}).part == "train":
            yield path, folder / "fi/text" / f"{key}.html"


def messages(folder: Path) -> list[Pair]:
    """(English, Finnish) of the messages that are translated."""
    pairs = set()
    for path in sorted(folder.glob("*.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        for key, value in catalogue.items():
            text = (key if isinstance(key, str) else key[0]).rpartition("\x04")[2]
            if text and value and text != value:
                pairs.add((text.replace("~", ""), value.replace("~", "")))
    return sorted(pairs)


def learn_map(
    paragraphs: Sequence[Pair], headings: Sequence[Pair], encoder: Encoder
) -> tuple[dict[str, Vectors], dict[str, Vectors], Vectors]:
    """(means of passages, means of questions, the map from Finnish to English).

    The map is the rotation that brings the centred vectors of the pairs closest together (orthogonal Procrustes,
    Schoenemann 1966), drawn a little towards the identity, since other texts differ from these.
    """
    means: dict[str, Vectors] = {}
    questions: dict[str, Vectors] = {}
    sides: dict[str, Vectors] = {}
    rng = np.random.default_rng(0)
    sample = rng.permutation(len(paragraphs))[:_SAMPLE]
    for side, language in enumerate(("en", "fi")):
        whole = encoder.encode_passages([pair[side] for pair in paragraphs])
        heads = encoder.encode_queries([pair[side] for pair in headings])
        means[language] = whole.mean(axis=0)
        words = [paragraphs[number][side].split() for number in sample]
        openings = encoder.encode_passages([" ".join(text[:OPENING_WORDS]) for text in words])
        means[f"{language} {Role.OPENING}"] = openings.mean(axis=0)
        questions[language] = np.array(
            [encoder.encode_queries([" ".join(w[:n]) for w in words]).mean(axis=0) for n in LENGTHS]
        )
        sides[language] = np.vstack([normalise(whole - means[language]), normalise(heads - heads.mean(axis=0))])
    matrix = sides["fi"].T @ sides["en"] + _IDENTITY / sides["en"].shape[1] * np.eye(sides["en"].shape[1])
    left, _values, right = np.linalg.svd(matrix)
    return means, questions, np.asarray(left @ right, np.float32)


def learn_lexicon(pairs: Sequence[Pair], analyzer: Analyzer) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """{language: {term: [(term of the other language, probability), ...]}} by the first model of Brown et al. 1993,
    "The Mathematics of Statistical Machine Translation"."""
    terms = [(_terms(english, "en", analyzer), _terms(finnish, "fi", analyzer)) for english, finnish in pairs]
    terms = [(english, finnish) for english, finnish in terms if english and finnish]
    terms = [(english, finnish) for english, finnish in terms if max(len(english), len(finnish)) < _LONGEST]
    return {"en": _translate(terms), "fi": _translate([(finnish, english) for english, finnish in terms])}


def _translate(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, list[tuple[str, float]]]:
    """{source term: [(target term, probability), ...]} from (source terms, target terms) of each text."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    cells: dict[tuple[int, int], int] = {}
    cell_numbers: list[int] = []  # for each source term of a text and each target term of its translation
    group_numbers: list[int] = []  # which target term of which text that is
    groups = 0
    for source_terms, target_terms in pairs:
        rows_of_text = [sources.setdefault(term, len(sources)) for term in dict.fromkeys(source_terms)]
        for term in dict.fromkeys(target_terms):
            column = targets.setdefault(term, len(targets))
            cell_numbers += [cells.setdefault((row, column), len(cells)) for row in rows_of_text]
            group_numbers += [groups] * len(rows_of_text)
            groups += 1
    rows = np.array([row for row, _column in cells])
    chances, counts = _maximise(np.array(cell_numbers), np.array(group_numbers), rows, len(cells))
    names, others = list(sources), list(targets)
    texts_with = Counter(term for _source_terms, target_terms in pairs for term in dict.fromkeys(target_terms))
    common = {term for term, count in texts_with.items() if count > max(_COMMON * len(pairs), _COMMON_FROM)}
    lexicon: dict[str, list[tuple[str, float]]] = {}
    for (row, column), chance, count in zip(cells, chances, counts, strict=True):
        translates = others[column] not in common and others[column] != names[row]
        if translates and chance >= _LEAST_PROBABILITY and count >= _LEAST_COUNT:
            lexicon.setdefault(names[row], []).append((others[column], round(float(chance), 2)))
    return {
        term: sorted(best, key=lambda entry: (-entry[1], entry[0]))[:_MOST] for term, best in sorted(lexicon.items())
    }


def _maximise(
    cells: NDArray[Any], groups: NDArray[Any], rows: NDArray[Any], count: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Expectation maximisation: (probabilities, expected counts) of `count` cells, a cell being a source term and a
    target term. `cells` and `groups` have the same shape; `rows` gives the source term of each cell."""
    counts: NDArray[Any] = np.ones(count)
    for _round in range(_ROUNDS):
        chances = counts / np.bincount(rows, weights=counts)[rows]
        counts = np.bincount(cells, weights=chances[cells] / np.bincount(groups, weights=chances[cells])[groups])
    return counts / np.bincount(rows, weights=counts)[rows], counts


def _terms(text: str, language: str, analyzer: Analyzer) -> list[str]:
    return [word for word in analyzer.index_terms(text, language).words if len(word) > 1 and not word.isdigit()]


def help_parts(path: Path) -> Mapping[str, Pair]:
    """{id: (tag, text)} of the paragraphs and headings of a help page."""
    text = path.read_text(encoding="utf-8", errors="replace")
    parts: dict[str, Pair] = {}
    for tag, name, markup in _PART.findall(text):
        text = plain(markup)
        if text:
            parts.setdefault(name, (tag, text))
    return parts


def plain(markup: str) -> str:
    """The text of HTML, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
