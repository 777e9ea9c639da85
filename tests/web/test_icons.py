"""Small pictures beside words (`formatting.icon`): they say nothing by themselves and load nothing."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.conftest import sign_in
from web.formatting import icon

_PICTURE = re.compile(r"<svg\b.*?</svg>")


@pytest.fixture
def pages(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> list[str]:
    """Pages with pictures, as an agent sees them."""
    add_request("Printer is stuck", "Paper everywhere", "Open the lid", by="aino", team="it", audience=["team:it"])
    add_person("aino", "agent", "it")
    agent = sign_in(open_client(), "aino")
    return [agent.get(path).text for path in ("/", "/?q=printer+is+stuck", "/requests/1", "/requests/new")]


def test_pictures_are_hidden_from_screen_readers_and_have_the_colour_of_their_words(pages: list[str]) -> None:
    found = {picture for page in pages for picture in _PICTURE.findall(page)}
    assert {str(icon(name)) for name in ("bars-3", "lock-closed", "paper-clip", "users", "magnifying-glass")} <= found
    for picture in found:
        assert 'aria-hidden="true"' in picture and 'fill="currentColor"' in picture and 'class="icon"' in picture
        assert "href" not in picture and "url(" not in picture and len(picture) < 800


def test_every_picture_stands_in_front_of_words(pages: list[str]) -> None:
    for page in pages:
        for picture in _PICTURE.finditer(page):
            assert re.match(r"\s*[^\s<]", page[picture.end() :]), f"no words after {picture.group()[:80]}"
