"""The life of what is written: requests, documents, and what became of a suggestion (outcomes)."""
