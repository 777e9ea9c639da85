"""Asks the API of a running `kollega serve` with a person's token."""

from typing import Any

import httpx
from mcp.server.mcpserver.exceptions import ToolError

_SECONDS = 20.0  # for one answer, more than a search takes on a busy machine: a judgement
_LONGEST_DETAIL = 300  # characters of an error of the API that are passed on


class APIClient:
    """Calls of the API at `address`, such as http://127.0.0.1:8080. Every error is a ToolError, whose sentence the
    assistant shows; no token is in it."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    async def get(self, path: str, token: str) -> Any:
        """The JSON at a path below /api/v1."""
        return await self._call("GET", path, token)

    async def post(self, path: str, token: str, body: dict[str, Any]) -> Any:
        """The JSON answer to a body that is sent to a path below /api/v1."""
        return await self._call("POST", path, token, body)

    async def _call(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
                answer = await client.request(method, f"{self.address}/api/v1{path}", headers=headers, json=body)
        except httpx.HTTPError as error:
            raise ToolError(f"Kollega does not answer at {self.address}. Check that `kollega serve` runs.") from error
        try:
            content = answer.json()
        except ValueError as error:
            raise ToolError(f"{self.address} answered with no JSON (status {answer.status_code}).") from error
        if answer.status_code >= 400:
            raise ToolError(_sentence(answer.status_code, content))
        return content


def _sentence(status: int, content: Any) -> str:
    error = content.get("error") if isinstance(content, dict) else None
    detail = str(error.get("detail", "") if isinstance(error, dict) else "")[:_LONGEST_DETAIL]
    if status == 404:
        return "There is no such item, or this person may not read it."
    return detail or f"Kollega refused the call (status {status})."
