"""Who knows about a question: evidence, ranking, availability, preferences and the profile page's data."""
