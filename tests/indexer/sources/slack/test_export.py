"""Exports of Slack: which threads become requests, what is left out, and what is wrong is told."""

import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.records import Located, PersonRecord, RequestRecord
from indexer.sources.slack import OPTIONS, open_source
from indexer.sources.slack.markup import markdown_of
from recommender.errors import SourceError
from tests.fixture_files import FIXTURES, needs_fixtures

USERS = [
    {"id": "U1", "name": "matti", "real_name": "Matti Mäki", "profile": {"email": "matti@example.fi"}},
    {"id": "U2", "name": "aino", "profile": {"real_name": "Aino Virta", "email": "aino@example.fi"}},
    {"id": "U3", "name": "eero", "deleted": True, "updated": 1_767_225_600, "profile": {}},
    {"id": "B1", "name": "ilmoitin", "is_bot": True, "profile": {"real_name": "Ilmoitin"}},
]
CHANNELS = [{"id": "C1", "name": "tuki", "members": ["U1", "U2"]}, {"id": "C2", "name": "muu", "members": []}]
GROUPS = [{"id": "G1", "name": "johto", "members": ["U1"]}]
CHECK = {"name": "white_check_mark", "users": ["U1"], "count": 1}


def said(user: str, ts: str, text: str, thread: str = "", **more: Any) -> dict[str, Any]:
    """A message of the export."""
    return {
        "type": "message",
        "user": user,
        "ts": ts,
        "text": text,
        **({"thread_ts": thread} if thread else {}),
        **more,
    }


QUESTION = said("U1", "1772438400.000100", "Miten vaihdan <@U2> salasanan?", "1772438400.000100", reply_count=2)
THREAD = "1772438400.000100"


def export(folder: Path, days: dict[str, Any], **files: Any) -> Path:
    """A folder as Slack's ZIP file has it."""
    place = folder / "export"
    for name, value in {"channels.json": CHANNELS, "users.json": USERS, "groups.json": GROUPS, **days, **files}.items():
        path = place / name.replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return place


def read(place: Path, **options: Any) -> list[Located]:
    """What the source yields."""
    return [
        found
        for found in open_source("slack", OPTIONS(place=str(place), **options)).read()
        if isinstance(found, Located)
    ]


def requests(place: Path, **options: Any) -> list[RequestRecord]:
    """The requests among it."""
    return [found.record for found in read(place, **options) if isinstance(found.record, RequestRecord)]


def test_a_thread_that_asks_becomes_a_request_over_several_days(tmp_path: Path) -> None:
    place = export(
        tmp_path,
        {
            "tuki/2026-03-02.json": [QUESTION, said("U2", "1772438500.000200", "Katso <https://x.fi/a|ohje>.", THREAD)],
            "tuki/2026-03-03.json": [
                said("U2", "1772524800.000300", "Tai paina *Ctrl*.", THREAD, reactions=[CHECK]),
                said("U1", "1772524900.000400", "Kiitos!", THREAD),
            ],
        },
    )
    [request] = requests(place)
    assert (request.id, request.title) == ("C1-1772438400.000100", "Miten vaihdan @Aino Virta salasanan?")
    assert (request.asked_by, request.created_at) == ("U1", datetime(2026, 3, 2, 8, 0, 0, 100))
    assert [(reply.author, reply.body, reply.accepted) for reply in request.replies] == [
        ("U2", "Katso [ohje](https://x.fi/a).", False),
        ("U2", "Tai paina **Ctrl**.", True),
        ("U1", "Kiitos!", False),
    ]
    assert (request.status, request.group, request.readers_there) == ("resolved", "tuki", ("public",))
    people = [found.record for found in read(place) if isinstance(found.record, PersonRecord)]
    assert [(person.id, person.name, person.email) for person in people] == [
        ("U1", "Matti Mäki", "matti@example.fi"),
        ("U2", "Aino Virta", "aino@example.fi"),
    ]


