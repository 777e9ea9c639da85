"""`kollega train-experts`: weights for ranking colleagues, learned from the organisation's own history.

They are fitted to the older questions and evaluated on the newer ones, each asked among the items of its time
(`history.py`). They are used only when they are better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from indexer.learning.comparison import Interval, difference
from indexer.learning.history import PastQuestion, Progress, past_questions
from indexer.learning.sharing import give_others
from recommender.datatypes import LEARNED_MISSING
from recommender.errors import ModelError
from recommender.index import generations
from recommender.learned import RANKER
from recommender.people.experts import rank
from recommender.people.features import FEATURES, candidates
from recommender.people.ranker import SHIPPED, VOTES, Ranker, fit
from recommender.recommender import Recommender
from recommender.sentences.sentence import Sentence, joined
from recommender.settings import Settings

WARM_UP = 50  # the oldest questions, which are not used, since few items existed before them; a judgement
LEAST, MOST = 200, 3_000  # questions that are needed, and that are used at most (the newest); judgements
HELD_OUT = 0.3  # share of the questions, the newest, that the weights are judged on; a judgement
PULL = 10.0  # strength of the prior around the shipped weights; a judgement
SHARED_FEATURES = ("votes", "similar_now", "active_quarter")
SHARED_PULL = 0.5  # strength of the prior around votes for shared weights, for each question; a judgement


@dataclass(frozen=True)
class Training:
    """The result. `mrr` is the mean reciprocal rank by name (learned, shipped, votes) on the held-out questions, `gain`
    that of the learned weights minus that of votes, None when there is too little history. `chosen` names what is used
    from now on."""

    questions: int
    held_out: int
    mrr: dict[str, float]
    gain: Interval | None
    chosen: str
    weights: dict[str, float]

    def as_text(self) -> str:
        """A sentence with what is used from now on and the figures; for learned weights also the five strongest."""
        if self.gain is None:
            return Sentence(
                "Too little history: there are %(num)s imported requests with an answer, and %(least)s are needed. "
                "(Requests sent in Kollega do not count, since colleagues were suggested for them.) Nothing was "
                "changed.",
                num=self.questions,
                least=LEAST,
            )
        figures = Sentence(
            "on the newest %(held_out)s of %(num)s questions the mean reciprocal rank is %(learned)s with learned "
            "weights, %(shipped)s with the shipped ones and %(votes)s by votes; learned weights minus votes: %(gain)s.",
            held_out=self.held_out,
            num=self.questions,
            gain=self.gain,
            **{name: f"{self.mrr[name]:.3f}" for name in ("learned", "shipped", "votes")},
        )
        if self.chosen == "learned":
            strongest = sorted(self.weights.items(), key=lambda weight: -abs(weight[1]))[:5]
            used = joined([Sentence("The learned weights are used"), figures], ": ")
            return joined([used, ", ".join(f"{n} {w:+.2f}" for n, w in strongest)], "\n")
        shipped, votes = Sentence("The shipped weights are used"), Sentence("Votes alone are used")
        return joined([shipped if self.chosen == "shipped" else votes, figures], ": ")


def train(
    settings: Settings, recommender: Recommender, session: Session, progress: Progress = lambda _done, _total: None
) -> Training:
    """Fit and evaluate weights; store them in the live generation of the index if they are better.

    With too little history nothing changes, except that a file that cannot be read is removed. Raises IndexNotFound
    when there is no index, IndexLocked when another process is writing it, ModelError when the model cannot be used.
    """
    with generations.write_lock(settings.index_dir):
        directory = generations.live(settings.index_dir)
        if set(recommender.notices) - {LEARNED_MISSING}:  # which this makes anew
            raise ModelError(
                Sentence("Learning needs the model, which cannot be used. See what is wrong: kollega status")
            )
        past = list(past_questions(recommender, session, MOST, progress=progress))
        training, ranker = learn(past, settings.half_life_days)
        if training.gain is None:
            RANKER.remove_unusable(directory)
        elif training.chosen == "shipped":
            RANKER.remove(directory)
        else:
            trained = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "generation": directory.name,
                "kept": training.chosen,
                "questions": training.questions,
                "held_out": training.held_out,
                "mrr": training.mrr,
            }
            RANKER.save(directory, Ranker(ranker.weights, trained))
        if training.gain is not None:
            give_others(session, directory / RANKER.name)
    return training


def learn(past: Sequence[PastQuestion], half_life_days: float) -> tuple[Training, Ranker]:
    """The result of learning from the history (oldest first), and the ranker to use."""
    if len(past) < LEAST:
        return Training(len(past), 0, {}, None, "shipped", {}), SHIPPED
    usable = past[WARM_UP:]
    cut = len(usable) - round(HELD_OUT * len(usable))
    learned = Ranker(fit_on(usable[:cut], half_life_days))
    newest = usable[cut:]
    rankers = {"learned": learned, "shipped": SHIPPED, "votes": VOTES}
    ranks = {name: reciprocal_ranks(newest, ranker, half_life_days) for name, ranker in rankers.items()}
    gain = difference([(ranks["learned"], ranks["votes"])])
    mrr = {name: float(values.mean()) for name, values in ranks.items()}
    chosen = "shipped"
    if gain.low > 0 and mrr["learned"] > mrr["shipped"]:
        chosen = "learned"
    elif difference([(ranks["votes"], ranks["shipped"])]).low > 0:
        chosen = "votes"
    return Training(len(past), len(newest), mrr, gain, chosen, dict(learned.weights)), rankers[chosen]


def fit_on(past: Sequence[PastQuestion], half_life_days: float, start: Ranker = SHIPPED) -> dict[str, float]:
    """Weights fitted on the history of an organisation, with a prior around the weights of `start`."""
    return fit(_with_answerers(past, half_life_days), start, PULL)


def fit_shared(past: Sequence[PastQuestion], half_life_days: float) -> dict[str, float]:
    """Weights for organisations that they are not fitted on: few features, with a strong prior around votes, so that
    they keep to what holds in every set of questions."""
    pull = SHARED_PULL * len(past)
    weights = fit(_with_answerers(past, half_life_days), VOTES, pull, SHARED_FEATURES)
    return {name: weights[name] for name in SHARED_FEATURES}


def _with_answerers(
    past: Sequence[PastQuestion], half_life_days: float
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each question the features of its candidates, shape (people, features), and who answered, shape (people,)."""
    questions = []
    for question in past:
        people = candidates(question.traces, question.at, half_life_days, question.language, question.excluded)
        answered = np.array([person in question.answered for person in people.people], np.bool_)
        questions.append((people.values.reshape(-1, len(FEATURES)), answered))
    return questions


def reciprocal_ranks(past: Sequence[PastQuestion], ranker: Ranker, half_life_days: float) -> NDArray[np.float64]:
    """1 / rank of the first person who really answered, 0 where none of them is suggested; shape (questions,)."""
    ranks = []
    for question in past:
        ranked = rank(question.traces, ranker, question.at, half_life_days, question.language, question.excluded)
        places = [place for place, person in enumerate(ranked, 1) if person.person_id in question.answered]
        ranks.append(1 / places[0] if places else 0.0)
    return np.array(ranks)
