"""The page about the system: the quick checks of `kollega doctor`, in the language of the page."""

import re
from collections.abc import Callable

from flask.testing import FlaskClient

from recommender.database.days import current_day
from recommender.settings import Settings
from tests.conftest import sign_in


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
    today = current_day()
    assert f"{today.day}.{today.month}.{today.year}" in finnish and f"{today:%Y-%m-%d}" not in finnish
    assert re.search(r"\d,\d\N{NO-BREAK SPACE}[MG]t", finnish) and not re.search(r"\d\.\d [MG]B", finnish)
    assert sign_in(client, "matti").get("/admin/system/").status_code == 403
