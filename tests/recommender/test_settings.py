"""settings.py: values from the environment, and errors that name the variable."""

from dataclasses import fields
from pathlib import Path

import pytest

from recommender.errors import SettingsError
from recommender.setting_values import ATTACHMENT_TYPES
from recommender.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"KOLLEGA_PORT": "", "PORT": "1"}).port == 8080


def test_each_value_is_read_as_its_own_type() -> None:
    read = Settings.from_environment(
        {
            "KOLLEGA_HOME": "/srv/kollega",
            "KOLLEGA_PORT": "9000",
            "KOLLEGA_DENSE_WEIGHT": "0.25",
            "KOLLEGA_LANGUAGE": "fi",
        }
    )
    assert (read.home, read.port, read.dense_weight, read.language) == (Path("/srv/kollega"), 9000, 0.25, "fi")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KOLLEGA_PORT", "http"),
        ("KOLLEGA_PORT", "0"),
        ("KOLLEGA_PORT", "65536"),
        ("KOLLEGA_DENSE_WEIGHT", "1.01"),
        ("KOLLEGA_DENSE_WEIGHT", "-0.1"),
        ("KOLLEGA_DENSE_WEIGHT", "nan"),
        ("KOLLEGA_MAIL_SERVER", "smtp://"),
        ("KOLLEGA_MAIL_SERVER", "smtp://mail.example.org:99999"),
        ("KOLLEGA_MAIL_SERVER", "smtp://mail.example.org:0"),
        ("KOLLEGA_MAIL_SERVER", "smtps://user:pass/word@mail.example.org"),
        ("KOLLEGA_MAIL_SERVER", "smtp://[::1"),
        ("KOLLEGA_MAIL_SERVER", "mail.example.org:25"),
        ("KOLLEGA_BACKEND", "cuda"),
        ("KOLLEGA_LANGUAGE", "de"),
        ("KOLLEGA_PASSAGE_TOKENS", "15"),
        ("KOLLEGA_PASSAGE_TOKENS", "2.5"),
        ("KOLLEGA_HALF_LIFE_DAYS", "0"),
        ("KOLLEGA_HALF_LIFE_DAYS", "nan"),
        ("KOLLEGA_MAYBE_FROM", "0.8"),
        ("KOLLEGA_OLD_AFTER_MONTHS", "-1"),
        ("KOLLEGA_OLD_AFTER_MONTHS", "1.5"),
        ("KOLLEGA_SERVER_THREADS", "0"),
        ("KOLLEGA_WATCH_SECONDS", "0"),
        ("KOLLEGA_ANSWER_FROM", "2"),
        ("KOLLEGA_OLD_AFTER_MONTHS", "1000000000000"),
        ("KOLLEGA_SESSION_DAYS", "1e12"),
        ("KOLLEGA_SESSION_IDLE_DAYS", "1e12"),
        ("KOLLEGA_SESSION_IDLE_DAYS", "0.0001"),
        ("KOLLEGA_INSIGHTS_MINUTES", "1e300"),
        ("KOLLEGA_AUDIT_DAYS", "1"),
        ("KOLLEGA_AUDIT_DAYS", "1000000000"),
        ("KOLLEGA_OIDC_NAME", "a\0b"),
    ],
)
def test_an_invalid_value_is_refused_with_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} must be"):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize("edge", [{"dense_weight": 0.0}, {"dense_weight": 1.0}, {"port": 65535}, {"maybe_from": 0.4}])
def test_the_limits_of_a_range_are_valid(edge: dict[str, float]) -> None:
    assert Settings(**edge) != Settings()  # type: ignore[arg-type]


def test_every_path_is_under_home() -> None:
    settings = Settings(home=Path("/srv/kollega"))
    assert settings.index_dir == Path("/srv/kollega/index")
    assert settings.models_dir == Path("/srv/kollega/models")
    assert settings.backups_dir == Path("/srv/kollega/backups")


def test_the_table_has_a_row_with_help_for_every_setting() -> None:
    table = {variable: (default, help) for variable, default, help in Settings.table()}
    assert set(table) == {f"KOLLEGA_{field.name.upper()}" for field in fields(Settings)}
    assert table["KOLLEGA_PORT"] == ("8080", "port the server listens on")
    assert all(help for _default, help in table.values())
    assert ", ".join(ATTACHMENT_TYPES) in table["KOLLEGA_ATTACHMENT_TYPES"][1]


@pytest.mark.parametrize("variable", ["KOLLEGA_ANONYMOUS_READING", "KOLLEGA_DEMO"])
@pytest.mark.parametrize(
    ("values", "expected"), [(("0", "false", "no", "No"), False), (("1", "true", "yes", "TRUE"), True)]
)
def test_a_switch_can_be_written_in_several_ways(variable: str, values: tuple[str, ...], expected: bool) -> None:
    name = variable.removeprefix("KOLLEGA_").lower()
    read = [getattr(Settings.from_environment({variable: value}), name) for value in values]
    assert read == [expected] * 4


@pytest.mark.parametrize("variable", ["KOLLEGA_ANONYMOUS_READING", "KOLLEGA_DEMO"])
@pytest.mark.parametrize("value", ["2", "on", "maybe", " ", "1 ", "kyllä", "None"])
def test_a_switch_with_another_value_is_refused_with_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} must be a value like False, not"):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize(
    "url", ["", "https://kollega.example.org", "https://example.org/kollega", "http://localhost:8080"]
)
def test_a_public_url_is_an_address_or_nothing(url: str) -> None:
    assert Settings.from_environment({"KOLLEGA_PUBLIC_URL": url}).public_url == url


@pytest.mark.parametrize("url", ["kollega.example.org", "localhost:8080", "/kollega", "https:/example.org", " "])
def test_a_public_url_without_a_scheme_is_refused_with_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_PUBLIC_URL must be an address that starts with https://"):
        Settings.from_environment({"KOLLEGA_PUBLIC_URL": url})
