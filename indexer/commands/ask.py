"""`kollega ask`: asks a question from the command line, and prints the recommendation as text or JSON."""

import json
from typing import Any

import click

from indexer.commands.running import database, few_collections
from recommender.datatypes import (
    DATABASE_EMPTY,
    DENSE_MISSING,
    INDEX_AWAY,
    INDEX_MISMATCH,
    KEYWORDS_MISSING,
    LEARNED_MISSING,
    Expert,
    Heading,
    Kind,
    Recommendation,
    Suggestion,
    Verdict,
)  # fmt: skip
from recommender.settings import Settings

_VERDICTS = {
    Verdict.ANSWER: "Found",
    Verdict.MAYBE: "Possibly related",
    Verdict.UNKNOWN: "Nothing found yet",
}
_VAGUE = "Tell a little more: which program, device or matter is it about? What does it say or do?"
_NOTICES = {
    DENSE_MISSING: "The model or its vectors cannot be used, so keyword search alone answers. Run: kollega status",
    INDEX_MISMATCH: "The index is of another model, so keyword search alone answers. Run: kollega reindex --full",
    INDEX_AWAY: "Milvus does not answer, so nothing can be searched now. Start it, or correct KOLLEGA_MILVUS.",
    DATABASE_EMPTY: "The database is empty, although the index is not: was its file deleted? Restore a backup.",
    KEYWORDS_MISSING: "Keyword search cannot be used, so dense search alone answers. Run: kollega status",
    LEARNED_MISSING: "What was learned from your own history is damaged and not used. Run: kollega verify",
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
@click.option("--team", default="", help="Search only what this team (its handle) has answered or written.")
@click.option("--kind", type=click.Choice(list(Kind)), help="Search only requests, or only guides (document).")
@click.option("--language", default="", help="Search only what is in this language, such as fi or en.")
@click.option("--newest", is_flag=True, help="List the answers by their time, the newest first.")
@click.pass_obj
def ask(
    settings: Settings, question: str, handle: str | None, as_json: bool, top_k: int, team: str, kind: str | None,
    language: str, newest: bool,
) -> None:  # fmt: skip
    """Ask a QUESTION: what was found, suggestions with their passage, and the colleagues who can help."""
    chosen = {"team": team, "kind": Kind(kind) if kind else None, "language": language, "newest": newest}
    click.echo(answer(settings, question, handle, top_k, as_json, **chosen))


def answer(settings: Settings, question: str, handle: str | None, top_k: int, json_wanted: bool, **chosen: Any) -> str:
    """Ask as the person `handle`, or as somebody who has not signed in; `chosen` are the fields of Filters. Raises
    KollegaError for an unknown person, IndexNotFound, IndexDamaged."""
    from sqlalchemy import select

    from recommender.access import ANYONE, reader_of
    from recommender.database.tables import Person
    from recommender.errors import IndexDamaged, KollegaError
    from recommender.filters import Filters
    from recommender.index.generations import live
    from recommender.recommender import Recommender
    from recommender.render import as_json

    with database(settings) as sessions, sessions() as session:
        live(settings.index_dir)  # a missing index is reported before the model is loaded
        reader = ANYONE
        if handle:
            person = session.scalar(select(Person).where(Person.handle == handle))
            if person is None:
                raise KollegaError(f"There is no person {handle!r}. Their handle is the id they were imported with.")
            reader = reader_of(person)
        with few_collections():
            recommender = Recommender.open(settings)
        if recommender.index is None:
            raise IndexDamaged("The index is damaged. Run: kollega reindex --full")
        recommendation = recommender.recommend(question, reader, session, top_k, filters=Filters(**chosen))
    if json_wanted:
        return json.dumps(as_json(recommendation), ensure_ascii=False, indent=2)
    return as_text(recommendation, settings.old_after_months)


def as_text(recommendation: Recommendation, old_after_months: int) -> str:
    """A few lines for a terminal, matching words in [brackets]. Answers that are older than `old_after_months` are
    marked; 0 means never."""
    lines = [_NOTICES[notice] for notice in recommendation.notices if notice in _NOTICES]
    lines.append(_VAGUE if recommendation.vague else _VERDICTS[recommendation.verdict])
    if recommendation.missing and recommendation.suggestions:
        start = "This does not mention" if len(recommendation.suggestions) == 1 else "None of these mentions"
        lines.append(f"{start} {' or '.join(recommendation.missing)}.")
    lines.append("")
    for number, suggestion in enumerate(recommendation.suggestions, 1):
        lines += [*_suggestion_lines(number, suggestion, old_after_months), ""]
    if recommendation.experts:
        lines.append("Colleagues who can help:")
    lines += [_expert_line(expert) for expert in recommendation.experts]
    if recommendation.teams:
        lines.append(f"The closest items were handled by: {', '.join(recommendation.teams)}")
    return "\n".join(lines).rstrip()


def _suggestion_lines(number: int, suggestion: Suggestion, old_after_months: int) -> list[str]:
    item = suggestion.item
    facts = ", ".join([item.team or "no team", item.kind, item.language, f"{item.at:%Y-%m-%d}", item.key])
    lines = [f"{number}. {item.title}", f"   {facts} - match {suggestion.match:.2f}"]
    lines += [f"   {note}" for note in _notes(suggestion, old_after_months)]
    excerpt = _in_brackets(suggestion.excerpt, suggestion.marks)
    lines += [f"   | {line}" for line in excerpt.splitlines() if line.strip()]
    if suggestion.why.words:
        lines.append(f"   why: the same words: {', '.join(suggestion.why.words)}")
    return lines


def _notes(suggestion: Suggestion, old_after_months: int) -> list[str]:
    """What the search page says of a suggestion too: how often it was asked, a newer answer or else its age, its
    version in another language."""
    from recommender.database.tables import utc_now
    from recommender.knowledge.age import is_old

    notes = []
    if suggestion.pinned_until:
        notes.append(
            f"chosen by {suggestion.pinned_by or 'your organisation'} until {suggestion.pinned_until:%Y-%m-%d}"
        )
    if suggestion.asked > 1:
        notes.append(f"asked {suggestion.asked} times, last on {suggestion.last_at or suggestion.item.at:%Y-%m-%d}")
    if suggestion.newer:
        notes.append(f"there is a newer answer: {_reference(suggestion.newer)}")
    elif is_old(suggestion.said_at or suggestion.item.at, old_after_months, utc_now()):
        notes.append(f"older than {old_after_months} months: check that it is still right")
    if suggestion.other_language:
        notes.append(f"also in {suggestion.other_language.language}: {_reference(suggestion.other_language)}")
    return notes


def _reference(heading: Heading) -> str:
    return f"{heading.title} ({heading.key})"


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
