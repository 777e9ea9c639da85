"""web/search/address_bar.py: a browser that follows the description comes to the answers."""

from collections.abc import Callable
from dataclasses import replace

from defusedxml import ElementTree
from flask.testing import FlaskClient

from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app

_NAMES = {"o": "http://a9.com/-/spec/opensearch/1.1/"}


def _template(client: FlaskClient) -> str:
    answer = client.get("/opensearch.xml")
    assert answer.content_type == "application/opensearchdescription+xml; charset=utf-8"
    found = ElementTree.fromstring(answer.text).find("o:Url", _NAMES)
    return str(found.get("template"))


def test_every_page_names_the_description_and_its_address_searches(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int]
) -> None:
    add_request("VPN error 809 at home", "It does not connect", "Use GlobalProtect instead")
    client = open_client()
    link = '<link rel="search" type="application/opensearchdescription+xml" title="Kollega" href="/opensearch.xml">'
    assert link in client.get("/").text
    template = _template(client)
    assert template == "http://localhost/?q={searchTerms}"
    assert "VPN error 809 at home" in client.get(template.replace("{searchTerms}", "VPN%20809")).text


def test_behind_a_proxy_its_addresses_are_those_that_people_use(
    settings: Settings, open_recommender: Callable[[], Recommender]
) -> None:
    app = create_app(replace(settings, public_url="https://kollega.example/"), recommender=open_recommender())
    try:
        assert _template(app.test_client()) == "https://kollega.example/?q={searchTerms}"
    finally:
        close_app(app)
