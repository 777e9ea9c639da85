"""The commands that measure and learn: `kollega evaluate`, `train-experts`, `calibrate`."""

import sys
from functools import partial
from pathlib import Path

import click

from indexer.commands.json_output import json_option
from indexer.commands.running import database_session, load_analyzer, progress_bars
from recommender.settings import Settings

PARTS = ("test", "train", "all")


@click.command()
@click.argument("sets", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--part", type=click.Choice(PARTS), default="test", show_default=True, help="Which of the questions to ask."
)
@json_option
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    help="Write to this file a picture of how right the probabilities are.",
)
@click.pass_obj
def evaluate(settings: Settings, sets: tuple[Path, ...], part: str, as_json: bool, picture: Path | None) -> None:
    """Measure how good search is on SETS: folders with questions whose answers are known.

    docs/search.md describes the format of a set and what is measured. What a set lacks the data for is left out and
    named, everything else is printed, and the exit status is 1. Answers are cached under KOLLEGA_HOME, so a
    second run takes seconds as long as nothing changed. Needs the extra `evaluate`, which is installed in the
    repository: .venv/bin/pip install --no-build-isolation -e '.[evaluate]'
    """
    from indexer.evaluation import report
    from indexer.evaluation.evaluate import evaluate as measure
    from indexer.evaluation.sets import folders_with_sets
    from recommender.encoder.load import load_encoder
    from recommender.index.model_in_use import with_model_in_use

    folders = folders_with_sets(sets)
    for folder in (folder for folder in sets if folder not in folders):
        click.echo(f"{folder} contains no evaluation set and is left out.", err=True)
    encoder, analyzer = load_encoder(with_model_in_use(settings)), load_analyzer(settings)
    with progress_bars() as progress:
        evaluation = measure(settings, encoder, analyzer, folders, part, progress)
    click.echo(report.as_json(evaluation) if as_json else report.as_text(evaluation))
    for problem in evaluation.problems:
        click.echo(problem, err=True)
    if picture:
        report.plot(evaluation, picture)
    if evaluation.problems:
        sys.exit(1)


@click.command("train-experts")
@click.pass_obj
def train_experts(settings: Settings) -> None:
    """Learn from your own history how to rank the colleagues who can help.

    What was learned is used only when it is clearly better on the newest questions; otherwise plain votes (who did most
    in similar items), if they are clearly better than the shipped weights. `kollega status` then says what is used.
    Needs 200 answered requests that were imported; with fewer, nothing is changed.
    """
    from indexer.learning.train_experts import train
    from recommender.recommender import Recommender

    with progress_bars() as progress, database_session(settings) as session:
        training = train(settings, Recommender.open(settings), session, partial(progress, "questions"))
    click.echo(training.as_text())


@click.command()
@click.pass_obj
def calibrate(settings: Settings) -> None:
    """Learn from your own history how sure Kollega can be that a question has an answer.

    What was learned is used only when it is clearly better on the newest questions; `kollega status` then names it.
    Needs 100 past questions that had an answer and 100 that had none; with fewer, nothing is changed.
    """
    from indexer.learning.calibrate import calibrate as fit
    from recommender.recommender import Recommender

    with progress_bars() as progress, database_session(settings) as session:
        calibration = fit(settings, Recommender.open(settings), session, partial(progress, "questions"))
    click.echo(calibration.as_text())
