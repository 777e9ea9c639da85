"""Reads the back-test: how much more is answered late or never in the topics that a ranking puts first.

Within each set and date the topics are ranked, and the top fifth is compared with the mean. *Per topic* compares how
many late or unanswered questions came later, which is what an expected loss in questions a year is about; *per
question* compares which share of the later questions that was, whatever their number. Rankings to compare with: chance,
demand alone, the bus factor, the share lost without one person, the number of people, and the expected loss for each
question asked (without demand).
Intervals are of 95 %, from drawing sets, and topics within each set and date, again with replacement.

Usage: python -m indexer.research.insights.lift PICTURE.svg RESULT.json...
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from indexer.learning.comparison import Interval
from indexer.research.insights.backtest import TopicPast, read
from recommender.errors import EvaluationError

TOP = 0.2
"""The share of topics at the top; a judgement."""
_DRAWS = 2_000
_SEED = 19
HUNG = 0.25
"""A topic hung on one person when without them at least this share of its questions lost its answer; a judgement."""

Groups = Mapping[tuple[str, str], Sequence[TopicPast]]
"""Topics by (set, date)."""
Ranking = Callable[[TopicPast], float]
RANKINGS: Mapping[str, Ranking] = {
    "expected loss": lambda topic: topic.expected_loss,
    "expected loss per question": lambda topic: topic.expected_loss / topic.demand if topic.demand else 0.0,
    "demand alone": lambda topic: topic.demand,
    "low bus factor": lambda topic: -topic.bus_factor,
    "share lost without one": lambda topic: topic.alone,
    "few people": lambda topic: -topic.people,
}
"""Rankings by name; the highest value is the top."""


def grouped(topics: Sequence[TopicPast]) -> dict[tuple[str, str], list[TopicPast]]:
    """The topics by set and date."""
    groups = defaultdict[tuple[str, str], list[TopicPast]](list)
    for topic in topics:
        groups[topic.set, topic.date].append(topic)
    return dict(groups)


def lift(groups: Groups, ranking: Ranking, per_topic: bool, top: float = TOP) -> float:
    """The mean of the top topics divided by the mean of all, over all sets and dates together; ties count in shares. 0
    when there is nothing to compare."""
    seen = expected = 0.0
    for topics in groups.values():
        weights = _tops(topics, ranking, top)
        late, later = (np.array([getattr(topic, name) for topic in topics], float) for name in ("late", "later"))
        if per_topic:
            seen += float(weights @ late)
            expected += float(weights.sum() * late.mean())
        elif later.sum():
            seen += float(weights @ late)
            expected += float(weights @ later) * float(late.sum() / later.sum())
    return seen / expected if expected else 0.0


def _tops(topics: Sequence[TopicPast], ranking: Ranking, top: float) -> np.ndarray:
    """How much of each topic is in the top share: 1 or 0, or equal parts for those that are as high as the last one."""
    values = np.array([ranking(topic) for topic in topics])
    wanted = top * len(topics)
    weights, order = np.zeros(len(topics)), np.sort(values)[::-1]
    last = order[min(len(order) - 1, int(np.ceil(wanted)) - 1)]
    above, level = values > last, values == last
    weights[above] = 1.0
    weights[level] = (wanted - above.sum()) / level.sum()
    return weights


def with_interval(groups: Groups, figure: Callable[[Groups], float]) -> Interval:
    """A figure with its interval."""
    random = np.random.default_rng(_SEED)
    sets = sorted({name for name, _date in groups})
    draws = []
    for _ in range(_DRAWS):
        drawn: dict[tuple[str, str], Sequence[TopicPast]] = {}
        for number, place in enumerate(random.integers(0, len(sets), len(sets))):
            for (name, date), topics in groups.items():
                if name == sets[place]:
                    chosen = random.integers(0, len(topics), len(topics))
                    drawn[f"{name} {number}", date] = [topics[row] for row in chosen]
        draws.append(figure(drawn))
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(figure(groups), float(low), float(high))


def by_chance(groups: Groups, per_topic: bool, top: float = TOP) -> Interval:
    """The lift of rankings at random: their mean, and where 95 % of them are."""
    random = np.random.default_rng(_SEED)
    lifts = []
    for _ in range(_DRAWS):
        places = {id(topic): random.random() for topics in groups.values() for topic in topics}
        lifts.append(lift(groups, lambda topic, places=places: places[id(topic)], per_topic, top))  # type: ignore[misc]
    low, high = np.quantile(lifts, (0.025, 0.975))
    return Interval(float(np.mean(lifts)), float(low), float(high))


def _written(figure: Interval) -> str:
    return f"{figure.mean:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def late_where_silent(groups: Groups) -> float:
    """The share of late or unanswered questions in topics that hung on somebody who fell silent, divided by that share
    in topics that hung on somebody who stayed, with the same weight of set and date."""
    silent = stayed = 0.0
    for topics in groups.values():
        shares = []
        for fell in (True, False):
            of_kind = [topic for topic in topics if topic.alone >= HUNG and topic.silent is fell]
            later = sum(topic.later for topic in of_kind)
            shares.append((sum(topic.late for topic in of_kind) / later if later else None, later))
        (one, first), (other, second) = shares
        if one is not None and other is not None:
            weight = first * second / (first + second)
            silent, stayed = silent + weight * one, stayed + weight * other
    return silent / stayed if stayed else 0.0


def table(topics: Sequence[TopicPast]) -> dict[str, object]:
    """All figures, as JSON values."""
    groups = grouped(topics)
    lifts = {
        kind: {
            **{
                name: _written(with_interval(groups, partial(lift, ranking=rank, per_topic=kind == "per topic")))
                for name, rank in RANKINGS.items()
            },
            "chance": _written(by_chance(groups, kind == "per topic")),
        }
        for kind in ("per topic", "per question")
    }
    by_set = {
        name: {
            kind: round(
                lift({key: value for key, value in groups.items() if key[0] == name}, RANKINGS["expected loss"], of), 2
            )
            for kind, of in (("per topic", True), ("per question", False))
        }
        for name in sorted({name for name, _date in groups})
    }
    return {
        "topics": len(topics),
        "later questions": sum(topic.later for topic in topics),
        "late or never": sum(topic.late for topic in topics),
        "lift of the top fifth": lifts,
        "by set": by_set,
        "topics that hung on one person": sum(topic.alone >= HUNG for topic in topics),
        "of these on one who fell silent": sum(topic.alone >= HUNG and topic.silent for topic in topics),
        "late where that person fell silent, against where they stayed": _written(
            with_interval(groups, late_where_silent)
        ),
    }


def draw(topics: Sequence[TopicPast], path: Path) -> None:
    """Draw the lift of the top topics by how many count as top. Raises EvaluationError when that cannot be done."""
    try:
        import matplotlib
    except ImportError as error:
        raise EvaluationError("Drawing needs the extra `evaluate`.") from error
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "insights"
    from matplotlib import pyplot

    groups = grouped(topics)
    shares = np.linspace(0.1, 1.0, 19)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True)
    styles = {"expected loss": "-", "demand alone": "--", "expected loss per question": "-.", "few people": ":"}
    for axes, per_topic, title in (
        (left, True, "how many late or unanswered\nquestions a topic had later"),
        (right, False, "which share of its later questions\nwas late or unanswered"),
    ):
        chance = [by_chance(groups, per_topic, top) for top in shares[::3]]
        axes.fill_between(
            shares[::3], [each.low for each in chance], [each.high for each in chance], color="0.88", label="by chance"
        )
        for name, style in styles.items():
            lifts = [lift(groups, RANKINGS[name], per_topic, top) for top in shares]
            axes.plot(shares, lifts, style, color="0.1" if name == "expected loss" else "0.45", label=name)
        axes.axhline(1.0, color="0.7", linewidth=0.8)
        axes.set(title=title, xlabel="share of topics at the top", ylabel="times the mean", xlim=(0.1, 1.0))
    left.legend(fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def main(picture: Path, results: Sequence[Path]) -> None:
    """Print all figures as JSON and draw the picture."""
    topics = [topic for result in results for topic in read(result)]
    print(json.dumps(table(topics), indent=2))
    draw(topics, picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
