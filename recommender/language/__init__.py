"""Texts to terms: language detection, lemmas, word lists, synonyms, and what joins Finnish and English."""
