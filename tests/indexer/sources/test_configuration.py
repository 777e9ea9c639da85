"""sources/configuration.py: what sources.toml may have, and what is said when it cannot be used."""

from datetime import timedelta
from pathlib import Path

import pytest

from indexer.sources.configuration import read_sources
from recommender.errors import SettingsError


def _write(folder: Path, text: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sources_are_read_in_their_order_with_paths_beside_the_file(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        '[helpdesk]\nkind = "jsonl"\nplace = "export/tickets.jsonl"\nevery = "15m"\nfull_every = "1d"\nteam = "it"\n'
        '[old]\nkind = "stackexchange"\nplace = "/data/dump"\n',
    )
    helpdesk, old = read_sources(path)
    assert (helpdesk.name, helpdesk.kind, helpdesk.every, helpdesk.full_every) == (
        "helpdesk",
        "jsonl",
        timedelta(minutes=15),
        timedelta(days=1),
    )
    assert helpdesk.options.place == str(tmp_path / "export/tickets.jsonl") and helpdesk.options.team == "it"
    assert (old.options.place, old.every) == ("/data/dump", None)
    assert read_sources(tmp_path / "none.toml") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]\nkind =", "is no TOML that can be read"),
        ("[a]\nplace = 'x'", "[a]: kind is missing. Write one of:"),
        ("[a]\nkind = 'jirra'\nplace = 'x'", "[a]: kind 'jirra' is not known. Write one of:"),
        ("[a]\nkind = 'jsonl'", "[a]: place: it is missing"),
        ("[a]\nkind = 'jsonl'\nplace = 'x'\ncolour = 1", "[a]: colour: it is not known. Known are: "),
        ("[a]\nkind = 'jsonl'\nplace = 'x'\nevery = '1s'", "every = '1s' is no time of at least 10 seconds. Write one"),
        ("[a]\nkind = 'jsonl'\nplace = 'x'\ntimezone = 'Mars/Base'", "is not a time zone. Write one such as"),
        ("['A b']\nkind = 'jsonl'\nplace = 'x'", "cannot be the name of a source"),
        ("[kollega]\nkind = 'jsonl'\nplace = 'x'", "cannot be the name of a source"),
        ("[mcp]\nkind = 'zammad'\nplace = 'https://x'", "[mcp] would take its token or password from a setting"),
        ("[metrics]\nkind = 'jsonl'\nplace = 'x'", "[metrics] would take its token or password from a setting"),
        ("[demo]\nkind = 'jsonl'\nplace = 'x'", "cannot be the name of a source"),
        ("a = 1", "is no table"),
        ("[a]\nkind = ['jsonl']\nplace = 'x'", "[a]: kind ['jsonl'] is not known. Write one of:"),
        ("[a]\nkind = 'jsonl'\nplace = '~nobody-here/x'", "[a]: place: there is no such user. Write the whole path."),
        ("[a]\nkind = 'mail'\nplace = 'imaps://me:hemmelig@example.org:x'", "place: it has a password in it. Take"),
        ("[a]\nkind = 'jira'\nplace = 'ftp://me:hemmelig@example.org'", "place: it has a password in it. Take"),
        ("[help-desk]\nkind = 'jsonl'\nplace = 'x'\ntoken = 'hemmelig'", "Set KOLLEGA_HELP_DESK_TOKEN, or write it"),
        (
            "[help-desk]\nkind = 'jsonl'\nplace = 'x'\n['help.desk']\nkind = 'jsonl'\nplace = 'y'",
            "[help-desk] and [help.desk] would both take their token from KOLLEGA_HELP_DESK_TOKEN",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_file_source_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read_sources(path)
    assert said in str(caught.value) and str(path) in str(caught.value)
    assert "hemmelig" not in str(caught.value)


def test_what_decides_what_is_read_changes_the_digest_and_the_schedule_does_not(tmp_path: Path) -> None:
    def digest_of(text: str) -> str:
        (configured,) = read_sources(_write(tmp_path, f"[a]\nkind = 'jsonl'\n{text}"))
        return configured.options_digest()

    first = digest_of("place = '/x'")
    assert digest_of("place = '/x'\nevery = '1h'") == first
    assert digest_of("place = '/y'") != first != digest_of("place = '/x'\nteam = 'it'")
