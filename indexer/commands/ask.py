"""A question from the command line: the recommendation as text or JSON."""

import json

from sqlalchemy import select

from recommender.access import ANYONE, reader_of
from recommender.database.engine import open_database
from recommender.database.tables import Person
from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH, Expert, Recommendation, Verdict
from recommender.errors import IndexDamaged, KollegaError
from recommender.index.generations import live
from recommender.recommender import Recommender
from recommender.render import as_json
from recommender.settings import Settings

_VERDICTS = {
    Verdict.ANSWER: "This has been answered before.",
    Verdict.MAYBE: "These may help.",
    Verdict.UNKNOWN: "Nobody has written this down.",
}
_NOTICES = {
    DENSE_MISSING: "The model or its vectors cannot be used; this is keyword search alone. Run: kollega status",
    INDEX_MISMATCH: "The index is another model's; this is keyword search alone. Run: kollega reindex --full",
}


def answer(settings: Settings, question: str, handle: str | None, top_k: int, json_wanted: bool) -> str:
    """Ask as the person `handle`, or as anyone. Raises KollegaError for an unknown person, IndexNotFound,
    IndexDamaged."""
    live(settings.index_dir)
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
    for number, found in enumerate(recommendation.suggestions, 1):
        item = found.item
        facts = ", ".join([item.team or "no team", item.kind, item.language, f"{item.at:%Y-%m-%d}", item.key])
        lines += [f"{number}. {item.title}", f"   {facts} - match {found.match:.2f}"]
        lines += [f"   | {line}" for line in _marked(found.excerpt, found.marks).splitlines() if line.strip()]
        if found.why.words:
            lines.append(f"   why: the same words: {', '.join(found.why.words)}")
        lines.append("")
    if recommendation.experts:
        lines.append("Colleagues who know:")
    for expert in recommendation.experts:
        away = f", away until {expert.away_until:%Y-%m-%d}" if expert.away_until else ""
        teams = ", ".join(expert.teams) or "no team"
        lines.append(
            f"- {expert.name} ({teams}{away}): {_parts(expert)}, "
            f"last {expert.last_at:%Y-%m-%d}, e.g. {expert.evidence[0].item.title!r}"
            + (f" ({', '.join(expert.words)})" if expert.words else "")
        )
    if recommendation.teams:
        lines.append(f"What comes closest was handled by: {', '.join(recommendation.teams)}")
    return "\n".join(lines).rstrip()


def _parts(expert: Expert) -> str:
    if expert.answered:
        return f"answered {expert.answered} like this"
    if expert.keeps:
        return "keeps a document on this"
    return "verified a document on this" if expert.verified else f"took part in {expert.replied} like this"


def _marked(text: str, marks: tuple[tuple[int, int], ...]) -> str:
    parts, at = [], 0
    for start, end in marks:
        parts += [text[at:start], "[", text[start:end], "]"]
        at = end
    return "".join([*parts, text[at:]])
