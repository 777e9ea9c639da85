"""The features of the first candidates of a question, from which `rerank.py` orders them and tells whether one
of them answers.

They cost no model: everything is read from the scores of both searches, the vectors of the index, and the texts that
are loaded anyway. Every feature is a number for one candidate of one question.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Item, Kind, Passage
from recommender.language.terms import fold
from recommender.search.codes import codes, form, may_have_form, mentions
from recommender.search.fusion import Candidate
from recommender.search.highlight import Found, Matcher
from recommender.search.question import Question
from recommender.search.replies import says_nothing

NAMES = (
    "score", "lexical", "nearest", "question", "answer", "opening", "whole", "title_words", "body_words",
    "answer_words", "all_words", "codes_missing", "codes_present", "codes_other", "document", "age", "newer_alike",
    "answer_length", "says_nothing", "same_language", "place",
)  # fmt: skip
"""The names of the columns of a feature matrix; `CandidateText` and `feature_matrix` say what they are."""
RERANKED = 20
"""How many of the first candidates get features; a judgement."""
_COMPARED = 10
"""Among how many of the first candidates newer ones of the same content are looked for; a judgement."""
_READ = 1500
"""Characters of a body and of an answer in which words and codes are looked for; a judgement."""
_WHOLE = 50_000
"""Characters of an item in which the question's codes are looked for before it is said to answer; a judgement."""
_DAYS_OF_YEAR = 365.25
_TRANSLATED = 0.5
"""What a word counts that is in the item only as a translation or synonym; a judgement."""
_OLDEST_YEARS = 3.0
"""Years from which an item is no older; a judgement."""
_DETAILED = 15
"""Words from which a question says so much that the age of an item matters less; a judgement."""
_NEWER_YEARS = 0.02
"""Years from which an item is newer than another: about a week. A judgement."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CandidateText:
    """A candidate with its item and passages (those that the index found), as it is compared with the question.
    `said_at` is the time of the older item that its answer was copied from (`copies.py`)."""

    item: Item
    candidate: Candidate
    passages: Sequence[Passage]
    said_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """When what it says was said first."""
        return self.said_at or self.item.at

    @cached_property
    def body(self) -> str:
        """What was asked; of a document the passages that were found."""
        if self.item.kind is Kind.DOCUMENT:
            return "\n".join(f"{passage.context}\n{passage.text}" for passage in self.passages)[: 2 * _READ]
        return self.item.body[:_READ]

    @cached_property
    def answer(self) -> str:
        """The answer; of a document nothing, since its text is the body."""
        return self.item.answer[:_READ]

    @cached_property
    def text(self) -> str:
        """Title, body and answer."""
        return f"{self.item.title}\n{self.body}\n{self.answer}"

    @cached_property
    def folded(self) -> str:
        """The text, folded (`terms.fold`)."""
        return fold(self.text)

    @property
    def whole_text(self) -> str:
        """Title, body and answer, cut at a length that no text written by hand has."""
        return f"{self.item.title}\n{self.item.body}\n{self.item.answer}"[:_WHOLE]

    @cached_property
    def answer_direction(self) -> NDArray[np.float32] | None:
        """The direction of its answer (`Near`)."""
        near = self.candidate.near
        return None if near is None or near.answer_direction is None else near.answer_direction()

    @cached_property
    def answer_text(self) -> str:
        """The text that answers: the answer, or the body where there is none."""
        return self.item.answer or self.item.body


def feature_matrix(question: Question, candidates: Sequence[CandidateText], matcher: Matcher) -> Matrix:
    """The features of candidates, shape (candidates, len(NAMES)), in their order.

    Scores and cosines are as in Candidate and Near (0 where dense search did not run), `lexical` is a share of the best
    BM25 score among them. `..._words` are the shares of the question's words, weighted by rarity, in a part of the
    item; a word that is there only as a translation counts half. `codes_...` are about the question's codes
    (`codes.py`): the share that the item lacks, whether it has one, and whether it has another code of the same form
    instead. `age` is in years against the newest of them, times `age_weight`, and `newer_alike` how alike the most
    similar newer candidate is, times its score as a share of this one's. `place` falls with the place in this order.
    """
    weights = question.weights
    total = sum(weights.values()) or 1.0
    best_lexical = max((text.candidate.lexical for text in candidates), default=0.0) or 1.0
    ages, matters = _ages(candidates), age_weight(question)
    newer = _newer_alike(candidates, ages)
    found = iter(matcher.found_in([part for text in candidates for part in (text.item.title, text.body, text.answer)]))
    rows = []
    for number, text in enumerate(candidates):
        item, candidate, near = text.item, text.candidate, text.candidate.near
        parts = list(islice(found, 3))
        whole = Found(*(frozenset().union(*each) for each in zip(*parts, strict=True)))
        shares = [_share(each, weights, total) for each in (*parts, whole)]
        rows.append(
            (
                candidate.score,
                candidate.lexical / best_lexical,
                *((near.nearest, near.question, near.answer, near.opening, near.whole) if near else (0.0,) * 5),
                *shares,
                *(_code_features(question.codes, text.text, text.folded) if question.codes else (0.0, 0.0, 0.0)),
                float(item.kind is Kind.DOCUMENT),
                ages[number] * matters,
                newer[number],
                math.log1p(len(text.answer_text.split())),
                float(says_nothing(text.answer_text)),
                float(item.language == question.language),
                -math.log2(number + 2),
            )
        )
    return np.array(rows, np.float64).reshape(len(rows), len(NAMES))


def _share(found: Found, weights: Mapping[str, float], total: float) -> float:
    """The share of the question's words that a text has, of the `total` of their weights."""
    terms = sorted((found.terms | found.written) & weights.keys())
    return sum(weights[term] * (1.0 if term in found.written else _TRANSLATED) for term in terms) / total


