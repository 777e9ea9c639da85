"""The admin area: who may open it, and the menu of its sections."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.conftest import sign_in
from web.admin.frame import sections


@pytest.mark.parametrize(("role", "status"), [("staff", 403), ("agent", 403), ("lead", 403), ("admin", 200)])
def test_only_admins_may_open_it(
    role: str, status: int, open_client: Callable[[], FlaskClient], add_person: Callable[..., int]
) -> None:
    add_person("aino", role, "it")
    client = sign_in(open_client(), "aino")
    assert client.get("/admin/").status_code == status
    assert ("/admin/" in client.get("/").text) == (role == "admin")


def test_who_has_not_signed_in_signs_in_first(open_client: Callable[[], FlaskClient]) -> None:
    assert open_client().get("/admin/").status_code == 401


def test_every_page_stands_in_the_menu(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> None:
    add_person("aino", "admin")
    client = sign_in(open_client(), "aino")
    with client:
        page = client.get("/admin/").text
        in_menu = {section.blueprint for section in sections()}
        assert in_menu == {name for name in client.application.blueprints if name.split("_")[0] == "admin"}
        assert all(section.text in page for section in sections())
