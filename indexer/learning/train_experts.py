"""`kollega train-experts`: weights for ranking colleagues from the organisation's own history, kept when better.

Learned from the older questions, judged on the newer ones (`past_questions.py`), each by what was there when it was
asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from indexer.evaluation import measures
from indexer.evaluation.measures import Interval
from indexer.learning.history import PastQuestion, Progress, past_questions
from recommender.errors import ModelError
from recommender.index import generations
from recommender.learned import RANKER
from recommender.people.experts import rank
from recommender.people.features import FEATURES, candidates
from recommender.people.ranker import SHIPPED, VOTES, Ranker, fit
from recommender.recommender import Recommender
from recommender.settings import Settings

WARM_UP, LEAST, MOST = 50, 200, 3_000
HELD_OUT = 0.3
PULL = 10.0


@dataclass(frozen=True)
class Training:
    """What came of it. `mrr` is by name (learned, shipped, votes) on the held-out questions, `gain` that of the learned
    weights over the votes, None when there is too little history; `kept` names what ranks from now on."""

    questions: int
    held_out: int
    mrr: dict[str, float]
    gain: Interval | None
    kept: str
    weights: dict[str, float]

    def as_text(self) -> str:
        """One plain sentence with the figures, and what weighs most in learned weights."""
        if self.gain is None:
            return (
                f"Too little history: {self.questions} answered requests that were imported (colleagues were suggested "
                f"beside those that were sent here); {LEAST} are needed. Nothing was changed."
            )
        figures = (
            f"on the newest {self.held_out} of {self.questions} questions the mean reciprocal rank is "
            f"{self.mrr['learned']:.3f} with learned weights, {self.mrr['shipped']:.3f} with the shipped ones and "
            f"{self.mrr['votes']:.3f} by votes; learned over votes: {self.gain}."
        )
        if self.kept == "learned":
            strongest = sorted(self.weights.items(), key=lambda each: -abs(each[1]))[:5]
            return f"The learned weights are used: {figures}\n" + ", ".join(f"{n} {w:+.2f}" for n, w in strongest)
        used = "The shipped weights are used" if self.kept == "shipped" else "Votes alone are used"
        return f"{used}: {figures}"


def train(
    settings: Settings, recommender: Recommender, session: Session, progress: Progress = lambda _done, _total: None
) -> Training:
    """Learn, judge, and keep what is best with the live generation; what is there stays when there is too little to
    judge by. Raises IndexNotFound when there is no index, IndexLocked when it is being written, ModelError when words
    alone answer."""
    with generations.write_lock(settings.index_dir):
        directory = generations.live(settings.index_dir)
        if recommender.notices:
            raise ModelError("Without the model there is nothing to learn from. See what is wrong: kollega status")
        past = list(past_questions(recommender, session, MOST, progress=progress))
        found, ranker = learn(past, settings.half_life_days)
        if found.gain is None:
            RANKER.remove_unusable(directory)
            return found
        if found.kept == "shipped":
            RANKER.remove(directory)
        else:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            told = {"at": now, "generation": directory.name, "kept": found.kept, "questions": found.questions}
            RANKER.save(directory, Ranker(ranker.weights, {**told, "held_out": found.held_out, "mrr": found.mrr}))
    return found


def learn(past: Sequence[PastQuestion], half_life_days: float) -> tuple[Training, Ranker]:
    """What the history (oldest first) teaches, and the ranker to use."""
    usable = past[WARM_UP:]
    if len(past) < LEAST:
        return Training(len(past), 0, {}, None, "shipped", {}), SHIPPED
    cut = len(usable) - round(HELD_OUT * len(usable))
    learned = Ranker(fit_on(usable[:cut], half_life_days))
    newest = usable[cut:]
    rivals = {"learned": learned, "shipped": SHIPPED, "votes": VOTES}
    ranks = {name: reciprocal_ranks(newest, ranker, half_life_days) for name, ranker in rivals.items()}
    gain = measures.difference([(ranks["learned"], ranks["votes"])])
    mrr = {name: float(values.mean()) for name, values in ranks.items()}
    kept = "shipped"
    if gain.low > 0 and mrr["learned"] > mrr["shipped"]:
        kept = "learned"
    elif measures.difference([(ranks["votes"], ranks["shipped"])]).low > 0:
        kept = "votes"
    return Training(len(past), len(newest), mrr, gain, kept, dict(learned.weights)), rivals[kept]


def fit_on(past: Sequence[PastQuestion], half_life_days: float, start: Ranker = SHIPPED) -> dict[str, float]:
    """Weights fitted on these questions, drawn to those of `start`."""
    questions: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    for each in past:
        found = candidates(each.traces, each.at, half_life_days, each.language, each.excluded)
        answered = np.array([person in each.answered for person in found.people], np.bool_)
        questions.append((found.values.reshape(-1, len(FEATURES)), answered))
    return fit(questions, start, PULL)


def reciprocal_ranks(past: Sequence[PastQuestion], ranker: Ranker, half_life_days: float) -> NDArray[np.float64]:
    """1 / place of the first who really answered, 0 where none of them is named; shape (questions,)."""
    found = []
    for each in past:
        ranked = rank(each.traces, ranker, each.at, half_life_days, each.language, each.excluded)
        places = [place for place, person in enumerate(ranked, 1) if person.person_id in each.answered]
        found.append(1 / places[0] if places else 0.0)
    return np.array(found)
