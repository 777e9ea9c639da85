"""Asks a REST interface for JSON: with time limits, as slowly as it wants, again after failures that pass, and without
ever giving its token to anybody else.

Errors are sentences with the address and what to do next. An address that the other system names (a next page, a
redirect) is followed only on the same host.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from indexer.sources.rest.access import Access
from indexer.sources.rest.address import certificates, origin_of, usable_address
from indexer.sources.rest.answer import error_text, is_limit, read_json
from indexer.sources.rest.waiting import (
    Again,
    Patience,
    asked_to_wait,
    is_enough,
    pause,
    server_time,
    until_reset,
    used_up,
)
from recommender.errors import SourceError
from recommender.sentences.sentence import N_, Sentence

_log = logging.getLogger(__name__)
_PASSES = frozenset({408, 425, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""
_MOST_REDIRECTS = 5
Params = Mapping[str, str | int]


_REMEDIES = {
    403: N_("Give the account of the token the right to read this"),
    404: N_("Check the address, and that the account of the token may see this"),
    410: N_("It was removed there"),
    0: N_("Check the options of the source"),
}
"""What to do after a status with which a system refuses to be read; 0 is any other one."""
_REMEDIES_OF_SENDING = {
    403: N_("Give the account of the token the right to write there"),
    404: N_("Check the address, and that the account of the token may write there"),
    0: N_("Correct what is set with kollega team set --set, then run it with --send-again"),
}
"""The same for what is sent there."""


_PROBLEM = N_("%(source)s: %(address)s %(problem)s.")
_GIVEN_UP = N_("%(source)s: %(address)s %(problem)s, %(again)s; what was read before stays.")
_REDIRECTS = N_("%(source)s: %(address)s redirects again and again. Check the address.")
_TOO_LARGE = N_(
    "%(source)s: the answer of %(address)s is larger than %(mb)s MB and was not read. Ask for less at once."
)
_SLOW = N_("needs more than %(seconds)s seconds for an answer")
_TOKEN_REFUSED = N_("%(source)s: the token is refused (401): make a new one and %(remedy)s.")
_CERTIFICATE = N_(
    "%(source)s: the certificate of %(address)s cannot be verified. If your organisation signs its own certificates, "
    "name the file of its authority as ca_file."
)
_OTHER_HOST = N_(
    "%(source)s: %(address)s points to %(other)s, which does not get the token. If that is the new address of the "
    "system, give that one."
)


class Refused(SourceError):
    """The other system refused a request, with this HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """The JSON of an answer, its headers (with names in any case) and the address that was asked."""

    value: Any
    headers: httpx.Headers
    address: str

    @property
    def next_page(self) -> str | None:
        """The address of the next page that the header `Link` names."""
        link = httpx.Response(200, headers=self.headers).links.get("next", {}).get("url")
        return urljoin(self.address, link) if link else None

    @property
    def server_time(self) -> datetime:
        """The time of the other system's clock."""
        return server_time(self.headers)


