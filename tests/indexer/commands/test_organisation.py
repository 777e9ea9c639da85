"""`kollega organisation`: what was set on the pages is listed and taken back."""

import json

from sqlalchemy.orm import Session, sessionmaker

from recommender.organisation.values import Organisation, set_value
from recommender.settings import Settings
from tests.indexer.commands.conftest import Run


def test_values_are_listed_and_taken_back(run: Run, sessions: sessionmaker[Session], settings: Settings) -> None:
    assert "Nothing was set" in run("organisation", "list").stderr
    with sessions.begin() as session:
        set_value(session, settings, "session_days", 3.5)
        set_value(session, settings, "name", "Esimerkki Oy")
    assert run("organisation", "list").stdout == 'name\t"Esimerkki Oy"\nsession_days\t3.5\n'
    assert json.loads(run("organisation", "list", "--json").stdout)["session_days"] == 3.5
    assert run("organisation", "unset", "KOLLEGA_SESSION_DAYS").stdout == "session_days has its default again\n"
    with sessions() as session:
        assert Organisation.read(session, settings).settings.session_days == settings.session_days
    for name in ("session_days", "nonsense"):
        again = run("organisation", "unset", name)
        assert again.exit_code == 1 and "is not set in Kollega. See: kollega organisation list" in again.stderr
