"""Brings content from outside into the database, and from the database into the index. Admins and timers run it."""
