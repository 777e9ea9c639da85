"""What is told to `kollega watch` as soon as it is committed, where the database can tell it."""

CHANNEL = "kollega_changes"
WATCHED = frozenset(
    {"requests", "replies", "documents", "request_audience", "document_audience", "people", "attachments"}
)
"""The tables of what is indexed, as in `fingerprint.py`."""
