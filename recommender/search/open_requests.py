"""Finds the open requests that are about the same subject as a question: several of them show that many people have the
problem."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.datatypes import Suggestion
from recommender.search.search import Search
from recommender.search.snippet import suggestion

_SAME_SUBJECT = 0.6
"""The similarity from which an open request is about the same subject as a question; a judgement."""


def same_subject(
    search: Search, reader: Reader, session: Session, top_k: int, leave_out: Collection[str]
) -> tuple[Suggestion, ...]:
    """The open requests that are about the same subject as the question, best first. The second look does not read
    them: it was fitted on items that have an answer."""
    of_open_requests = replace(reader, tokens=reader.for_open_requests)
    results = search.find(of_open_requests, session, top_k, leave_out, second_look=False)
    same = [judged for judged in results.judged if judged.match >= _SAME_SUBJECT][:top_k]
    return tuple(suggestion(judged, results.question) for judged in same)
