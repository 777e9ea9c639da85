"""Asks the recommender for the current reader: with a question that somebody typed, or with a whole request."""

from dataclasses import dataclass
from functools import cached_property

from werkzeug.datastructures import MultiDict

from recommender import access
from recommender.access import Reader
from recommender.database.tables import HelpRequest
from recommender.datatypes import Kind, Recommendation, Suggestion, item_key
from recommender.filters import NO_FILTERS, Filters
from recommender.language.private_matters import is_private_matter
from recommender.search.people_beside import People
from web import current, measuring
from web.sign_in.session import current_reader

LONGEST_IN_ADDRESS = 200  # characters of a question that stands in an address: a judgement
SHOWN_AT_ONCE = 3  # suggestions on a page before "show more": a judgement
_LAST_REPLIES = 3  # of a request, that are part of the question: a judgement
_LONGEST_BODY, _LONGEST_REPLY = 4_000, 2_000  # characters: a judgement, about as much as the model reads


@dataclass(frozen=True)
class TypedQuestion:
    """What was typed: the question in one line, and optionally details."""

    title: str
    body: str

    @property
    def text(self) -> str:
        """Both together, as the recommender reads them."""
        return f"{self.title}\n{self.body}".strip()

    @cached_property
    def is_private(self) -> bool:
        """True when it is about health, harassment, pay or family."""
        return is_private_matter(self.text)

    @property
    def may_stand_in_address(self) -> bool:
        """True for a short question without details that is not private: its page has an address that can be shared.
        Addresses are kept in the history of browsers and in the logs of proxies."""
        short = len(self.title) <= LONGEST_IN_ADDRESS and "\n" not in self.title
        return bool(self.title) and not self.body and short and not self.is_private


def typed_question(values: MultiDict[str, str]) -> TypedQuestion:
    """The question in the fields of a form or a query string."""
    return TypedQuestion(values.get("q", "").strip(), values.get("body", "").strip())


def recommend(
    question: TypedQuestion, top_k: int, typing: bool = False, filters: Filters = NO_FILTERS
) -> Recommendation:
    """At most `top_k` suggestions for a question, and colleagues, from what the current reader may read. `typing` says
    that the question is not finished, and `filters` what to search."""
    recommender, session = current.recommender(), current.session()
    found = recommender.recommend(question.text, current_reader(), session, top_k, typing=typing, filters=filters)
    measuring.counts().count_answer(found, partial=typing)
    return found


def suggest_first(question: TypedQuestion, filters: Filters) -> Recommendation:
    """What `recommend` gives while somebody types, without colleagues where items are shown; they follow when the
    typing rests (`people_for`)."""
    recommender, session = current.recommender(), current.session()
    found = recommender.suggest(question.text, current_reader(), session, filters=filters)
    measuring.counts().count_answer(found, partial=True)
    return found


def people_for(question: TypedQuestion, filters: Filters) -> People:
    """The colleagues that `suggest_first` has left out for the same question."""
    return current.recommender().people_for(question.text, current_reader(), current.session(), filters)


def recommend_similar(
    request: HelpRequest, reader: Reader, resolved: int, still_open: int
) -> tuple[Recommendation, tuple[Suggestion, ...]]:
    """(at most `resolved` suggestions and colleagues, at most `still_open` similar open requests) for a request, by its
    question and its last replies, from what the reader may read."""
    recommender, session = current.recommender(), current.session()
    last_replies = [reply.body[:_LONGEST_REPLY] for reply in request.replies[-_LAST_REPLIES:]]
    text = "\n".join([request.title, request.body[:_LONGEST_BODY], *last_replies])
    own_key = {item_key(Kind.REQUEST, request.id)}
    # The recommender does not suggest the asker. An anonymous asker may be suggested: their absence would reveal them.
    asker = access.asker(request, reader)
    asker_id = asker.id if asker else None
    return recommender.recommend_with_open(
        text, reader, session, resolved, still_open, leave_out=own_key, asker=asker_id
    )
