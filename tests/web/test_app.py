"""app.py: the security headers of every answer."""

import pytest

from tests.web.conftest import OpenWith

PATHS = ("/", "/nowhere", "/sign-in", "/health", "/metrics", "/api/v1/openapi.json")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("public_url", ["https://kollega.example", "http://kollega.example", ""])
def test_browsers_are_told_to_use_https_only_where_people_use_it(
    open_with: OpenWith, public_url: str, path: str
) -> None:
    headers = open_with(settings_changed={"public_url": public_url}).get(path).headers
    expected = "max-age=31536000" if public_url.startswith("https") else None
    assert headers.get("Strict-Transport-Security") == expected


@pytest.mark.parametrize("path", PATHS)
def test_pages_can_use_no_camera_or_position_and_are_cut_off_from_pages_of_others(
    open_with: OpenWith, path: str
) -> None:
    headers = open_with().get(path).headers
    for device in ("camera", "microphone", "geolocation", "payment"):
        assert f"{device}=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
