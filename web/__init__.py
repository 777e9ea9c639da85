"""HTTP: pages, their templates, and the API. It does not use vectors or the indexer."""
