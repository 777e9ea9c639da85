"""Measures search on the demo organisation, which must be loaded and indexed: writes `results/demo.json`.

- Questions in Finnish that are answered only in English, and the other way round (tests/across_languages.py): for how
  many an answer is among the first three, and the mean reciprocal rank of the first answer among the first ten.
- Questions that no organisation's records answer (tests/junk.py): how many of them show any suggestion.
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
"""A reader who may read everything that some team may read. The files of the demo are named after its teams."""


def main() -> None:
    """Take all measurements and write the file."""
    settings = Settings.from_environment()
    recommender = Recommender.open(settings)
    if recommender.notices:
        raise SystemExit(f"Not all of search runs: {recommender.notices}. Run: kollega demo")
    with open_database(settings).begin() as session:
        across = {
            "fi": _across(recommender, session, ASKED_IN_FINNISH),
            "en": _across(recommender, session, ASKED_IN_ENGLISH),
        }
        shown = sum(bool(recommender.recommend(question, ANYONE, session).suggestions) for question in JUNK)
        measurements = {
            "across_languages": across,
            "unanswerable": {"questions": len(JUNK), "with_suggestions": shown},
            "experts": _experts(settings, recommender, session),
        }
    print(write("demo", provenance("python -m tests.benchmarks.demo") | measurements))


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
    training = train(settings, recommender, session)
    if training.gain is None:
        raise SystemExit(training.as_text())
    gain = {"mean": training.gain.mean, "low": training.gain.low, "high": training.gain.high}
    return {"questions": training.held_out, "used": training.kept, "mrr": training.mrr, "learned_over_votes": gain}


if __name__ == "__main__":
    main()
