"""Measures search on the demo organisation, which must be loaded and indexed: writes `results/demo.json`.

- Questions in Finnish whose answer is written in English only, and the other way round (tests/across_languages.py): how
  many are shown one of their answers among the first three, and the mean reciprocal rank over the first ten.
- Questions that no workplace's records answer: how many of them show any suggestion. (tests/junk.py)
- `kollega train-experts`: the mean reciprocal rank of colleagues on the demo's newest requests.

Usage: KOLLEGA_HOME=... python -m tests.benchmarks.demo
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from indexer.learning.train_experts import train
from indexer.sources.demo import FILES
from recommender.access import ANYONE
from recommender.corpus import readable_items
from recommender.database.engine import open_database
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.across_languages import ASKED_IN_ENGLISH, ASKED_IN_FINNISH
from tests.benchmarks.record import provenance, write
from tests.junk import JUNK

MEMBER_OF_ALL = replace(ANYONE, tokens=ANYONE.tokens | {f"team:{name}" for name in FILES[1:]})
"""Somebody who may read what any team may read. The demo's files are named after its teams."""


def main() -> None:
    """Measure all of it and write the file."""
    settings = Settings.from_environment()
    recommender = Recommender.open(settings)
    if recommender.notices:
        raise SystemExit(f"Not all of search runs: {recommender.notices}. Run: kollega demo")
    with open_database(settings).begin() as session:
        across = {
            "fi": _across(recommender, session, ASKED_IN_FINNISH),
            "en": _across(recommender, session, ASKED_IN_ENGLISH),
        }
        shown = sum(bool(recommender.recommend(each, ANYONE, session).suggestions) for each in JUNK)
        held = {
            "across_languages": across,
            "unanswerable": {"questions": len(JUNK), "with_suggestions": shown},
            "experts": _experts(settings, recommender, session),
        }
    print(write("demo", provenance("python -m tests.benchmarks.demo") | held))


def _across(recommender: Recommender, session: Session, asked: Mapping[str, Sequence[str]]) -> dict[str, float]:
    shown, reciprocal = 0, 0.0
    for question, titles in asked.items():
        suggestions = recommender.recommend(question, MEMBER_OF_ALL, session, 3).suggestions
        shown += any(suggestion.item.title in titles for suggestion in suggestions)
        keys = recommender.rank(question, MEMBER_OF_ALL, session, 10).keys
        items = readable_items(session, keys, MEMBER_OF_ALL)
        place = next((place for place, key in enumerate(keys, 1) if items[key].title in titles), None)
        reciprocal += 1 / place if place else 0.0
    return {"questions": len(asked), "among_three": shown, "mrr": reciprocal / len(asked)}


def _experts(settings: Settings, recommender: Recommender, session: Session) -> dict[str, Any]:
    found = train(settings, recommender, session)
    if found.gain is None:
        raise SystemExit(found.as_text())
    gain = {"mean": found.gain.mean, "low": found.gain.low, "high": found.gain.high}
    return {"questions": found.held_out, "used": found.kept, "mrr": found.mrr, "learned_over_votes": gain}


if __name__ == "__main__":
    main()
