"""Who can help with a question: evidence, ranking, availability, fairness, preferences, and the data of profile pages.

Searching for items is in search/.
"""
