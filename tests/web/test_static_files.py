"""static_files.py: browsers keep stylesheets, scripts and pictures until Kollega has another version of them."""

import re
from pathlib import Path

from tests.web.conftest import OpenWith
from web.static_files import versions_in

ASKED_FOR = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def test_what_a_page_uses_has_its_version_in_the_address_and_is_kept(open_with: OpenWith) -> None:
    client = open_with()
    for page in ("/?q=vpn", "/sign-in"):
        addresses = ASKED_FOR.findall(client.get(page).get_data(as_text=True))
        assert len(addresses) > 10
        for address in addresses:
            assert re.search(r"\?v=[0-9a-f]{12}$", address)
            with client.get(address) as answer:
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert "Set-Cookie" not in answer.headers


def test_another_version_or_none_is_asked_for_again_each_time(open_with: OpenWith) -> None:
    client = open_with()
    for address in ("/static/ask.js", "/static/ask.js?v=0123456789ab", "/static/ask.js?v="):
        with client.get(address) as answer:
            assert answer.status_code == 200 and answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "no-cache"
    missing = client.get("/static/nothing.js?v=0123456789ab")
    assert missing.status_code == 404 and "immutable" not in missing.headers.get("Cache-Control", "")


def test_the_version_of_a_file_follows_its_content(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    style, script = tmp_path / "css" / "a.css", tmp_path / "b.js"
    style.write_text("a {}", encoding="utf-8")
    script.write_text("1", encoding="utf-8")
    before = versions_in(tmp_path)
    assert set(before) == {"css/a.css", "b.js"}
    script.write_text("2", encoding="utf-8")
    after = versions_in(tmp_path)
    assert after["css/a.css"] == before["css/a.css"] and after["b.js"] != before["b.js"]
