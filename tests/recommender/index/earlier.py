"""Indexes as earlier versions of Kollega wrote them."""

from dataclasses import replace
from pathlib import Path

from recommender.index import generations
from recommender.index.generations import LEXICAL, Manifest


def as_of_an_earlier_version(lexical: Path) -> None:
    """Make a keyword index one of before there were groups: it had their languages in a field."""
    (lexical / "groups.json").unlink()


def with_earlier_keywords(index_dir: Path) -> Path:
    """Make the keyword index of the live generation one of an earlier version; its directory."""
    live = generations.live(index_dir)
    as_of_an_earlier_version(live / LEXICAL)
    replace(Manifest.read(live), files=generations.checksums_of(live)).write(live)
    return live
