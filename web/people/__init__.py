"""People: the directory, a person's page, and what people set about themselves: suggestions, erasure, how they sign in.

Signing in itself is in `web/sign_in/`; who is suggested is decided in `recommender/people/`.
"""
