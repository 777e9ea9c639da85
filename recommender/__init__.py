"""Question in, Recommendation out: the retrieval core of Kollega. Knows no Flask and no click."""
