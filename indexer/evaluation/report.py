"""The result of `kollega evaluate`, and how it is shown: as JSON, as Markdown tables, as a reliability diagram."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from indexer.evaluation import experts, measures
from indexer.evaluation.experts import ExpertEvaluation
from indexer.evaluation.measures import Bin
from indexer.learning.comparison import Interval
from recommender.errors import EvaluationError, how_to_install


@dataclass(frozen=True)
class Row:
    """One method on one task of one set: its metrics by name over `n` queries. `fusion_gain` is the nDCG@10 of fusion
    minus that of this method; None for fusion itself and where nothing is ranked."""

    set: str
    protocol: str
    method: str
    n: int
    metrics: dict[str, float]
    fusion_gain: Interval | None = None


@dataclass
class Evaluation:
    """All rows; `fusion_gain`, by method, the nDCG@10 of fusion minus that of the method over all tasks; the points of
    the reliability diagram by set; how well colleagues are suggested; and a sentence about each task that could not be
    measured."""

    rows: list[Row] = field(default_factory=list)
    fusion_gain: dict[str, Interval] = field(default_factory=dict)
    calibration: dict[str, list[Bin]] = field(default_factory=dict)
    experts: ExpertEvaluation = field(default_factory=ExpertEvaluation)
    problems: list[str] = field(default_factory=list)


def as_json(evaluation: Evaluation) -> str:
    """Rows {set, protocol, method, n, metrics}, as JSON. Rows of dense or keyword search alone also have `fusion_gain`
    {mean, low, high}; rows of the set `all` contain the same over all tasks."""
    rows: list[dict[str, object]] = [
        {"set": row.set, "protocol": row.protocol, "method": row.method, "n": row.n, "metrics": row.metrics}
        | ({"fusion_gain": asdict(row.fusion_gain)} if row.fusion_gain else {})
        for row in evaluation.rows
    ]
    for method, gain in evaluation.fusion_gain.items():
        rows.append({"set": "all", "protocol": f"nDCG@10 over {method}", "method": "fusion", "metrics": asdict(gain)})
    return json.dumps(rows + experts.as_rows(evaluation.experts), indent=1)


def as_text(evaluation: Evaluation) -> str:
    """A Markdown table for each kind of task, and fusion compared with dense and keyword search over all tasks."""
    lines: list[str] = []
    for names in (measures.MEASURES, ("AUROC", "ECE")):
        rows = [row for row in evaluation.rows if names[0] in row.metrics]
        if not rows:
            continue
        head = ["set", "task", "n", "method", *names, *(["fusion's gain in nDCG@10"] if "nDCG@10" in names else [])]
        lines += ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in rows:
            cells = [row.set, row.protocol, str(row.n), row.method, *(f"{row.metrics[name]:.3f}" for name in names)]
            if "nDCG@10" in names:
                cells.append(str(row.fusion_gain) if row.fusion_gain else "")
            lines.append(f"| {' | '.join(cells)} |")
    if evaluation.fusion_gain:
        lines.append("")
    for method, gain in evaluation.fusion_gain.items():
        lines.append(f"fusion minus {method} search alone, mean nDCG@10 over all tasks: {gain}")
    return "\n".join([*lines, *experts.as_lines(evaluation.experts)]).strip()


def plot(evaluation: Evaluation, path: Path) -> None:
    """Draw the reliability diagram of an evaluation (`draw_reliability`). Raises EvaluationError also when no set has
    questions without an answer."""
    if not evaluation.calibration:
        raise EvaluationError("--plot needs a set with both in-scope and out-of-scope questions.")
    draw_reliability(evaluation.calibration, path)


def draw_reliability(calibration: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """Draw, by method: of the questions with about the same probability, the share that had an answer. Raises
    EvaluationError when the picture cannot be written."""
    try:
        import matplotlib
    except ImportError as error:
        raise EvaluationError(f"Drawing needs an extra. {how_to_install('evaluate')}") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="perfect")
    for name, bins in calibration.items():
        ece = measures.calibration_error(bins)
        points = [(point.probability, point.share) for point in bins]
        axes.plot(*zip(*points, strict=True), marker="o", label=f"{name} (calibration error {ece:.3f})")
        for point, place in zip(bins, points, strict=True):
            axes.annotate(str(point.count), place, fontsize=7, textcoords="offset points", xytext=(4, -9))
    axes.set(xlabel="probability given", ylabel="share that had an answer", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.legend(loc="outside upper center")  # outside of the axes, where no points are
    try:
        figure.savefig(path)
    except (OSError, ValueError) as problem:
        raise EvaluationError(f"{path} cannot be written: {problem}. Name a .png or .svg file.") from problem
    finally:
        pyplot.close(figure)
