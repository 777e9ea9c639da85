"""app.py: what the first visitors would wait for is loaded when the server starts."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from babel import localedata
from flask.testing import FlaskClient

from tests.conftest import sign_in
from web.app import warm_up


def test_after_warming_up_no_page_compiles_a_template_or_reads_a_language(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(localedata, "_cache", {})
    add_request("VPN drops", by="aino", team="it")
    add_person("aino", "agent", "it")
    client = open_client()
    loaded: list[str] = []
    loader = client.application.jinja_env.loader
    assert loader is not None
    load_template, load_language = loader.load, localedata.pickle.load

    def noted_template(environment: Any, name: str, *rest: Any) -> Any:
        loaded.append(name)
        return load_template(environment, name, *rest)

    def noted_language(file: Any) -> Any:
        loaded.append(file.name)
        return load_language(file)

    monkeypatch.setattr(loader, "load", noted_template)
    monkeypatch.setattr(localedata, "pickle", SimpleNamespace(load=noted_language))
    warm_up(client.application)
    assert {"requests/show.html", "layout.html"} <= set(loaded) and any(name.endswith("fi.dat") for name in loaded)
    agent = sign_in(client, "aino")
    loaded.clear()
    for page in ("/desk/", "/requests/1", "/requests/1?lang=fi", "/?q=VPN"):
        assert agent.get(page).status_code == 200
    assert loaded == []
