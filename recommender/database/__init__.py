"""The database: tables, engine and migrations. Everything is stored here; the index is derived from it."""