@pytest.mark.parametrize(
    "reactions",
    [[], [{"name": "white_check_mark", "users": ["U3"]}], [{"name": "eyes", "users": ["U1"]}], "none", [None]],
)
def test_without_the_askers_check_mark_there_is_no_answer(tmp_path: Path, reactions: Any) -> None:
    answer = said("U2", "1772438500.000200", "Katso ohje.", THREAD, reactions=reactions)
    [request] = requests(export(tmp_path, {"tuki/2026-03-02.json": [QUESTION, answer]}))
    assert request.status == "closed" and not any(reply.accepted for reply in request.replies)


def test_what_nobody_wrote_or_asked_is_left_out(tmp_path: Path) -> None:
    def thread(first: dict[str, Any], *rest: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**first, "thread_ts": first["ts"]}, *({**each, "thread_ts": first["ts"]} for each in rest)]

    days = [
        said("U1", "1.1", "Miten tämä toimii? Ei ketjua"),
        *thread(said("U1", "2.1", "Huomenta kaikille"), said("U2", "2.2", "Huomenta")),
        *thread(said("B1", "3.1", "Onko levy täynnä?"), said("U2", "3.2", "On")),
        *thread(said("U1", "4.1", "Miten?"), said("U2", "4.2", "joined", subtype="channel_join")),
        *thread(said("U1", "5.1", "Miten?"), said("B1", "5.2", "Botti"), said("U2", "5.3", "x", bot_id="B9")),
        *thread(
            said("U1", "6.1", "This message was deleted.", subtype="tombstone", hidden=True), said("U2", "6.2", "A")
        ),
        *thread(said("U1", "7.1", "Miten?"), said("U2", "7.2", "Poistettu", subtype="tombstone")),
        *thread(said("U1", "8.1", "Miten?"), said("U2", "8.2", "Näin", subtype="thread_broadcast")),
        said("U2", "9.2", "Vastaus kysymykseen, jota ei ole", "9.1"),
    ]
    found = requests(export(tmp_path, {"tuki/2026-03-02.json": days}))
    assert [request.id for request in found] == ["C1-8.1"]


def test_private_channels_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    days = [QUESTION, said("U2", "1772438500.000200", "Näin.", THREAD)]
    place = export(tmp_path, {"johto/2026-03-02.json": days, "D1/2026-03-02.json": days, "mpdm-a--b-1/x.json": days})
    assert requests(place) == []
    [request] = requests(place, private=True)
    assert (request.group, request.readers_there) == ("johto", ("johto",))
    with pytest.raises(SourceError, match="no channel 'johto'"):
        requests(place, channel=("johto",))


def test_channels_can_be_chosen(tmp_path: Path) -> None:
    days = [QUESTION, said("U2", "1772438500.000200", "Näin.", THREAD)]
    place = export(tmp_path, {"tuki/2026-03-02.json": days, "muu/2026-03-02.json": days})
    assert len(requests(place)) == 2
    assert [request.group for request in requests(place, channel=("#muu",))] == ["muu"]


def test_a_zip_file_is_read_like_its_folder(tmp_path: Path) -> None:
    days = [QUESTION, said("U2", "1772438500.000200", "Näin.", THREAD)]
    place = export(tmp_path, {"tuki/2026-03-02.json": days})
    for top in ("", "Example Slack export/"):
        packed = tmp_path / "export.zip"
        with zipfile.ZipFile(packed, "w") as written:
            for path in place.rglob("*.json"):
                written.write(path, top + str(path.relative_to(place)))
        assert requests(packed) == requests(place)
    packed.write_bytes(packed.read_bytes()[:400])
    with pytest.raises(SourceError, match="cut short or damaged"):
        requests(packed)


