"""From records of a source to rows of the database."""
