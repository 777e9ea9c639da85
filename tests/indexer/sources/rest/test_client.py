"""The REST client: patience, faults that pass and faults that do not, and a token that nobody else gets to see."""

import gzip
import logging
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.rest.access import Access, basic
from indexer.sources.rest.client import Refused, RestClient
from indexer.sources.rest.waiting import Patience
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence
from tests.indexer.sources.servers.desk import BEGINNING, Desk
from tests.indexer.sources.servers.server import TOKEN, Reply, SystemServer, serving

HASTY = Patience(connect=2, read=0.5, attempts=3, first_pause=0, longest_wait=50, largest_answer=100_000)


class Replies:
    """A system that answers with what a test wants, in turn; the last one again and again."""

    def __init__(self) -> None:
        self.desk, self.address, self.replies = Desk(), "", [Reply({"ok": True})]
        self.headers: list[dict[str, str]] = []

    def allows(self, headers: dict[str, str]) -> bool:
        self.headers.append(headers)
        return headers.get("authorization") == f"Bearer {TOKEN}"

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemServer]:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    with serving(Replies()) as running:
        yield running


def client_of(server: SystemServer, slept: list[float], **options: Any) -> RestClient:
    access = options.pop("access", None) or Access("desk")
    return RestClient("desk", server.url, access, options.pop("patience", HASTY), sleep=slept.append, **options)


def replies(server: SystemServer, *several: Reply) -> None:
    server.system.replies = list(several)  # type: ignore[attr-defined]


def test_a_busy_system_is_asked_again_after_the_seconds_that_it_names(server: SystemServer) -> None:
    replies(server, Reply({}, 429, {"Retry-After": "17"}), Reply({"ok": 1}))
    slept: list[float] = []
    with client_of(server, slept) as client:
        assert client.get("a").value == {"ok": 1}
    assert slept == [17.0]


def test_a_date_to_wait_for_is_compared_with_the_clock_of_the_system(server: SystemServer) -> None:
    server.faults.skew = timedelta(days=-3)
    date = BEGINNING.now(BEGINNING.tzinfo) + server.faults.skew + timedelta(seconds=40)
    replies(server, Reply({}, 429, {"Retry-After": format_datetime(date, usegmt=True)}), Reply({"ok": 1}))
    slept: list[float] = []
    with client_of(server, slept) as client:
        client.get("a")
    assert 36 <= slept[0] <= 41


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{epoch}"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "{epoch}"},
        {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "20"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{iso}"},
    ],
)
def test_no_request_is_sent_while_none_is_allowed(server: SystemServer, headers: dict[str, str]) -> None:
    until = BEGINNING.now(BEGINNING.tzinfo) + timedelta(seconds=20)
    told = {name: value.format(epoch=int(until.timestamp()), iso=until.isoformat()) for name, value in headers.items()}
    replies(server, Reply({"ok": 1}, 200, told), Reply({"ok": 2}))
    slept: list[float] = []
    with client_of(server, slept) as client:
        assert [client.get("a").value, client.get("a").value] == [{"ok": 1}, {"ok": 2}]
    assert len(slept) == 1 and 17 <= slept[0] <= 21


def test_a_wait_that_is_too_long_ends_with_a_sentence(server: SystemServer) -> None:
    replies(server, Reply({}, 429, {"Retry-After": "3600"}))
    slept: list[float] = []
    with (
        client_of(server, slept) as client,
        pytest.raises(SourceError, match=r"asks to wait 3600 seconds.*what was read"),
    ):
        client.get("a")
    assert slept == []


def test_a_limit_without_a_time_is_waited_for_by_the_minute_but_not_for_ever(server: SystemServer) -> None:
    replies(server, Reply({}, 429))
    slept: list[float] = []
    with client_of(server, slept, patience=Patience(longest_wait=200)) as client, pytest.raises(SourceError):
        client.get("a")
    assert slept == [60, 60, 60]


def test_githubs_refusals_about_too_many_requests_are_waited_for(server: SystemServer) -> None:
    abuse = {"message": "You have exceeded a secondary rate limit."}
    replies(server, Reply(abuse, 403, {"Retry-After": "5"}), Reply(abuse, 403), Reply({"ok": 1}))
    slept: list[float] = []
    with client_of(server, slept, patience=Patience(longest_wait=100)) as client:
        assert client.get("a").value == {"ok": 1}
    assert slept == [5, 60]