class RestClient:
    """Asks the interface at `address` (its path included). Close it after use, or use it in a `with` statement.

    `allow_http` sends the token without encryption; this machine itself may always be asked so.
    """

    def __init__(
        self,
        source: str,
        address: str,
        access: Access,
        patience: Patience | None = None,
        ca_file: Path | None = None,
        allow_http: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._access, self._sleep = source, access, sleep
        self._patience = patience or Patience()
        self.address = usable_address(source, address, allow_http)
        self._free_at = 0.0
        self._client = httpx.Client(
            verify=certificates(source, ca_file),
            timeout=httpx.Timeout(self._patience.read, connect=self._patience.connect),
            headers={"accept": "application/json", "user-agent": "Kollega"},
            follow_redirects=False,
        )

    def get(self, path: str, params: Params | None = None, question: Any = None) -> Answer:
        """The answer at a path below the address, or at a whole address on the same host. A `question` is sent as JSON,
        with POST; it must change nothing there, since it may be sent again.

        Raises Refused when the system refuses, and SourceError when it cannot be reached or gives no JSON.
        """
        address = path if "://" in path else f"{self.address}/{path.lstrip('/')}"
        self._check_host(address)
        retrying = Retrying(
            retry=retry_if_exception_type(Again),
            wait=lambda state: pause(state, self._patience),
            stop=lambda state: is_enough(state, self._patience),
            sleep=self._sleep,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            answer: Answer = retrying(self._ask, address, params, question)
        except Again as failure:
            raise self._given_up(address, failure) from None
        return answer

    def find(self, path: str, params: Params | None = None, question: Any = None) -> Answer | None:
        """As `get`, but None when there is nothing, or nothing that the token may see."""
        try:
            return self.get(path, params, question)
        except Refused as error:
            if error.status in (403, 404, 410):
                return None
            raise

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Send JSON once to a path below the address. Raises Refused when the system refuses, and SourceError when it
        cannot be told whether it has taken it."""
        return self._write("POST", path, body, headers)

    def put(self, path: str, body: Any) -> Answer:
        """Change what is at a path below the address, as `post` sends it."""
        return self._write("PUT", path, body)

    def _write(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        address = f"{self.address}/{path.lstrip('/')}"
        try:
            status, answered, content, asked = self._send(address, None, body, headers, method)
        except Again as failure:
            raise self._error(_PROBLEM, address, problem=failure.problem) from None
        if 200 <= status < 300:
            return Answer(read_json(content) if content.strip() else None, answered, asked)
        problem = self._failure(status, answered, content, asked, _REMEDIES_OF_SENDING)
        raise (problem if isinstance(problem, SourceError) else self._error(_PROBLEM, address, problem=problem.problem))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> "RestClient":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RestClient({self.address!r})"

    def _ask(self, address: str, params: Params | None, question: Any) -> Answer:
        """One attempt. Raises Again when another one may succeed."""
        self._wait_until_allowed()
        status, headers, body, asked = self._follow(address, params, question)
        if status == 401 and self._access.renewed():
            status, headers, body, asked = self._follow(address, params, question)
        if used_up(headers):
            self._free_at = time.monotonic() + until_reset(headers)
        if status == 200:
            return Answer(read_json(body), headers, asked)
        raise self._failure(status, headers, body, asked)

    def _follow(self, address: str, params: Params | None, question: Any) -> tuple[int, httpx.Headers, bytes, str]:
        """(status, headers, body, address) after redirects on the same host."""
        for _redirect in range(_MOST_REDIRECTS + 1):
            status, headers, body, asked = self._send(
                address, params, question, method="GET" if question is None else "POST"
            )
            if status not in (301, 302, 303, 307, 308) or "location" not in headers:
                return status, headers, body, asked
            address, params = urljoin(asked, headers["location"]), None
            self._check_host(address)
        raise self._error(_REDIRECTS, self.address)

    def _send(
        self,
        address: str,
        params: Params | None,
        sent: Any = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
    ) -> tuple[int, httpx.Headers, bytes, str]:
        """(status, headers, body, address) of one request, which sends `sent` as JSON unless that is None."""
        began, body = time.monotonic(), bytearray()
        all_headers = {**self._access.headers(), **(headers or {})}
        try:
            with self._client.stream(method, address, params=params, json=sent, headers=all_headers) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > self._patience.largest_answer:
                        raise self._error(_TOO_LARGE, address, mb=self._patience.largest_answer // 1_000_000)
                    if time.monotonic() - began > self._patience.whole_answer:
                        raise Again(Sentence(_SLOW, seconds=round(self._patience.whole_answer)))
                return response.status_code, response.headers, bytes(body), str(response.url)
        except httpx.TimeoutException:
            raise Again(Sentence("does not answer in time")) from None
        except httpx.DecodingError:
            raise Again(Sentence("sent an answer that cannot be unpacked")) from None
        except httpx.RemoteProtocolError:
            raise Again(Sentence("broke off in the middle of an answer")) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            reason = self._access.without_secret(str(error)) or type(error).__name__
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                raise self._error(_CERTIFICATE, self.address) from None
            raise Again(Sentence("cannot be reached (%(reason)s)", reason=reason)) from None

    def _failure(
        self, status: int, headers: httpx.Headers, body: bytes, address: str, remedies: Mapping[int, str] = _REMEDIES
    ) -> Again | Refused:
        shown, detail = self._shown(address), self._access.without_secret(error_text(body))
        if status == 429 or (status in (403, 503) and is_limit(headers, detail)):
            after = asked_to_wait(headers)
            limited = Sentence("allows no more requests for now (%(status)s)", status=status)
            return Again(limited, until_reset(headers) if after is None else after, True)
        if status in _PASSES:
            return Again(Sentence("fails (%(status)s)", status=f"{status}{detail}"), asked_to_wait(headers))
        if status == 401:
            return Refused(Sentence(_TOKEN_REFUSED, source=self._source, remedy=self._access.remedy()), status)
        remedy = Sentence(remedies.get(status, remedies[0]))
        values = {"source": self._source, "address": shown, "status": f"{status}{detail}", "remedy": remedy}
        return Refused(Sentence("%(source)s: %(address)s is refused (%(status)s). %(remedy)s.", **values), status)

    def _given_up(self, address: str, failure: Again) -> SourceError:
        if failure.limited:
            again = Sentence("and asks to wait %(num)s seconds. Import again after that", num=round(failure.after or 0))
        else:
            again = Sentence("also after %(num)s attempts. Import again later", num=self._patience.attempts)
        return self._error(_GIVEN_UP, address, problem=failure.problem, again=again)

    def _error(self, text: str, address: str, **values: object) -> SourceError:
        return SourceError(Sentence(text, source=self._source, address=self._shown(address), **values))

    def _wait_until_allowed(self) -> None:
        wait = self._free_at - time.monotonic()
        if wait > self._patience.longest_wait:
            raise Again(Sentence("allows no more requests for now"), wait, limited=True)
        if wait > 0:
            self._sleep(wait)
        self._free_at = 0.0

    def _check_host(self, address: str) -> None:
        """Raises SourceError for an address on another host, which must not get the token."""
        if origin_of(address) != origin_of(self.address):
            raise self._error(_OTHER_HOST, self.address, other=origin_of(address))

    def _shown(self, address: str) -> str:
        """An address without its query, which may say what is searched for."""
        return self._access.without_secret(address.partition("?")[0])

    def _tell(self, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        problem = failure.problem if isinstance(failure, Again) else ""
        _log.info("%s: %s %s; next attempt in %.0f s", self._source, self.address, problem, state.upcoming_sleep)
