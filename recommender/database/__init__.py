"""The database: tables, engine and migrations. It holds the truth; the index is derived from it."""
