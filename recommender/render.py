"""Recommendation -> plain values for JSON: the same form for the command line and the web."""

from datetime import datetime
from typing import Any

from recommender.datatypes import Expert, Recommendation, Suggestion


def as_json(recommendation: Recommendation) -> dict[str, Any]:
    """{question, language, verdict, notices, more, suggestions: [...], experts: [...], teams: [...]}; times are ISO
    8601 in UTC."""
    return {
        "question": recommendation.question,
        "language": recommendation.language,
        "verdict": recommendation.verdict.value,
        "notices": list(recommendation.notices),
        "more": recommendation.more,
        "suggestions": [suggestion_json(suggestion) for suggestion in recommendation.suggestions],
        "experts": [expert_json(expert) for expert in recommendation.experts],
        "teams": list(recommendation.teams),
    }


def suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    """One suggestion."""
    item = suggestion.item
    return {
        "item": item.key,
        "kind": item.kind.value,
        "title": item.title,
        "team": item.team,
        "language": item.language,
        "at": in_utc(item.at),
        "url": item.url,
        "match": round(suggestion.match, 4),
        "passage": {
            "role": suggestion.passage.role.value,
            "text": suggestion.excerpt,
            "marks": [list(mark) for mark in suggestion.marks],
        },
        "why": {"words": list(suggestion.why.words), "nearness": _rounded(suggestion.why.nearness)},
    }


def expert_json(expert: Expert) -> dict[str, Any]:
    """One colleague with the evidence."""
    return {
        "handle": expert.handle,
        "name": expert.name,
        "teams": list(expert.teams),
        "languages": list(expert.languages),
        "away_until": expert.away_until.isoformat() if expert.away_until else None,
        "answered": expert.answered,
        "replied": expert.replied,
        "keeps": expert.keeps,
        "verified": expert.verified,
        "last_at": in_utc(expert.last_at),
        "words": list(expert.words),
        "reasons": list(expert.reasons),
        "evidence": [
            {
                "item": piece.item.key,
                "title": piece.item.title,
                "part": piece.part.value,
                "at": in_utc(piece.at),
            }
            for piece in expert.evidence
        ],
    }


def in_utc(at: datetime) -> str:
    """A time of the database as RFC 3339 writes it."""
    return f"{at.isoformat()}Z"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
