"""From a question to a judged list of items: understanding the question, fusing both searches, calibration, snippets.

Nothing here knows about people who answered; that is `recommender.people`.
"""