def age_weight(question: Question) -> float:
    """How much the age of an item matters, 0 to 1: the more a question says, the less."""
    return min(1.0, _DETAILED / max(1, question.length))


def missing_codes(question: Question, texts: Sequence[CandidateText]) -> tuple[str, ...]:
    """The codes of the question that none of these candidates mentions."""
    return tuple(code for code in question.codes if not any(mentions(text.folded, code) for text in texts))


def is_about_other_codes(question: Question, text: CandidateText) -> bool:
    """True when the question has codes, and the whole item mentions none of them, or has another one of the same form
    instead (`error 691` for `error 807`)."""
    if not question.codes:
        return False
    whole = text.whole_text
    missing, present, other = _code_features(question.codes, whole, fold(whole))
    return missing > 0.0 and (present == 0.0 or other > 0.0)


def _code_features(asked: Sequence[str], text: str, folded: str) -> tuple[float, float, float]:
    """(share of the asked codes that a text lacks, whether it has one, whether it has another code of the form of a
    missing one). `folded` is the same text, folded."""
    missing = [code for code in asked if not mentions(folded, code)]
    forms = {form(code) for code in missing}
    other = may_have_form(folded, forms) and not forms.isdisjoint(map(form, codes(text)))
    return len(missing) / len(asked), float(len(missing) < len(asked)), float(other)


def _ages(candidates: Sequence[CandidateText]) -> NDArray[np.float64]:
    """Years against the newest candidate; a time to come counts as now."""
    now = datetime.now(UTC).replace(tzinfo=None)
    times = [min(text.at, now) for text in candidates]
    newest = max(times, default=now)
    years = [(newest - at).total_seconds() / 86_400 / _DAYS_OF_YEAR for at in times]
    return np.minimum(years, _OLDEST_YEARS)


def _newer_alike(candidates: Sequence[CandidateText], ages: NDArray[np.float64]) -> NDArray[np.float64]:
    if not candidates:
        return np.zeros(0)
    likeness = likenesses(candidates)
    scores = np.maximum([text.candidate.score for text in candidates], 1e-6)
    compared = slice(0, min(_COMPARED, len(candidates)))
    relative = likeness[:, compared] * scores[compared] / scores[:, None]
    relative[ages[compared] > ages[:, None] - _NEWER_YEARS] = 0.0
    return np.asarray(np.clip(relative.max(axis=1), 0.0, 2.0))


def likenesses(candidates: Sequence[CandidateText]) -> NDArray[np.float64]:
    """How alike the answers of candidates are: the cosines of their vectors, shape (candidates, candidates); zeros
    where there are no vectors."""
    vectors = [vector for text in candidates if (vector := text.answer_direction) is not None]
    if not candidates or len(vectors) < len(candidates):
        return np.zeros((len(candidates), len(candidates)))
    stacked = np.stack(vectors)
    return np.asarray(np.einsum("ij,kj->ik", stacked, stacked), np.float64)