FAULTS = {
    "500": Reply({"error": "x"}, 500),
    "a web page": Reply(b"<html>Sign in</html>"),
    "half of the JSON": Reply(b'{"ok": tr'),
    "no gzip": Reply(b"not packed", 200, {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_that_passes_is_not_noticed_and_one_that_stays_is_told(server: SystemServer, fault: Reply) -> None:
    replies(server, fault, fault, Reply({"ok": 1}))
    with client_of(server, []) as client:
        assert client.get("a").value == {"ok": 1}
    replies(server, fault)
    before = len(server.requests)
    with (
        client_of(server, []) as client,
        pytest.raises(SourceError, match=r"after 3 attempts\. Import again later; what"),
    ):
        client.get("a")
    assert len(server.requests) - before == 3


def test_a_body_that_is_cut_half_way_is_read_again(server: SystemServer) -> None:
    server.faults.cut_every = 2
    with client_of(server, []) as client:
        assert [client.get("a").value for _time in range(4)] == [{"ok": True}] * 4
    assert len(server.requests) == 7


def test_pauses_grow_after_each_failure(server: SystemServer) -> None:
    replies(server, Reply({}, 503))
    slept: list[float] = []
    with client_of(server, slept, patience=Patience(attempts=5, longest_pause=4)) as client, pytest.raises(SourceError):
        client.get("a")
    assert [round(2 ** (each / 4)) > 0 for each in slept] == [True] * 4
    assert 0.75 <= slept[0] <= 1 and 1.5 <= slept[1] <= 2 and 3 <= slept[2] <= 4 and 3 <= slept[3] <= 4


def test_a_server_that_does_not_answer_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = RestClient(
            "desk", f"http://127.0.0.1:{silent.getsockname()[1]}", Access("desk"), HASTY, sleep=lambda _s: None
        )
        with client, pytest.raises(SourceError, match="does not answer in time, also after 3 attempts"):
            client.get("a")


def test_a_refused_token_is_told_with_the_variable_to_set(
    server: SystemServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", "old")
    with client_of(server, []) as client, pytest.raises(Refused) as refused:
        client.get("a")
    assert str(refused.value) == "desk: the token is refused (401): make a new one and set KOLLEGA_DESK_TOKEN."
    assert isinstance(str(refused.value), Sentence)  # so that a page can say it in its language
    assert len(server.requests) == 1


def test_a_token_that_was_renewed_in_its_file_is_taken(server: SystemServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o600)
    access = Access("desk", file=file)
    access.headers()
    file.write_text(f"{TOKEN}\n")
    with client_of(server, [], access=access) as client:
        assert client.get("a").value == {"ok": True}
    file.write_text("older")
    with (
        client_of(server, [], access=Access("desk", file=file)) as client,
        pytest.raises(Refused, match=f"write it to {file}"),
    ):
        client.get("a")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "400: The value 'x' does not exist.*Check the options"),
        (403, "403.*Give the account of the token the right"),
        (404, "404.*Check the address, and that the account"),
        (410, "410.*removed there"),
    ],
)
def test_a_refusal_says_what_to_do(server: SystemServer, status: int, words: str) -> None:
    replies(server, Reply({"errorMessages": ["The value 'x' does not exist"]} if status == 400 else {}, status))
    with client_of(server, []) as client, pytest.raises(Refused, match=words):
        client.get("a", {"jql": "secret words"})
    assert len(server.requests) == 1


def test_what_is_not_there_can_be_asked_for(server: SystemServer) -> None:
    replies(server, Reply({}, 404))
    with client_of(server, []) as client:
        assert client.find("a") is None


@pytest.mark.parametrize("body", [b"[" + b"1," * 60_000 + b"1]", gzip.compress(b"[" + b" " * 5_000_000 + b"]")])
def test_an_answer_that_is_too_large_is_not_kept_in_memory(server: SystemServer, body: bytes) -> None:
    packed = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    replies(server, Reply(body, 200, packed))
    with client_of(server, []) as client, pytest.raises(SourceError, match="larger than 0 MB and was not read"):
        client.get("a")


def test_a_redirect_is_followed_on_the_same_host_only(server: SystemServer) -> None:
    replies(server, Reply({}, 301, {"Location": "/b"}), Reply({"ok": 1}))
    with client_of(server, []) as client:
        assert client.get("a").value == {"ok": 1}
    with serving(Replies()) as other:
        replies(server, Reply({}, 302, {"Location": f"{other.url}/c"}))
        with client_of(server, []) as client, pytest.raises(SourceError, match="which does not get the token"):
            client.get("a")
        with client_of(server, []) as client, pytest.raises(SourceError, match="which does not get the token"):
            client.get(f"{other.url}/next")
        assert other.requests == []


def test_redirects_end(server: SystemServer) -> None:
    replies(server, Reply({}, 302, {"Location": "/a"}))
    with client_of(server, []) as client, pytest.raises(SourceError, match="redirects again and again"):
        client.get("a")


def test_the_next_page_is_named_by_a_header(server: SystemServer) -> None:
    replies(server, Reply([], 200, {"Link": '</a?page=2>; rel="next", </a?page=9>; rel="last"'}), Reply([]))
    with client_of(server, []) as client:
        assert client.get("a").next_page == f"{server.url}/a?page=2"
        assert client.get("a").next_page is None


def test_the_token_is_shown_nowhere(
    server: SystemServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", TOKEN)
    access = Access("desk")
    replies(server, Reply({"message": f"Bearer {TOKEN} may not"}, 403), Reply({}, 500))
    with client_of(server, [], access=access) as client:
        shown = [repr(client), repr(access), repr(vars(client)["_client"].headers)]
        for _time in range(2):
            with pytest.raises(SourceError) as failed:
                client.get("a")
            shown += [str(failed.value), repr(failed.value), repr(failed.value.__cause__)]
    assert "may not" in shown[3]
    assert TOKEN not in "\n".join([*shown, caplog.text])


@pytest.mark.parametrize("token", ["two words", "tökeni", "a\nb"])
def test_what_cannot_be_a_token_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("KOLLEGA_DESK_TOKEN", token)
    with pytest.raises(SourceError, match="no token has") as refused:
        Access("desk", basic("me@example.org")).headers()
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://desk.example.org", "not encrypted.*Use https"),
        ("ftp://desk.example.org", "no address that can be asked"),
        ("file:///etc/passwd", "no address that can be asked"),
        ("https://", "cannot be read"),
        ("https://me:secret@desk.example.org", "user or password in it"),
    ],
)
def test_only_encrypted_addresses_are_asked(address: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as refused:
        RestClient("desk", address, Access("desk"))
    assert "secret" not in str(refused.value)


def test_a_file_of_authorities_must_have_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificates")
    with pytest.raises(SourceError, match="Give a PEM file"):
        RestClient("desk", "https://desk.example.org", Access("desk"), ca_file=tmp_path / "ca.pem")
