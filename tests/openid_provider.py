"""An OpenID provider on this machine, as far as the test of one asks it: its description and its keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from recommender.accounts import provider

Answers = dict[str, tuple[int, Any]]
"""What the provider answers, by path: (status, body); a text is sent as it is. A test may change it."""


@contextmanager
def openid_provider(answers: Answers) -> Iterator[str]:
    """The address of a provider that has no fault, unless the test changes what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, "nothing"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    at = f"http://127.0.0.1:{server.server_port}"
    answers[provider.DISCOVERY] = (200, {
        "issuer": at, "authorization_endpoint": f"{at}/a", "token_endpoint": f"{at}/t", "jwks_uri": f"{at}/keys",
    })  # fmt: skip
    answers["/keys"] = (200, {"keys": [{"kty": "RSA", "use": "sig"}, {"kty": "RSA", "use": "enc"}]})
    try:
        yield at
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
