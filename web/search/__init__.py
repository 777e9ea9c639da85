"""Asking: the search page, the question and its filters, the cards of answers, whom to ask instead, the embedded box.

How answers are found is in `recommender/search/`, and what is done with a request in `web/requests/`.
"""
