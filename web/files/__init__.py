"""Attached files: their field in forms, their list on pages, their addresses, and which requests may be large.

How files are stored and who may read them is in `recommender/knowledge/`; their check is in `indexer/files/`.
"""
