"""The commands about embedding models: `kollega model list` and `kollega model use`."""

import json
from dataclasses import replace

import click

from indexer.commands.json_output import json_option
from recommender.settings import Settings


@click.group("model")
def model_group() -> None:
    """Show which embedding model is in use, and put another one in use."""


@model_group.command("list")
@json_option
@click.pass_obj
def list_models(settings: Settings, as_json: bool) -> None:
    """List the model in use, and those whose index is kept, so that going back to them takes seconds."""
    from indexer.indexing.kept import follow, models_on_disk

    follow(settings)
    models = models_on_disk(settings)
    if as_json:
        click.echo(json.dumps([model.as_dict() for model in models], indent=2))
        return
    for model in models:
        click.echo(model.line())


@model_group.command()
@click.argument("name")
@click.pass_context
def use(context: click.Context, name: str) -> None:
    """Put the embedding model NAME in use: a name or folder that Sentence Transformers loads.

    An index is built with it beside the one in use, which goes on answering, and then takes its place in one step.
    `kollega serve` and `kollega watch` follow by themselves. What changes meanwhile is found afterwards. To go back,
    name the model before: its last index is kept until `kollega gc --previous`, so that only what has changed since is
    encoded.
    """
    from indexer.commands.index import update_index
    from indexer.indexing.kept import follow
    from indexer.indexing.models import name_of_model, require_free_choice
    from recommender.encoder.load import find_model
    from recommender.index.model_in_use import model_in_use

    settings: Settings = context.obj
    name = name_of_model(name)
    require_free_choice(settings, name)
    wanted = replace(settings, model=name)
    find_model(wanted)  # raises ModelError before anything is begun
    follow(settings)
    before, learned = model_in_use(settings), _learned(settings)
    try:
        update_index(wanted, full=False, switch=True)
    finally:  # it exits with 1 when an item could not be indexed
        if model_in_use(settings) == name:
            _tell(settings, before, name, learned)


def _tell(settings: Settings, before: str, name: str, learned: set[str]) -> None:
    if before == name:
        click.echo(f"in use as before: {name}")
        return
    click.echo(f"in use: {name}. To go back: kollega model use {before}")
    for command in sorted(learned - _learned(settings)):
        click.echo(f"What was learned from your own history is for one model. Run: {command}", err=True)


def _learned(settings: Settings) -> set[str]:
    """The commands that have learned something for the index in use."""
    from recommender.errors import IndexNotFound
    from recommender.index import generations
    from recommender.learned import ANSWER_MODEL, RANKER

    try:
        live = generations.live(settings.index_dir)
    except IndexNotFound:
        return set()
    return {learned.command for learned in (ANSWER_MODEL, RANKER) if (live / learned.name).is_file()}
