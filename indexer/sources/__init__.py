"""One file per source; each yields records that `indexer.load` puts into the database."""
