"""Indexes as earlier versions of Kollega wrote them."""

import json
from dataclasses import replace
from pathlib import Path

from recommender.index import generations
from recommender.index.generations import LEXICAL, Manifest


def as_of_an_earlier_version(lexical: Path) -> None:
    """Give a keyword index the field for languages that earlier versions had."""
    meta = json.loads((lexical / "meta.json").read_text(encoding="utf-8"))
    meta["schema"].append(next(field for field in meta["schema"] if field["name"] == "item") | {"name": "language"})
    (lexical / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def with_earlier_keywords(index_dir: Path) -> Path:
    """Make the keyword index of the live generation one of an earlier version; its directory."""
    live = generations.live(index_dir)
    as_of_an_earlier_version(live / LEXICAL)
    replace(Manifest.read(live), files=generations.checksums_of(live)).write(live)
    return live
