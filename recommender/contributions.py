"""How much each person's part in an item counts as evidence of what they know."""

from collections.abc import Iterable
from datetime import date, datetime, time

from recommender.datatypes import Contribution, Part

ACCEPTED, UPVOTED, REPLIED, OWNED, OWNED_AND_VERIFIED, VERIFIED = 1.0, 0.5, 0.2, 0.4, 0.6, 0.4
"""How much a contribution counts as evidence, relative to an accepted answer: a judgement."""


def reply_contributions(replies: Iterable[tuple[int | None, datetime, bool, int]]) -> tuple[Contribution, ...]:
    """The best contribution of each author of replies (author id, time, accepted, score); the first of equally good
    ones. The asker's replies must be left out before."""
    best: dict[int, Contribution] = {}
    for author, at, accepted, score in replies:
        if author is None:
            continue
        weight = ACCEPTED if accepted else UPVOTED if score > 0 else REPLIED
        part = Part.REPLIED if weight == REPLIED else Part.ANSWERED
        known = best.get(author)
        if known is None or weight > known.weight:
            best[author] = Contribution(author, weight, at, part)
    return tuple(best.values())


def document_contributions(
    owner_id: int | None, verifier_id: int | None, verified_on: date | None, written_at: datetime
) -> tuple[Contribution, ...]:
    """The contributions of a document's owner, who counts more once the document is verified, and of another person who
    verified it."""
    at = last_confirmed(verified_on, written_at)
    weight = OWNED_AND_VERIFIED if verified_on else OWNED
    parts = () if owner_id is None else (Contribution(owner_id, weight, at, Part.KEEPS),)
    if verified_on is None or verifier_id is None or verifier_id == owner_id:
        return parts
    return (*parts, Contribution(verifier_id, VERIFIED, datetime.combine(verified_on, time.min), Part.VERIFIED))


def last_confirmed(verified_on: date | None, written_at: datetime) -> datetime:
    """When somebody last wrote or verified a document."""
    return max(written_at, datetime.combine(verified_on, time.min)) if verified_on else written_at
