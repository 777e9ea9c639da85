"""What the tools return. The names and docstrings are part of what an assistant reads."""

from typing import Any, Literal

from pydantic import BaseModel


class Answer(BaseModel):
    """An item that may answer the question. `match` is the probability (0 to 1) that it does; `text` is the part of
    the answer that has the fix, and `read_item` gives the whole by `item`."""

    item: str
    kind: Literal["request", "document"]
    title: str
    text: str
    team: str | None
    date: str
    match: float
    address: str
    replaced_by: str | None = None


class Answers(BaseModel):
    """What the organisation has answered before. With the verdict "answer" the first one most likely answers the
    question; with "maybe" they are possibly related; with "unknown" there is nothing that this person can read."""

    verdict: Literal["answer", "maybe", "unknown"]
    note: str
    answers: list[Answer]
    teams_to_ask: list[str]


class Colleague(BaseModel):
    """Somebody who has answered such questions, or owns a guide about them, and why they are named."""

    handle: str
    name: str
    teams: list[str]
    languages: list[str]
    away_until: str | None
    reasons: list[str]
    evidence: list[str]
    address: str


class Colleagues(BaseModel):
    """Colleagues who can help, best first; and the teams to turn to when no colleague is known."""

    colleagues: list[Colleague]
    teams_to_ask: list[str]


class Item(BaseModel):
    """A solved request (`text` is the question, `answer` what solved it) or a guide (`text` is all of it)."""

    item: str
    kind: Literal["request", "document"]
    title: str
    text: str
    answer: str | None
    team: str | None
    date: str
    address: str
    original: str | None
    replaced_by: str | None


def answers_of(found: dict[str, Any], site: str) -> Answers:
    """The suggestions of the API's answer to a question; `site` is the address of the pages."""
    answers = [
        Answer(
            item=each["item"],
            kind=each["kind"],
            title=each["title"],
            text=each["answer"],
            team=each["team"],
            date=each["last_at"][:10],
            match=each["match"],
            address=address_of(each["item"], site),
            replaced_by=each["newer"]["item"] if each["newer"] else None,
        )
        for each in found["suggestions"]
    ]
    return Answers(verdict=found["verdict"], note=_note(found), answers=answers, teams_to_ask=found["teams"])


def colleagues_of(found: dict[str, Any], site: str) -> Colleagues:
    """The colleagues of the API's answer to a question."""
    people = [
        Colleague(
            handle=each["handle"],
            name=each["name"],
            teams=each["teams"],
            languages=each["languages"],
            away_until=each["away_until"],
            reasons=_reasons(each),
            evidence=[
                f"{part['title']} ({part['item']}, {part['part']}, {part['at'][:10]})" for part in each["evidence"]
            ],
            address=f"{site}/people/{each['handle']}",
        )
        for each in found["experts"]
    ]
    return Colleagues(colleagues=people, teams_to_ask=found["teams"])


def item_of(found: dict[str, Any], site: str) -> Item:
    """An item of the API."""
    return Item(
        item=found["item"],
        kind=found["kind"],
        title=found["title"],
        text=found["body"],
        answer=found["answer"],
        team=found["team"],
        date=found["at"][:10],
        address=address_of(found["item"], site),
        original=found["url"],
        replaced_by=found["replaced_by"]["item"] if found["replaced_by"] else None,
    )


def address_of(key: str, site: str) -> str:
    """The page of an item by its key."""
    kind, _colon, number = key.partition(":")
    return f"{site}/{kind}s/{number}"


def _note(found: dict[str, Any]) -> str:
    if found["vague"]:
        return "The question says too little. Ask what it is about: a system, a form, an error message."
    if found["missing"]:
        return f"None of these mentions {', '.join(found['missing'])}."
    if found["verdict"] == "unknown":
        return "Nothing found that this person can read. Offer to ask a team."
    return ""


def _reasons(person: dict[str, Any]) -> list[str]:
    counts = (
        ("answered", "answered one like this", "answered {n} like this"),
        ("keeps", "is responsible for a guide about it", "is responsible for {n} guides about it"),
        ("verified", "verified a guide about it", "verified {n} guides about it"),
        ("replied", "replied to one like this", "replied to {n} like this"),
    )
    given = [(person[name], one, many) for name, one, many in counts if person[name]]
    return [one if count == 1 else many.format(n=count) for count, one, many in given]
