"""Addresses of stylesheets, scripts and pictures that change with their content: a browser keeps what it has loaded,
and asks again only when Kollega has another version of it."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

VERSION = "v"
"""The part of an address that says which content is meant."""
_ENDPOINT = "static"
_YEAR = 365 * 24 * 3600  # seconds
_DIGITS = 12  # of the digest: enough to tell versions of a file apart


def attach(app: Flask) -> None:
    """Give the addresses that `url_for("static", ...)` makes the version of their file, and let browsers keep what is
    asked for with its present version. All other addresses of files are asked for again each time, as before."""
    versions = versions_in(Path(app.static_folder or ""))

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == _ENDPOINT and values.get("filename") in versions:
            values.setdefault(VERSION, versions[values["filename"]])

    def let_browsers_keep_it(response: Response) -> Response:
        name = (request.view_args or {}).get("filename") if request.endpoint == _ENDPOINT else None
        if name in versions and request.args.get(VERSION) == versions[name] and response.status_code in (200, 206, 304):
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response

    app.url_defaults(add_version)
    app.after_request(let_browsers_keep_it)


def versions_in(folder: Path) -> dict[str, str]:
    """The version of each file in a folder, by its path below the folder: the beginning of a digest of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
