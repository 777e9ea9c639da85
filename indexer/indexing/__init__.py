"""From the database to the index: passages, reindexing, following changes, status. The index itself is in
`recommender/index/`."""