def test_a_user_who_has_left_keeps_the_day(tmp_path: Path) -> None:
    place = export(tmp_path, {"tuki/2026-03-02.json": [QUESTION, said("U3", "1772438500.000200", "Näin.", THREAD)]})
    people = [found.record for found in read(place) if isinstance(found.record, PersonRecord)]
    assert [(person.id, person.name, person.left_on) for person in people][1] == ("U3", "eero", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hei <@U1>, <@U9|vanha>, <!here> <#C1|tuki> <!subteam^S1|@tiimi>", "Hei @Matti, @vanha, @here #tuki @tiimi"),
        ("<https://x.fi> <https://x.fi|x.fi> <https://x.fi|ohje> <mailto:a@x.fi|a@x.fi>",
         "https://x.fi https://x.fi [ohje](https://x.fi) a@x.fi"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("*tärkeä* ~vanha~ 2*3*4 *.txt", "**tärkeä** ~~vanha~~ 2*3*4 *.txt"),
        ("Aja ```sudo *x* &amp; y``` tai `a *b* &lt;c&gt;`", "Aja \n```\nsudo *x* & y\n```\n tai `a *b* <c>`"),
    ],
)  # fmt: skip
def test_markup_becomes_markdown(text: str, expected: str) -> None:
    assert markdown_of(text, {"U1": "Matti"}) == expected


def test_a_message_whose_words_are_in_its_blocks_is_read(tmp_path: Path) -> None:
    words = [
        {"type": "text", "text": "Miten "},
        {"type": "user", "user_id": "U2"},
        {"type": "text", "text": " saan kortin?"},
    ]
    blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]}]
    question = {**QUESTION, "text": "", "blocks": blocks}
    days = [question, said("U2", "1772438500.000200", "Näin.", THREAD)]
    assert requests(export(tmp_path, {"tuki/2026-03-02.json": days}))[0].body == "Miten @Aino Virta saan kortin?"


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    days = [QUESTION, said("U2", "1772438500.000200", "Näin.", THREAD)]
    place = export(
        tmp_path,
        {
            "tuki/2026-03-01.json": "[{",
            "tuki/2026-03-02.json": days,
            "muu/2026-03-02.json": [
                said("U1", "soon", "Miten?", "soon"),
                said("U2", "2.1", "Näin", "soon"),
                said("U1", "99999999999999", "Miten?", "99999999999999"),
                said("U2", "2.2", "Näin", "99999999999999"),
                "nothing",
            ],
        },
    )
    found = read(place)
    assert [(each.place, each.problem[:30]) for each in found if each.record is None] == [
        ("tuki/2026-03-01.json:1", "not JSON that can be read (Exp"),
        ("muu/2026-03-02.json:3", "ts: '99999999999999' is no tim"),
        ("muu/2026-03-02.json:1", "ts: 'soon' is no time"),
    ]
    assert sum(isinstance(each.record, RequestRecord) for each in found) == 1


def test_another_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"channels\.json is missing"):
        requests(tmp_path)
    with pytest.raises(SourceError, match="Check the path"):
        requests(tmp_path / "missing.zip")


@needs_fixtures
def test_real_answers_of_the_api_are_read_as_days_of_a_channel(tmp_path: Path) -> None:
    folder = FIXTURES / "slack/chaoss__grimoirelab-perceval"
    files = {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    users = [value["user"] for value in files.values() if "user" in value and "ok" in value]
    channel = files["slack__slack_info.json"]["channel"]
    days = {f"{channel['name']}/{name}": value for name, value in files.items() if "messages" in value}
    assert (len(days), len(users)) == (4, 3)
    place = export(tmp_path, days, channels_json=[channel], users_json=users)
    assert [found.problem for found in read(place) if found.problem] == []
    question = files["slack__slack_history.json"]["messages"][5]  # it has a question mark
    thread = [{**question, "thread_ts": question["ts"]}]
    thread += [{**each, "thread_ts": question["ts"]} for each in files["slack__slack_history.json"]["messages"]]
    place = export(tmp_path, {f"{channel['name']}/thread.json": thread}, channels_json=[channel], users_json=users)
    [request] = requests(place)
    assert (request.id, request.asked_by, len(request.replies)) == ("C011DUKE8-1427135740.000069", "U0001", 3)
    assert request.created_at.replace(microsecond=0) == datetime(2015, 3, 23, 18, 35, 40)
    assert [reply.author for reply in request.replies] == ["U0001", "U0002", "U0002"]
