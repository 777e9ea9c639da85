"""The panel beside a request, for agents who handle it: similar resolved and open requests, documents, colleagues."""

from dataclasses import dataclass

from recommender.access import Reader
from recommender.database.tables import HelpRequest
from recommender.datatypes import Kind, Recommendation, Suggestion
from recommender.knowledge.outcomes import Usage, usage
from web.current import session
from web.requests.quoting import insertion, quotable, readers_of
from web.search.question import recommend_similar

_RESOLVED, _DOCUMENTS, _OPEN = 6, 4, 4  # shown at most: a judgement, as many as fit beside a request
_SUGGESTIONS = 20  # suggestions that are asked for, so that both kinds are among them: a judgement


@dataclass(frozen=True)
class Card:
    """A suggestion as an agent sees it. `quotable` is True when everybody who may read the request may read
    it too, as far as the agent may know who that is."""

    suggestion: Suggestion
    usage: Usage
    quotable: bool
    thread: str

    def text(self, how: str) -> str:
        """The text that `how` (answer, quote, link) inserts into a reply to a request in the language `thread`."""
        return insertion(self.suggestion.item, how, self.thread)


@dataclass(frozen=True)
class Panel:
    """The content of the panel beside one request: suggestions by kind, similar open requests, and all that was found
    (`found`), with the verdict and the colleagues."""

    found: Recommendation
    resolved: list[Card]
    documents: list[Card]
    open: list[Card]


def make_panel(request: HelpRequest, reader: Reader) -> Panel:
    """The panel of a request, from what the reader may read."""
    recommendation, similar_open = recommend_similar(request, reader, _SUGGESTIONS, _OPEN)
    suggestions = recommendation.suggestions
    usages = usage(session(), [suggestion.item.key for suggestion in (*suggestions, *similar_open)], reader)
    people = readers_of(request)

    def make_card(suggestion: Suggestion) -> Card:
        item = suggestion.item
        return Card(suggestion, usages[item.key], quotable(item, request, people, reader), request.language)

    cards = [make_card(suggestion) for suggestion in suggestions]
    return Panel(
        found=recommendation,
        resolved=[card for card in cards if card.suggestion.item.kind is Kind.REQUEST][:_RESOLVED],
        documents=[card for card in cards if card.suggestion.item.kind is Kind.DOCUMENT][:_DOCUMENTS],
        open=[make_card(suggestion) for suggestion in similar_open],
    )
