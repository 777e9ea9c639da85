"""Requests: sending, reading and changing them, the page of one with the panel beside it, and the rows of the queue.

What only agents do is in `web/desk/`; the rules for requests are in `recommender/knowledge/`.
"""
