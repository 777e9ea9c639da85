"""Messages of Teams in Graph's form: which threads become requests, and what is left out."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.records import Located, PersonRecord, RequestRecord
from indexer.sources.teams import OPTIONS, open_source
from recommender.errors import SourceError
from tests.fixture_files import FIXTURES, folded_hash, needs_fixtures

CHANNEL = {"teamId": "t-1", "channelId": "19:tuki@thread.tacv2"}
NAMES = {
    "channels.json": {"value": [{"id": "19:tuki@thread.tacv2", "displayName": "Tuki"}]},
    "team.json": {"id": "t-1", "displayName": "Koko talo"},
    "members.json": {"value": [{"id": "x", "userId": "u-1", "displayName": "Matti Mäki", "email": "matti@example.fi"}]},
}
CHECK = {"reactionType": "✅", "user": {"user": {"id": "u-1"}}}


def said(number: int, user: str, html: str, parent: int | None = None, **more: Any) -> dict[str, Any]:
    """A message as Graph gives it."""
    return {
        "id": str(1772438400000 + number),
        "replyToId": str(1772438400000 + parent) if parent is not None else None,
        "messageType": "message",
        "createdDateTime": f"2026-03-02T08:00:{number:02}.5Z",
        "from": {"user": {"id": user, "displayName": f"orgid:{user}"}},
        "body": {"contentType": "html", "content": html},
        "channelIdentity": CHANNEL,
        **more,
    }


def read(folder: Path, **files: Any) -> list[Located]:
    """What the source yields for these files of messages."""
    for name, value in {**NAMES, **{f"{name}.json": value for name, value in files.items()}}.items():
        (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return [found for found in open_source("teams", OPTIONS(place=str(folder))).read() if isinstance(found, Located)]


def requests(folder: Path, **files: Any) -> list[RequestRecord]:
    """The requests among it."""
    return [found.record for found in read(folder, **files) if isinstance(found.record, RequestRecord)]


def test_a_thread_becomes_a_request_wherever_its_replies_are(tmp_path: Path) -> None:
    inside = said(2, "u-2", "<p>Katso <b>ohje</b>, <at id='0'>Matti Mäki</at>.</p>", 1, reactions=[CHECK])
    first = said(1, "u-1", "<p>Miten vaihdan salasanan?</p>", subject="Salasana", replies=[inside])
    found = read(tmp_path, messages={"value": [first]}, replies=[said(3, "u-3", "<p>Tai soita.</p>", 1), inside])
    [request] = [each.record for each in found if isinstance(each.record, RequestRecord)]
    assert (request.id, request.title, request.body) == (
        "19:tuki@thread.tacv2-1772438400001",
        "Salasana",
        "Miten vaihdan salasanan?",
    )
    assert [(reply.author, reply.body, reply.accepted) for reply in request.replies] == [
        ("u-2", "Katso ohje, @Matti Mäki.", True),
        ("u-3", "Tai soita.", False),
    ]
    assert (request.status, request.created_at) == ("resolved", datetime(2026, 3, 2, 8, 0, 1, 500_000))
    assert (request.group, request.readers_there) == ("Tuki", ("Koko talo",))
    people = [each.record for each in found if isinstance(each.record, PersonRecord)]
    assert [(person.id, person.name, person.email) for person in people] == [
        ("u-1", "Matti Mäki", "matti@example.fi"),
        ("u-2", "u-2", None),
        ("u-3", "u-3", None),
    ]


def test_without_the_askers_check_mark_there_is_no_answer(tmp_path: Path) -> None:
    reactions = [
        {**CHECK, "reactionType": "like"},
        {"reactionType": "✅", "user": {"user": {"id": "u-9"}}},
        {"user": None},
    ]
    [request] = requests(tmp_path, all=[said(1, "u-1", "Miten?"), said(2, "u-2", "Näin", 1, reactions=reactions)])
    assert request.status == "closed" and not request.replies[0].accepted


@pytest.mark.parametrize(
    "first",
    [
        said(1, "u-1", "Huomenta kaikille"),
        said(1, "u-1", "Miten?", messageType="systemEventMessage"),
        said(1, "u-1", "Miten?", deletedDateTime="2026-03-02T09:00:00Z"),
        said(1, "u-1", "Miten?", chatId="19:chat@thread.v2"),
        {**said(1, "u-1", "Miten?"), "from": {"application": {"id": "a"}, "user": None}},
        {**said(1, "u-1", "Miten?"), "from": None},
    ],
)
def test_what_nobody_wrote_or_asked_is_left_out(tmp_path: Path, first: dict[str, Any]) -> None:
    assert requests(tmp_path, all=[first, said(2, "u-2", "Näin", 1)]) == []


def test_replies_of_programs_and_deleted_ones_are_left_out(tmp_path: Path) -> None:
    gone = said(2, "u-2", "Näin", 1, deleted=True)
    assert requests(tmp_path, all=[said(1, "u-1", "Miten?"), gone]) == []
    [request] = requests(tmp_path, all=[said(1, "u-1", "Miten?"), gone, said(3, "u-2", "Noin", 1)])
    assert [reply.body for reply in request.replies] == ["Noin"]


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_a_channel_that_not_all_of_its_team_may_read_has_its_own_readers(tmp_path: Path, kind: str) -> None:
    channel = {**NAMES["channels.json"]["value"][0], "membershipType": kind}  # type: ignore[index]
    first = said(1, "u-1", "Miten irtisanon?", replies=[said(2, "u-2", "Kysy minulta", 1)])
    [request] = requests(tmp_path, messages=[first], more={"value": [channel]})
    assert request.readers_there == ("Koko talo / Tuki",)


def test_a_channel_of_which_nobody_says_that_it_is_not_private_has_its_own_readers(tmp_path: Path) -> None:
    first = said(1, "u-1", "Miten irtisanon?", replies=[said(2, "u-2", "Kysy minulta", 1)])
    [request] = requests(tmp_path, messages=[first], channels={"value": []})
    assert request.readers_there == ("Koko talo / 19:tuki@thread.tacv2",)


def test_when_no_thread_asks_that_is_told(tmp_path: Path) -> None:
    [told] = read(
        tmp_path, messages=[said(1, "u-1", "Huomenta"), said(2, "u-2", "Huomenta", 1), said(3, "u-1", "Miten?")]
    )
    assert told.record is None and told.problem.startswith("none of 2 threads begins with a question")


def test_files_of_deleted_messages_are_not_named(tmp_path: Path) -> None:
    files = {"attachments": [{"name": "palkat.xlsx"}], "deletedDateTime": "2026-03-03T08:00:00Z"}
    first = said(1, "u-1", "Miten irtisanon?", replies=[said(2, "u-2", "Kysy", 1), said(3, "u-2", "", 1, **files)])
    [request] = requests(tmp_path, messages=[first])
    assert request.attachments == ()


def test_attachments_are_named_and_pictures_of_the_service_dropped(tmp_path: Path) -> None:
    html = '<p>Miten tämä avataan? <img src="https://g/hostedContents/a"></p><attachment id="f"/>'
    first = said(1, "u-1", html, attachments=[{"name": "ohje.pdf", "contentType": "reference"}, {"name": None}])
    [request] = requests(tmp_path, all=[first, said(2, "u-2", "Näin", 1)])
    assert (request.body, request.attachments) == ("Miten tämä avataan?", ("ohje.pdf",))


def test_a_file_that_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, all=[said(1, "u-1", "Miten?"), said(2, "u-2", "Näin", 1)], broken="{", deep="[" * 100_000)
    assert [each.place for each in found if each.record is None] == ["broken.json:1", "deep.json:1"]
    assert any(isinstance(each.record, RequestRecord) for each in found)


def test_a_place_without_messages_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Save the answers of Microsoft Graph"):
        read(tmp_path)


@needs_fixtures
def test_real_answers_are_read(tmp_path: Path) -> None:
    folder = FIXTURES / "teams/pnp__cli-microsoft365"
    assert requests_of(folder) == []  # no thread among them asks and has its first message
    reply = json.loads((folder / "message-reply-list_2.json").read_text())
    first = {**reply, "id": reply["replyToId"], "replyToId": None, "body": "Who are you?"}
    others = [json.loads((folder / f"message-reply-list_{number}.json").read_text()) for number in range(3)]
    (tmp_path / "all.json").write_text(json.dumps([first, *others]))
    [request] = requests_of(tmp_path)
    assert request.id == "19:d0bba23c2fc8413991125a43a54cc30e@thread.skype-1501527481624"
    assert [reply.author for reply in request.replies] == [
        "8b209ac8-08ff-4ef1-896d-3b9fde0bbf04",
        "2ed03dfd-01d8-4005-a9ef-fa8ee546dc6c",
    ]
    assert folded_hash(request.replies[0].body) == "eec5ceb194e9"
    assert request.replies[0].created_at == datetime(2017, 7, 31, 18, 58, 2, 612_000)


def requests_of(folder: Path) -> list[RequestRecord]:
    """The requests of a folder."""
    found = open_source("teams", OPTIONS(place=str(folder))).read()
    return [each.record for each in found if isinstance(each, Located) and isinstance(each.record, RequestRecord)]
