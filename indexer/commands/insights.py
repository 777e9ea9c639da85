"""`kollega insights`: what the organisation is asked about, and bringing it up to date."""

import json
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import json_option
from indexer.commands.running import database, load_analyzer, progress_bar
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_MISSING = {
    "no_vectors": "There are no topics, since the index has no vectors. Run: kollega reindex",
    "few_items": "There are no topics: fewer than 5 resolved requests and documents are about the same.",
    "not_for_everyone": "No item may be read by everyone, so that there are only topics of single teams.",
}


@click.group("insights", invoke_without_command=True)
@json_option
@click.pass_context
def insights_group(ctx: click.Context, as_json: bool) -> None:
    """Show what the organisation is asked about, what of it hangs on few people, and what is worth doing about it.

    `kollega insights update` computes them. So does `kollega watch`, after the index has changed.
    """
    if ctx.invoked_subcommand is None:
        with database(ctx.obj) as sessions, sessions() as session:
            text = json.dumps(insights(session), ensure_ascii=False, indent=2) if as_json else as_text(session)
        click.echo(text)


@insights_group.command("update")
@click.option(
    "--again",
    is_flag=True,
    help="Form all topics again, beginning with those there are. Items that are nearer to another topic go there.",
)
@click.pass_obj
def update(settings: Settings, again: bool) -> None:
    """Bring the topics up to date with the index, and compute what of them hangs on single people and what is missing.

    New items join the nearest topic, and new topics are made of items that fit into none. Topics keep their names, and
    stay as a lead has left them. Past questions of each topic are then asked again. The index must be up to date: see
    `kollega reindex`.
    """
    from indexer.indexing.insights import compute_insights
    from recommender.encoder.load import load_when_needed
    from recommender.index.model_in_use import with_model_in_use

    encoder, analyzer = load_when_needed(with_model_in_use(settings)), load_analyzer(settings)
    with database(settings) as sessions, progress_bar("questions") as progress:
        report = compute_insights(settings, sessions, encoder, analyzer, again, progress)
    for lack in report.topics.missing:
        click.echo(_MISSING[lack], err=True)
    for line in report.lines():
        click.echo(line)


def insights(session: "Session") -> dict[str, Any]:
    """The topics of everyone and of all teams with what hangs on people and what is missing, and the plan, as JSON
    values."""
    from recommender.insights.risk.risk import all_risks, reader_of_all
    from recommender.insights.values import insights_of

    return insights_of(session, reader_of_all(session), all_risks(session))


def as_text(session: "Session") -> str:
    """The same as a table of topics, those first from which most is expected to be lost, and sentences for the plan."""
    from sqlalchemy import select

    from recommender.database.risk_tables import PROPOSED
    from recommender.database.tables import Document, Person
    from recommender.datatypes import Kind, item_key
    from recommender.insights.risk.acts import plan_of
    from recommender.insights.risk.risk import all_risks
    from recommender.insights.risk.wording import act_sentence, before_and_after, topic_name

    risks = all_risks(session)
    if not risks:
        return "There are no topics with figures yet. Run: kollega insights update"
    lines = ["Asked a year, find an answer, people it hangs on, expected to be lost a year, topic:"]
    for risk in risks:
        hangs_on = "-" if risk.bus_factor is None else str(risk.bus_factor)
        figures = f"{risk.demand:7.1f}  {risk.answerable:5.0%}  {hangs_on:>2}  {risk.expected_loss:6.2f}"
        lines.append(f"{figures}  {topic_name(risk.topic, 'en')} ({risk.topic.audience})")
    acts = [act for act in plan_of(session, [risk.topic for risk in risks]) if act.state == PROPOSED]
    people = {number: name for number, name in session.execute(select(Person.id, Person.name))} if acts else {}
    wanted = select(Document.id, Document.title).where(Document.id.in_([act.document_id for act in acts]))
    titles = {item_key(Kind.DOCUMENT, number): title for number, title in session.execute(wanted)} if acts else {}
    lines.append("\nWorth doing, the best first:" if acts else "\nNothing stands out as worth doing.")
    for number, act in enumerate(acts, 1):
        now, afterwards = before_and_after(act.loss_before, act.loss_after, "en")
        sentence = act_sentence(act, "en", people, titles)
        lines.append(
            f"{number:2}. {sentence} About {act.minutes} minutes; expected to be lost now: {now}, "
            f"afterwards: {afterwards}."
        )
    return "\n".join(lines)
