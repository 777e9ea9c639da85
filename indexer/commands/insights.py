"""`kollega insights`: what the organisation is asked about, and bringing it up to date."""

import json
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.running import database, load_analyzer, progress_bar
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from recommender.insights.topic import Topic

_MISSING = {
    "no_vectors": "There are no topics, since the index has no vectors. Run: kollega reindex",
    "few_items": "There are no topics: fewer than 5 resolved requests and documents are about the same.",
    "not_for_everyone": "No item may be read by everyone, so that there are only topics of single teams.",
}


@click.group("insights", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def insights_group(ctx: click.Context, as_json: bool) -> None:
    """Show what the organisation is asked about: its topics, for everyone and for each team, with their items.

    `kollega insights update` computes them. So does `kollega watch`, after the index has changed.
    """
    if ctx.invoked_subcommand is None:
        with database(ctx.obj) as sessions:
            found = insights(sessions)
        click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else _as_text(found))


@insights_group.command("update")
@click.option(
    "--again",
    is_flag=True,
    help="Form all topics again, beginning with those there are. Items that are nearer to another topic go there.",
)
@click.pass_obj
def update(settings: Settings, again: bool) -> None:
    """Bring the topics up to date with the index, and compute what of them hangs on single people.

    New items join the nearest topic, and new topics are made of items that fit into none. Topics keep their names, and
    stay as a lead has left them. Past questions of each topic are then asked again. The index must be up to date: see
    `kollega reindex`.
    """
    from recommender.database.tables import utc_now
    from recommender.encoder.load import load_encoder
    from recommender.index.local import LocalIndex
    from recommender.insights.figures import update_figures
    from recommender.insights.update import update_topics
    from recommender.live import Live
    from recommender.recommender import Recommender
    from recommender.search.question import QuestionAnalyzer

    encoder, analyzer = load_encoder(settings), load_analyzer(settings)
    index = LocalIndex.open(settings.index_dir, encoder.card)
    with database(settings) as sessions, progress_bar("questions") as progress:
        report = update_topics(sessions, index, analyzer, utc_now(), again)
        for lack in report.missing:
            click.echo(_MISSING[lack], err=True)
        click.echo(report.line())
        if report.topics:
            questions = QuestionAnalyzer.load(analyzer, settings)
            recommender = Recommender(settings, questions, Live.load(settings.index_dir, encoder))
            figures = update_figures(sessions, recommender.searching, index, settings, utc_now(), progress)
            click.echo(figures.line())


def insights(sessions: "sessionmaker[Session]") -> dict[str, Any]:
    """The topics of everyone and of all teams, as JSON values."""
    from recommender.insights.stored import tokens_of_topics
    from recommender.insights.topic import reader_of, visible_topics

    with sessions() as session:
        shown: dict[int, Topic] = {}
        for token in tokens_of_topics(session):
            shown |= {topic.id: topic for topic in visible_topics(session, reader_of(session, token))}
    topics = [
        {
            "id": topic.id,
            "audience": topic.audience,
            "names": dict(topic.names),
            "items": list(topic.items),
            "made_on": topic.made_on.isoformat(),
        }
        for topic in sorted(shown.values(), key=lambda topic: (topic.audience, -len(topic.items), topic.id))
    ]
    return {"topics": topics, "plan": []}


def _as_text(found: dict[str, Any]) -> str:
    if not found["topics"]:
        return "There are no topics yet. Run: kollega insights update"
    return "\n".join(
        f"{len(topic['items']):6}  {topic['audience']:12}  {topic['names']['en']} | {topic['names']['fi']}"
        for topic in found["topics"]
    )
