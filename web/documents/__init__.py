"""Documents: the library, the page of one, its form and outlines to begin with, and what it said before.

The life of documents is in `recommender/knowledge/`; their attached files are in `web/files/`.
"""
