"""The page about the system: the quick checks of `kollega doctor`, in the language of the page."""

from collections.abc import Callable

from flask.testing import FlaskClient

from recommender.monitoring.checks.texts import TEXTS
from recommender.settings import Settings
from tests.conftest import sign_in
from web.admin import check_words


def test_the_page_has_every_text_of_the_checks_to_translate() -> None:
    assert set(check_words.TEXTS) == {text for pair in TEXTS.values() for text in pair if text}


def test_an_admin_sees_what_needs_somebody_first(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    settings: Settings,
) -> None:
    add_person("aino", "admin")
    add_person("matti", "agent")
    add_request("A printer named zebrafish")
    client = open_client()
    page = sign_in(client, "aino").get("/admin/system/").text
    assert page.index("No backup was ever made") < page.index('id="fine"') < page.index("1 items")
    assert str(settings.home) not in page and "zebrafish" not in page
    finnish = sign_in(client, "aino").get("/admin/system/?lang=fi").text
    assert "ei ole tehty yhtään varmuuskopiota" in finnish and "Kotihakemistoa voi lukea" in finnish
    assert sign_in(client, "matti").get("/admin/system/").status_code == 403
