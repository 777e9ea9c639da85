"""Alembic's entry point: runs the migrations on the connection that `engine.migrate` passes."""

from alembic import context

from recommender.database import (  # noqa: F401 - so that their tables are known
    account_tables,
    audit_table,
    chat_tables,
    details_tables,
    documents_tables,
    encode_tables,
    erased_table,
    foreign_tables,
    gap_tables,
    handover_tables,
    import_tables,
    index_tables,
    insight_tables,
    item_tables,
    job_tables,
    organisation_tables,
    provisioning_tables,
    replica_tables,
    request_tables,
    search_count_tables,
    sent_tables,
    source_tables,
    told_tables,
    words_tables,
)
from recommender.database.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
