"""The weights of colleagues that ship (`expert_ranker.SHIPPED`): fitted on sets' questions from before their split.

Usage: python -m indexer.research.fit_ranker SET..., where each SET has an expert task, as for `kollega evaluate`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from indexer.evaluation.expert_questions import read
from indexer.evaluation.run import Run, ask_experts
from indexer.evaluation.sets import EvaluationSet
from indexer.learning.train_experts import WARM_UP, fit_on
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.people.ranker import Ranker
from recommender.settings import Settings


def main(folders: Sequence[Path]) -> None:
    """Fit, and print each weight as it stands in the code."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    sets = [EvaluationSet.read(folder) for folder in folders]
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        asked = [ask_experts(each, read(folder, each), run) for folder, each in zip(folders, sets, strict=True)]
    past = [question for each in asked for question in each.earlier[WARM_UP:]]
    for name, weight in fit_on(past, settings.half_life_days, Ranker({})).items():
        print(f'"{name}": {weight:.2f},')


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
