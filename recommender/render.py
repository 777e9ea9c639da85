"""Recommendation -> plain values for JSON: the same form for the command line and the web."""

from typing import Any

from recommender.datatypes import Expert, Recommendation, Suggestion


def as_json(recommendation: Recommendation) -> dict[str, Any]:
    """{question, language, verdict, notices, more, suggestions: [...], experts: [...]}; times are ISO 8601 in UTC."""
    return {
        "question": recommendation.question,
        "language": recommendation.language,
        "verdict": recommendation.verdict.value,
        "notices": list(recommendation.notices),
        "more": recommendation.more,
        "suggestions": [_suggestion(suggestion) for suggestion in recommendation.suggestions],
        "experts": [_expert(expert) for expert in recommendation.experts],
    }


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    item = suggestion.item
    return {
        "item": item.key,
        "kind": item.kind.value,
        "title": item.title,
        "team": item.team,
        "language": item.language,
        "at": item.at.isoformat(),
        "url": item.url,
        "match": round(suggestion.match, 4),
        "passage": {
            "role": suggestion.passage.role.value,
            "text": suggestion.excerpt,
            "marks": [list(mark) for mark in suggestion.marks],
        },
        "why": {"words": list(suggestion.why.words), "nearness": _rounded(suggestion.why.nearness)},
    }


def _expert(expert: Expert) -> dict[str, Any]:
    return {
        "handle": expert.handle,
        "name": expert.name,
        "teams": list(expert.teams),
        "languages": list(expert.languages),
        "away_until": expert.away_until.isoformat() if expert.away_until else None,
        "score": round(expert.score, 4),
        "answered": expert.answered,
        "replied": expert.replied,
        "keeps": expert.keeps,
        "last_at": expert.last_at.isoformat(),
        "evidence": [
            {
                "item": piece.item.key,
                "title": piece.item.title,
                "part": piece.part.value,
                "at": piece.at.isoformat(),
            }
            for piece in expert.evidence
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
