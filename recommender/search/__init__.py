"""From a question to a judged list of items: analysing the question, search, fusion of scores, calibration, snippets.

Who answered these items is not looked at here but in `recommender.people`.
"""
