"""Whether a topic's own past questions would find an answer again, also without one person.

Each question is asked once, as somebody who may read what everybody who sees the topic may. Kept are the items that the
search found with the probability that they answer. Everything else is arithmetic on these and on who stands for an item
(`holders.py`): a question finds an answer without a person when an item that answers it still counts without them.

The question's own request counts as an answer to it: whoever gave that answer can give it again. An item answers from
the probability from which a search says that it has found an answer (`Settings.answer_from`).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.datatypes import DENSE_MISSING, INDEX_AWAY, INDEX_MISMATCH, INDEX_MISSING
from recommender.errors import ModelError
from recommender.insights.risk.holders import Holders
from recommender.search.features import is_about_other_codes
from recommender.search.question import is_vague
from recommender.search.replies import says_nothing
from recommender.search.results import Results
from recommender.search.search import SHOWN, Search
from recommender.settings import Settings

Made = TypeVar("Made")
_UNUSABLE = {DENSE_MISSING, INDEX_AWAY, INDEX_MISSING, INDEX_MISMATCH}


class Searching(Protocol):
    """What `Recommender.searching` does."""

    def __call__(self, text: str, use: Callable[[Search], Made]) -> Made:
        """What `use` makes of the search for a text."""
        ...


@dataclass(frozen=True)
class AskedAgain:
    """A question that was asked again: the key of its request, and what was found, as the probability that it answers,
    by item key. What was found without answering is there too, from the probability that is worth showing."""

    question: str
    found: Mapping[str, float]

    def answers(self, answer_from: float) -> frozenset[str]:
        """The keys of the items that answer it, its own request among them."""
        return frozenset(item for item, match in self.found.items() if match >= answer_from) | {self.question}


def ask_again(
    searching: Searching,
    reader: Reader,
    session: Session,
    text: str,
    settings: Settings,
    leave_out: Collection[str] = (),
) -> dict[str, float] | None:
    """What is found for a question, as in `AskedAgain.found`; None for a text that says too little to be asked. Raises
    ModelError when the search had no vectors."""

    def use(search: Search) -> dict[str, float] | None:
        results = search.find(reader, session, SHOWN, leave_out)
        if _UNUSABLE & set(results.pool.notices):
            raise ModelError(
                "What hangs on whom cannot be computed without the model. See what is wrong: kollega status"
            )
        return None if is_vague(results.question) else _found(results, settings.maybe_from)

    return searching(text, use)


def _found(results: Results, least: float) -> dict[str, float]:
    """The items that match well enough and say something about the codes of the question."""
    return {
        judged.item.key: judged.match
        for judged in results.judged
        if judged.match >= least
        and not is_about_other_codes(results.question, judged.text)
        and not says_nothing(judged.text.answer_text)
    }


def answerable(asked: Collection[AskedAgain], holders: Holders, answer_from: float) -> float:
    """The share of the questions that find an answer which somebody here stands for; 0 when there are no questions."""
    found = sum(any(map(holders.counts, question.answers(answer_from))) for question in asked)
    return found / len(asked) if asked else 0.0


def answerable_without(asked: Collection[AskedAgain], holders: Holders, answer_from: float, person: int) -> float:
    """The same when this person leaves."""
    found = sum(
        any(holders.counts_without(item, person) for item in question.answers(answer_from)) for question in asked
    )
    return found / len(asked) if asked else 0.0
