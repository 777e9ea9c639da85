"""From the records of a source to rows of the database. Reading a source is in `sources/`."""
