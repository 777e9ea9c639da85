"""Fits the shipped weights for ranking colleagues (`SHIPPED` in `recommender/people/ranker.py`).

They are fitted on the questions of evaluation sets that were asked before the split of their set.

Usage: python -m indexer.research.fit_ranker SET..., where each SET has an expert task, as for `kollega evaluate`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from indexer.evaluation.expert_questions import read
from indexer.evaluation.run import Run, ask_experts
from indexer.evaluation.sets import EvaluationSet
from indexer.learning.train_experts import WARM_UP, fit_shared
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings


def main(folders: Sequence[Path]) -> None:
    """Fit, and print each weight as it is written in the code."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    sets = [EvaluationSet.read(folder) for folder in folders]
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        runs = [
            ask_experts(evaluation_set, read(folder, evaluation_set), run)
            for folder, evaluation_set in zip(folders, sets, strict=True)
        ]
    past = [question for expert_run in runs for question in expert_run.earlier[WARM_UP:]]
    for name, weight in fit_shared(past, settings.half_life_days).items():
        print(f'"{name}": {weight:.2f},')


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
