"""web/mcp: assistants ask Kollega through the client of the official SDK, as the person whose token they have."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn
from flask.testing import FlaskClient
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Person
from tests.chromium import served
from tests.paths import ROOT
from tests.timing import LONG
from web.mcp.results import colleagues_of
from web.mcp.server import http_app

Sessions = sessionmaker[Session]
Ask = Callable[[Any], Awaitable[Any]]


@dataclass
class Kollega:
    """A running Kollega, and the tokens of two people."""

    address: str
    aino: str
    kaisa: str


@pytest.fixture
def kollega(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    sessions: Sessions,
) -> Iterator[Kollega]:
    add_request("VPN error 809 at home", "It does not connect", "Use GlobalProtect instead", by="aino", team="it")
    add_request("Salary table of the VPN team", "VPN salaries", "It is in the vault", team="hr", audience=[])
    add_person("aino", "agent", "it")
    add_person("kaisa", "agent", "hr")
    tokens = {}
    with sessions.begin() as session:
        for handle in ("aino", "kaisa"):
            person = session.query(Person).filter_by(handle=handle).one()
            tokens[handle] = accounts.make_token(session, person, "assistant", ("read",))
    with served(open_client().application) as address:
        yield Kollega(address.rstrip("/"), tokens["aino"], tokens["kaisa"])


@pytest.fixture
def http(kollega: Kollega) -> Iterator[str]:
    """The address of the MCP server over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = http_app(kollega.address, "https://kollega.example", (f"127.0.0.1:{port}",))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}/mcp"
    server.should_exit = True
    thread.join(LONG)
    assert not thread.is_alive()


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: the one of the tests may have an event loop, which Playwright has left there."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def _over_http(address: str, token: str, ask: Ask) -> Any:
    async def run() -> Any:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=LONG) as transport,
            Client(streamable_http_client(address, http_client=transport)) as client,
        ):
            return await ask(client)

    return _run(run())


async def _use_all_tools(client: Any) -> tuple[Any, Any, Any]:
    found = (
        await client.call_tool("search_answers", {"question": "VPN does not connect, error 809"})
    ).structured_content
    people = (await client.call_tool("find_colleagues", {"question": "VPN error 809"})).structured_content
    item = (await client.call_tool("read_item", {"item": found["answers"][0]["item"]})).structured_content
    return found, people, item


def test_the_tools_are_described_and_only_read(http: str, kollega: Kollega) -> None:
    async def ask(client: Any) -> Any:
        return (await client.list_tools()).tools

    tools = _over_http(http, kollega.aino, ask)
    assert [tool.name for tool in tools] == ["search_answers", "find_colleagues", "read_item"]
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_answers_colleagues_and_items_are_found_with_their_addresses(http: str, kollega: Kollega) -> None:
    found, people, item = _over_http(http, kollega.kaisa, _use_all_tools)
    first = found["answers"][0]
    assert first["text"] == "Use GlobalProtect instead"  # the fix, and not the question
    assert (first["title"], first["address"]) == ("VPN error 809 at home", "https://kollega.example/requests/1")
    named = people["colleagues"][0]
    assert (named["handle"], named["reasons"]) == ("aino", ["answered 2 like this"])
    assert item["answer"] == "Use GlobalProtect instead" and item["team"] == "it"


def test_each_call_has_the_rights_of_the_person_whose_token_it_has(http: str, kollega: Kollega) -> None:
    async def ask(client: Any) -> Any:
        found = await client.call_tool("search_answers", {"question": "VPN salary table"})
        hidden = await client.call_tool("read_item", {"item": "request:2"})
        return [each["item"] for each in found.structured_content["answers"]], hidden

    items, hidden = _over_http(http, kollega.aino, ask)
    assert "request:2" not in items and hidden.is_error
    assert hidden.content[0].text.endswith("There is no such item, or this person may not read it.")
    items, shown = _over_http(http, kollega.kaisa, ask)
    assert "request:2" in items and shown.structured_content["answer"] == "It is in the vault"


def test_without_a_token_or_under_another_name_nothing_is_answered(http: str, kollega: Kollega) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    refused = httpx.post(http, json=body, timeout=LONG)
    assert refused.status_code == 401 and "kollega user token HANDLE" in refused.json()["error"]
    headers = {"Authorization": f"Bearer {kollega.aino}", "Accept": "application/json, text/event-stream"}
    rebound = httpx.post(http, json=body, headers={**headers, "Host": "evil.example"}, timeout=LONG)
    assert rebound.status_code == 421

    async def ask(client: Any) -> Any:
        return await client.call_tool("search_answers", {"question": "VPN"})

    wrong = _over_http(http, "kollega_wrong", ask)
    assert wrong.is_error and "This token is unknown or has expired" in wrong.content[0].text
    assert "kollega_wrong" not in wrong.content[0].text


def test_on_standard_input_it_asks_as_the_person_of_the_setting(kollega: Kollega) -> None:
    environment = {"KOLLEGA_MCP_TOKEN": kollega.aino, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "indexer", "mcp", "--url", kollega.address], env=environment
    )

    async def run() -> Any:
        async with Client(stdio_client(command)) as client:
            return await _use_all_tools(client)

    found, _people, item = _run(run())
    assert found["answers"][0]["item"] == "request:1" and item["answer"] == "Use GlobalProtect instead"


def test_without_a_token_or_a_server_the_command_and_the_tools_say_what_to_do(kollega: Kollega) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "indexer", "mcp"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1 and "Set KOLLEGA_MCP_TOKEN to the token of the person" in result.stderr

    from web.mcp.server import make_server

    async def run() -> Any:
        async with Client(make_server("http://127.0.0.1:9", "https://x.example", "t")) as client:
            return await client.call_tool("search_answers", {"question": "VPN"})

    answer = _run(run())
    assert answer.is_error and "Check that `kollega serve` runs" in answer.content[0].text


def test_reasons_count_one_in_words() -> None:
    nobody = {"answered": 0, "keeps": 1, "verified": 2, "replied": 0}
    person = {
        **nobody, "handle": "aino", "name": "Aino", "teams": [], "languages": [], "away_until": None, "evidence": [],
    }  # fmt: skip
    (found,) = colleagues_of({"experts": [person], "teams": []}, "https://kollega.example").colleagues
    assert found.reasons == ["is responsible for a guide about it", "verified 2 guides about it"]
