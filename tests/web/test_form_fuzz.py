"""Every form of every page, sent with anything, by everybody: no answer is an error of the server.

The forms are found from the routes of the application, their fields from the pages. `KOLLEGA_FUZZ_EXAMPLES` says how
many times each form is sent: 25 unless it is set.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.request_tables import CannedReply
from recommender.database.service_tables import MeasureValue, SuccessMeasure
from recommender.database.tables import Document, HelpRequest
from recommender.knowledge import versions
from recommender.notifications.kinds import KINDS
from tests.conftest import sign_in
from tests.web.forms import forms_of
from tests.web.insights.topics import add_topic
from web.limits import limiter

EXAMPLES = int(os.environ.get("KOLLEGA_FUZZ_EXAMPLES", "25"))
ROLES = ("", "matti", "aino", "riikka", "lea")  # nobody, staff, agents of two teams, an admin
PAGES = (
    "/", "/sign-in", "/requests/new", "/requests/new?q=screen", "/requests/", "/requests/1", "/requests/2",
    "/requests/3", "/documents/", "/documents/new", "/documents/new?start=rule&language=fi", "/documents/new?from=1",
    "/documents/new?translates=1", "/documents/1", "/documents/1/edit", "/documents/1/edit?version=1",
    "/documents/1/history/", "/documents/1/history/1", "/desk/", "/desk/canned",
    "/people/matti", "/people/aino", "/inbox/", "/inbox/unsubscribe/x", "/people/me/settings", "/people/me/erase",
    "/chat/", "/insights/teams/it", "/insights/topics/1", "/insights/topics/1/merge?into=2",
    "/insights/topics/1/split", "/insights/topics/1/end", "/admin/teams/", "/admin/teams/it", "/admin/sign-in/",
    "/admin/sources/_connect/gitlab", "/admin/system/",
)  # fmt: skip
FIELDS = {
    "handle": "matti", "password": "not this one", "next": "/requests/1", "item": "request:1", "note": "old",
    "q": "screen",    "body": "see /requests/1", "lang": "fi", "request": "1", "insert": "link request:1",
    "person": "aino", "team": "it",
    "reply": "1", "audience": "everyone", "by": "document:1", "undo": "1", "hidden": "1",
    "seen": "2026-01-05T00:00:00",
    "last_flag": "1", "was": "it", "from": "1", "then": "publish", "sure": "1", "sent_as": "a", "title": "Screen",
    "owner": "aino", "review_days": "365", "version": "1", "translates": "1",
    "away_until": "2099-01-01", "capacity": "3", "deputy": "aino",
    "languages": "fi", "muted": "vpn", "stated": "screen", "paused": "1", "shown": "request:1",
    "opened": "document:1",
    "notification": "1", "page": "1", "what": "follow", "on": "1", "language": "fi", "daily_at": "8",
    "quiet_from": "20", "quiet_until": "7", **dict.fromkeys((f"when_{kind}" for kind in KINDS), "daily"),
    "anonymous": "1", "offered_for": "hr", "draft:title": "x", "csrf_token": "x", "files": "x", "attachment": "1",
    "act": "assign", "take": "2", "canned": "1", "before": "since today", "again": "1", "number": "3",
    "until": "tomorrow", "system": "slack", "workspace": "T1", "account": "U1",
    "kind": "document", "newest": "1", "unfiltered": "1",
    "sentence": "Screens work.", "day": "2026-01-05", "topic": "1", "colleague": "riikka",
    "name_fi": "Ruudut", "name_en": "Screens", "into": "2", "parts": "x",
    "name": "Screens", "name_sv": "Skärmar", "restricted": "1", "phone": "010 1", "hours": "weekdays",
    "hours_fi": "arkisin", "hours_sv": "vardagar", "keep_days": "30", "private_matters": "1", "way": "webhook",
    "address": "https://example.org", "place": "https://example.org", "part": "it/help", "user": "me", "secret": "file",
    "new_restricted": "1", "join": "aino", "leave": "matti", "confirmed": "1",
}  # fmt: skip
"""A usual value for each field, so that the forms are not only refused."""
NASTY = (
    "", " ", "\0", "\ud800", "\ufffe", "\u202e", "\u200b", "0", "-1", "1e400", "9" * 400, "٣", "²", "NaN", "null",
    "http://[x", "//x", "/\\x", "../..", "%00", "%", "{{7*7}}", "<script>", "' OR 1=1 --", "request:0",
    "request:99999999999",    "document:1\n", "9999-12-31", "0000-00-00", "2026-02-30T25:61:61+99:99",
    "9999-12-31T23:59:59.999999+14:00",
    "x" * 501, "x" * 100_001, "ﷺ" * 2_000, "[" * 30_000, "\r\n" * 500, "a\tb", "😀", "team:hr", "agents", "é" * 700,
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.sampled_from(NASTY), st.text(max_size=40), st.text(max_size=40).map(lambda text: text + "\0" + text)
)
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/json", "nonsense", "")


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> FlaskClient:
    """Request 1 is resolved, 2 open and anonymous, 3 open and of no team; document 1 and topics 1 and 2 are of IT."""
    add_request("Screen is black", "after update", "Hold the button", team="it", asked_by="matti")
    add_request("Screen flickers", "since today", team="it", status="open", asked_by="matti")
    add_request("Whom do I ask", status="open", asked_by="riikka", audience=["agents"])
    add_document("Screen guide", "## Screens\n\nPress.", team="it", owner="aino")
    for handle, role, teams in (
        ("matti", "staff", ()), ("aino", "agent", ("it",)), ("riikka", "agent", ("hr",)),
        ("lea", "admin", ("it", "hr")),
    ):  # fmt: skip
        add_person(handle, role, *teams, restricted=["hr"])
    with sessions.begin() as session:
        session.get_one(HelpRequest, 2).anonymous = True
        guide = session.get_one(Document, 1)
        session.add(CannedReply(team_id=guide.team_id, title="Restart", body="Please restart it."))
        versions.store(session, guide, None, guide.written_at)
        measure = SuccessMeasure(team_id=guide.team_id, sentence="Screens work.", written_on=date(2026, 1, 5))
        measure.values.append(MeasureValue(number=9, day=date(2026, 1, 5)))
        session.add(measure)
        guide.body = "## Screens\n\nPress longer."
    add_topic(sessions, add_request, "screens", "flicker", "colour")
    add_topic(sessions, add_request, "doors", "badge")
    client = open_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    monkeypatch.setattr(limiter, "enabled", False)
    return client


def _forms(client: FlaskClient) -> list[str]:
    """The rules of all routes that a form may be sent to; those of the API are tested with its schema, and those of
    SCIM take a token only."""
    return sorted(
        rule.rule
        for rule in client.application.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/scim/"))
    )


def _with(rule: str, name: str, value: str) -> str:
    return re.sub(rf"<int[^>]*:{name}>", value, rule)


def _addresses(rule: str) -> list[str]:
    """Addresses of a rule: for each of its ids one that exists and is usual, others, and one that is none."""
    if "reply_id" in rule:
        numbers = (("1", "1"), ("2", "2"), ("2", "99"), ("x", "1"))
        return [_with(_with(rule, "request_id", request), "reply_id", reply) for request, reply in numbers]
    if "request_id" in rule:
        return [_with(rule, "request_id", number) for number in ("1", "2", "3", "0", "99", "x")]
    rule = _with(rule, "version_id", "1")
    for name in ("document_id", "attachment_id"):
        if name in rule:
            return [_with(rule, name, number) for number in ("1", "99", "2147483647")]
    if "<key>" in rule:
        return [
            rule.replace("<key>", key) for key in ("request:1", "document:1", "request:2", "document:0", "x", "%00")
        ]
    if "<secret>" in rule:
        return [rule.replace("<secret>", secret) for secret in ("x", "1:x", "%00", "x" * 300)]
    rule = re.sub(r"<any\(([^,)]+)[^>]*>", r"\1", rule)
    rule = (
        rule.replace("<upload_id>", "x")
        .replace("<name>", "helpdesk")
        .replace("<kind>", "gitlab")
        .replace("<token>", "x")
        .replace("<source>", "helpdesk")
        .replace("<handle>", "it")
    )
    if "session_id" in rule or "<int" in rule:
        return [re.sub(r"<int[^>]*>", number, rule) for number in ("1", "2", "99", "0")]
    return [rule]


def test_the_fields_of_all_forms_are_tried(client: FlaskClient) -> None:
    named, sent_to = set(), set()
    for role in ROLES:
        visitor = sign_in(client, role) if role else client.application.test_client()
        for page in PAGES:
            for form in forms_of(visitor.get(page).text):
                if form.method != "post":
                    continue
                named |= {name for name, _value in (*form.fields, *form.others)}
                sent_to.add(form.action.partition("?")[0])
    assert named - FIELDS.keys() == set()
    rules = _forms(client)
    unknown = [address for rule in rules for address in _addresses(rule) if "<" in address]
    assert unknown == [], "a route has an unknown argument"
    reached = {address for rule in rules for address in _addresses(rule)}
    assert sent_to <= reached, "a page sends a form to an address that is not tried"


def test_no_form_breaks_the_server(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    answers: Counter[int] = Counter()
    for rule in _forms(client):
        addresses = _addresses(rule)

        @hypothesis_settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(
            address=st.sampled_from(addresses),
            role=st.sampled_from(ROLES),
            changed=st.dictionaries(
                st.one_of(st.sampled_from(sorted(FIELDS)), st.text(max_size=10)), VALUES, max_size=5
            ),
            repeated=st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), VALUES), max_size=4),
            kind=st.sampled_from((*KINDS[:1] * 5, *KINDS[1:])),
            file=st.booleans(),
            query=st.dictionaries(st.sampled_from(("lang", "next", "q", "from", "page")), VALUES, max_size=2),
        )
        def form_is_answered(
            address: str, role: str, changed: dict[str, Any], repeated: list[tuple[str, Any]], kind: str, file: bool,
            query: dict[str, Any],
        ) -> None:  # fmt: skip
            fields = [(name, value) for name, value in {**FIELDS, **changed}.items() if value is not None]
            fields += [(name, value) for name, value in repeated if value is not None]
            data: dict[str, Any] = {}
            for name, value in fields:
                data.setdefault(_sendable(name) or "x", []).append(_sendable(value))
            if file and kind == "multipart/form-data":
                data["body"] = [(BytesIO(b"\x00\xff" * 50), "name\u202e.txt")]
            visitor = sign_in(client, role) if role else client.application.test_client()  # one form ends the session
            answer = visitor.post(
                address,
                data=data if kind in KINDS[:2] else b"\xff{[&=%zz",
                content_type=kind or None,
                query_string={name: _sendable(value) for name, value in query.items() if value is not None},
            )
            answers[answer.status_code] += 1
            assert answer.status_code < 500, (address, role, fields, kind)

        form_is_answered()
    with capsys.disabled():
        print(
            f"\n{answers.total()} forms of {len(_forms(client))} kinds sent; answers: {dict(sorted(answers.items()))}"
        )
    assert answers.total() >= len(_forms(client)) * EXAMPLES / 2
    assert answers[200] + answers[204] + answers[302] > answers.total() / 8, "nearly all forms were only refused"


def _sendable(text: str) -> str:
    """The text as a test client can send it: halves of characters go as bytes that are no UTF-8 would."""
    return text.encode("utf-8", "replace").decode()
