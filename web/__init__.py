"""HTTP and templates. Knows no vectors and nothing of the indexer."""
