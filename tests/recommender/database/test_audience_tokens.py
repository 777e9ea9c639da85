"""database/audience_tokens.py: no audience goes on naming a team or a person that became another one."""

import importlib
import pkgutil
from collections.abc import Callable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from recommender import database
from recommender.database import audience_tokens
from recommender.database.documents_tables import DocumentVersion
from recommender.database.insight_tables import TopicRow
from recommender.database.tables import Base, DocumentAudience, RequestAudience, utc_now
from recommender.database.words_tables import Pin

NO_AUDIENCE = {
    "handovers.readers_there",  # groups of another system
    "requests.name_known_to",  # ids of teams, of which a merge makes nobody know more
}


def test_every_column_that_holds_tokens_of_an_audience_is_known() -> None:
    """A new column that is called like one fails here until `rename` knows it."""
    for module in pkgutil.iter_modules(database.__path__):
        if module.name.endswith(("tables", "table")):
            importlib.import_module(f"{database.__name__}.{module.name}")
    words = ("token", "audience", "reader", "known_to", "visible", "shared_with")
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(word in column.name for word in words) and not column.foreign_keys
    }
    assert found - NO_AUDIENCE == set(audience_tokens.COLUMNS)


def test_each_of_them_names_the_other_one_afterwards_once(
    sessions: sessionmaker[Session], add_request: Callable[..., int], add_document: Callable[..., int]
) -> None:
    request, document = add_request("VPN", audience=()), add_document("Guide", "Text", audience=())
    tokens = ["team:it", "team:hr", "team:itx"]
    with sessions.begin() as session:
        for token in tokens:
            session.execute(insert(RequestAudience).values(request_id=request, token=token))
            session.execute(insert(DocumentAudience).values(document_id=document, token=token))
            session.add(TopicRow(audience=token, made_on=utc_now().date()))
            session.add(Pin(phrase="vpn", item=f"request:{request}", audience=token, until=utc_now().date()))
        session.add(DocumentVersion(document_id=document, title="T", body="B", text_digest="0", audience=tokens))
    with sessions.begin() as session:
        audience_tokens.rename(session, "team:it", "team:hr")
    with sessions() as session:
        for name in audience_tokens.COLUMNS:
            table = Base.metadata.tables[name.partition(".")[0]]
            values = session.scalars(select(table.columns[name.partition(".")[2]])).all()
            named = {token for value in values for token in ([value] if isinstance(value, str) else value)}
            assert named == {"team:hr", "team:itx"}, name
        assert session.scalar(select(DocumentVersion.audience)) == ["team:hr", "team:itx"]
