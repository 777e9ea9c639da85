"""`kollega ask`: asks a question from the command line, and prints the recommendation as text or JSON."""

import json

import click

from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH, Expert, Recommendation, Suggestion, Verdict
from recommender.settings import Settings

_VERDICTS = {
    Verdict.ANSWER: "This has been answered before.",
    Verdict.MAYBE: "These may help.",
    Verdict.UNKNOWN: "Nobody has written this down.",
}
_NOTICES = {
    DENSE_MISSING: "The model or its vectors cannot be used, so keyword search alone answers. Run: kollega status",
    INDEX_MISMATCH: "The index is of another model, so keyword search alone answers. Run: kollega reindex --full",
}


@click.command()
@click.argument("question")
@click.option(
    "--as", "handle", help="Handle of the person to ask as; by default only what everyone may read is searched."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API answers it.")
@click.option(
    "-n", "top_k", default=3, show_default=True, type=click.IntRange(1, 50), help="Number of suggestions at most."
)
@click.pass_obj
def ask(settings: Settings, question: str, handle: str | None, as_json: bool, top_k: int) -> None:
    """Ask a QUESTION: whether it was answered before, suggestions with their passage, and the colleagues who know."""
    click.echo(answer(settings, question, handle, top_k, as_json))


def answer(settings: Settings, question: str, handle: str | None, top_k: int, json_wanted: bool) -> str:
    """Ask as the person `handle`, or as somebody who has not signed in. Raises KollegaError for an unknown person,
    IndexNotFound, IndexDamaged."""
    from sqlalchemy import select

    from recommender.access import ANYONE, reader_of
    from recommender.database.engine import open_database
    from recommender.database.tables import Person
    from recommender.errors import IndexDamaged, KollegaError
    from recommender.index.generations import live
    from recommender.recommender import Recommender
    from recommender.render import as_json

    live(settings.index_dir)  # a missing index is reported before the model is loaded
    with open_database(settings)() as session:
        reader = ANYONE
        if handle:
            person = session.scalar(select(Person).where(Person.handle == handle))
            if person is None:
                raise KollegaError(f"There is no person {handle!r}. Their handle is the id they were imported with.")
            reader = reader_of(person)
        recommender = Recommender.open(settings)
        if recommender.index is None:
            raise IndexDamaged("The index is damaged. Run: kollega reindex --full")
        recommendation = recommender.recommend(question, reader, session, top_k)
    if json_wanted:
        return json.dumps(as_json(recommendation), ensure_ascii=False, indent=2)
    return as_text(recommendation)


def as_text(recommendation: Recommendation) -> str:
    """A few lines for a terminal, matching words in [brackets]."""
    lines = [_NOTICES[notice] for notice in recommendation.notices if notice in _NOTICES]
    lines += [_VERDICTS[recommendation.verdict], ""]
    for number, suggestion in enumerate(recommendation.suggestions, 1):
        lines += [*_suggestion_lines(number, suggestion), ""]
    if recommendation.experts:
        lines.append("Colleagues who know:")
    lines += [_expert_line(expert) for expert in recommendation.experts]
    if recommendation.teams:
        lines.append(f"The closest items were handled by: {', '.join(recommendation.teams)}")
    return "\n".join(lines).rstrip()


def _suggestion_lines(number: int, suggestion: Suggestion) -> list[str]:
    item = suggestion.item
    facts = ", ".join([item.team or "no team", item.kind, item.language, f"{item.at:%Y-%m-%d}", item.key])
    lines = [f"{number}. {item.title}", f"   {facts} - match {suggestion.match:.2f}"]
    excerpt = _in_brackets(suggestion.excerpt, suggestion.marks)
    lines += [f"   | {line}" for line in excerpt.splitlines() if line.strip()]
    if suggestion.why.words:
        lines.append(f"   why: the same words: {', '.join(suggestion.why.words)}")
    return lines


def _expert_line(expert: Expert) -> str:
    teams = ", ".join(expert.teams) or "no team"
    away = f", away until {expert.away_until:%Y-%m-%d}" if expert.away_until else ""
    words = f" ({', '.join(expert.words)})" if expert.words else ""
    return (
        f"- {expert.name} ({teams}{away}): {_contribution(expert)}, last {expert.last_at:%Y-%m-%d}, "
        f"e.g. {expert.evidence[0].item.title!r}{words}"
    )


def _contribution(expert: Expert) -> str:
    if expert.answered:
        return f"similar requests answered: {expert.answered}"
    if expert.keeps:
        return "is responsible for a document on this"
    return "verified a document on this" if expert.verified else f"similar requests replied to: {expert.replied}"


def _in_brackets(text: str, marks: tuple[tuple[int, int], ...]) -> str:
    """The text with [ and ] around each marked span."""
    parts, position = [], 0
    for start, end in marks:
        parts += [text[position:start], "[", text[start:end], "]"]
        position = end
    return "".join([*parts, text[position:]])
