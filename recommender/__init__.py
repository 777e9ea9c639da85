"""From a question to a Recommendation: the core of Kollega, with its tables, its access rules and its index. It does
not use Flask or click."""
