"""Who knows about a question: evidence, ranking, availability, fairness, preferences, and the data of profile pages.

How a question finds items is not decided here but in `recommender.search`."""
